"""The rules as Prometheus' own tool sees them, and their agreement with what is exported."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from helpers.errors import SettingsError
from helpers.monitoring.exporter import Exporter
from helpers.monitoring.grafana import dashboard_json
from helpers.monitoring.indicators import duration
from helpers.monitoring.metrics import FAMILIES, Kind
from helpers.monitoring.prometheus import alertmanager_configuration, prometheus_configuration, rules
from helpers.objectives import Objectives

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not here"
)


def promtool(*arguments: str, folder: Path) -> str:
    """Run it; it must be content."""
    done = subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write(folder: Path, name: str, content: dict[str, Any]) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


@needs_promtool
@pytest.mark.parametrize("objectives", [Objectives(), Objectives(uptime=0.9, share=0.5, period_days=0.01)])
def test_promtool_finds_the_rules_right(tmp_path: Path, objectives: Objectives) -> None:
    """The rule file and a configuration that names it are what Prometheus reads."""
    write(tmp_path, "realtime.rules.yml", rules(objectives))
    write(tmp_path, "prometheus.yml", prometheus_configuration("127.0.0.1:9464", alertmanagers=["127.0.0.1:9093"]))
    assert "SUCCESS" in promtool("check", "rules", "realtime.rules.yml", folder=tmp_path)
    promtool("check", "config", "prometheus.yml", folder=tmp_path)


@needs_promtool
def test_the_exposition_is_clean(tmp_path: Path) -> None:
    """Names, types and help texts are as Prometheus' conventions ask."""
    text = Exporter(port=None).text()
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_promtool
def test_alerts_fire_and_end(tmp_path: Path) -> None:
    """On written-down series each alert fires when it should, and not before, and not afterwards."""
    write(tmp_path, "realtime.rules.yml", rules(Objectives()))
    shutil.copy(Path(__file__).parent / "alerts.test.yml", tmp_path)
    promtool("test", "rules", "alerts.test.yml", folder=tmp_path)


def test_queries_name_only_what_is_exported() -> None:
    """Every metric in rules and dashboard is exported or recorded, and every family is used by one of them."""
    declared = {name for family in FAMILIES for name in names_of(family.name, family.kind)}
    made = rules(Objectives())
    recorded = {rule["record"] for group in made["groups"] for rule in group["rules"] if "record" in rule}
    text = yaml.safe_dump(made, width=10_000) + json.dumps(dashboard_json(Objectives()))
    used = set(re.findall(r"(?:\w+:)?realtime_canary_\w+(?::\w+)?", text))
    groups = {group["name"] for group in made["groups"]}
    assert used - declared - recorded - groups == set()


def names_of(name: str, kind: Kind) -> tuple[str, ...]:
    return (f"{name}_bucket", f"{name}_count", f"{name}_sum") if kind is Kind.HISTOGRAM else (name,)


@given(st.floats(0.001, 100), st.floats(0.001, 100), st.floats(0.001, 100))
def test_limits_are_boundaries(connect_s: float, delivery_s: float, change_s: float) -> None:
    """Whatever the objectives, the buckets that the rules ask for are among those that are exported."""
    objectives = Objectives(connect_s=connect_s, delivery_s=delivery_s, change_alert_s=change_s)
    exporter = Exporter(objectives, port=None)
    exporter.observe("connect_seconds", 1.0)
    exporter.observe("delivery_seconds", 1.0, channel="c", path="broadcast")
    exported = set(re.findall(r'le="([^"]+)"', exporter.text()))
    asked = set(re.findall(r'le="([^"]+)"', yaml.safe_dump(rules(objectives), width=10_000)))
    assert asked <= exported


@given(st.floats(0.001, 1e7))
def test_durations_are_prometheus_own(seconds: float) -> None:
    """A duration reads back as what it was, to the millisecond."""
    sizes = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    found = re.findall(r"(\d+)(ms|[dhms])", duration(seconds))
    assert sum(int(count) * sizes[unit] for count, unit in found) == pytest.approx(seconds, abs=0.0006)


def test_pages_and_tickets_have_receivers() -> None:
    """Alertmanager's example sends every severity that a rule has to a receiver that there is."""
    made = alertmanager_configuration()
    receivers = {receiver["name"] for receiver in made["receivers"]}
    routes = [made["route"], *made["route"]["routes"]]
    assert {route["receiver"] for route in routes} == receivers


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("connect_s = -1", "connect_s is -1"),
        ("uptime = 99.9", "uptime is 99.9"),
        ("conect_s = 1", "it names conect_s"),
        ("connect_s =", "Invalid value"),
        ('connect_s = "fast"', "connect_s is 'fast'"),
    ],
)
def test_bad_objectives_are_told(tmp_path: Path, text: str, told: str) -> None:
    """A mistake in the file is told with what may stand there."""
    (tmp_path / "objectives.toml").write_text(text)
    with pytest.raises(SettingsError, match=re.escape(told)):
        Objectives.from_file(tmp_path / "objectives.toml")
