"""Settings of a lab, from files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.errors import SettingsError
from helpers.lab import LabSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings


def test_json_file(tmp_path: Path) -> None:
    """A JSON file sets what it names, nested settings too; all else keeps its default."""
    file = tmp_path / "lab.json"
    file.write_text(json.dumps({"port": 54321, "realtime": {"limits": {"users": 7}}, "changes": {"poll_rows": 5}}))
    settings = LabSettings.from_file(file)
    assert (settings.port, settings.realtime.limits.users, settings.changes.poll_rows) == (54321, 7, 5)
    assert settings.realtime.join_error_delay_s == LabSettings().realtime.join_error_delay_s


def test_toml_file(tmp_path: Path) -> None:
    """A TOML file says the same in its own syntax."""
    file = tmp_path / "lab.toml"
    file.write_text('default_grants = "all"\ndata_dir = "kept"\n[realtime]\njoin_error_delay_s = 0.1\n')
    settings = LabSettings.from_file(file)
    assert settings.default_grants == "all"
    assert settings.data_dir == Path.cwd() / "kept"
    assert settings.realtime.join_error_delay_s == 0.1


def test_survives_the_way_to_the_lab_process() -> None:
    """Settings are the same after they were plain data."""
    settings = LabSettings(port=1234, data_dir=Path("/somewhere"), exposed_schemas=("public", "api"))
    assert LabSettings.from_mapping(settings.to_mapping()) == settings


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"prot": 1}', "'prot'"),
        ('{"realtime": {"limits": {"user": 1}}}', "'realtime.limits.user'"),
        ('{"port": "many"}', "port"),
        ('{"realtime": {"plan": "gold"}}', "plan"),
        ('{"realtime": {"plan": "gold", "limits": {"users": 1}}}', "plan"),
        ('{"realtime": {"plan": "free", "limits": []}}', "limits"),
        ('{"port": 70000}', "70000 is no port"),
        ('{"default_grants": "some"}', "default_grants"),
        ('{"data_dir": 3}', "data_dir"),
        ("[1, 2]", "array"),
        ("{", "cannot be parsed"),
        ("", "cannot be parsed"),
        ("\x00\xff", "cannot be parsed"),
    ],
)
def test_wrong_content(tmp_path: Path, text: str, words: str) -> None:
    """An unknown key, a wrong value or a broken file is one SettingsError that names what is wrong, and where."""
    file = tmp_path / "lab.json"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        LabSettings.from_file(file)
    assert words in str(caught.value)
    assert str(file) in str(caught.value)


def test_broken_toml(tmp_path: Path) -> None:
    """A TOML file that does not parse is one SettingsError."""
    file = tmp_path / "lab.toml"
    file.write_text("port = = 3")
    with pytest.raises(SettingsError, match="cannot be parsed"):
        LabSettings.from_file(file)


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is one SettingsError."""
    with pytest.raises(SettingsError, match="No such file"):
        LabSettings.from_file(tmp_path / "nowhere.json")


def test_a_plan_names_all_quotas(tmp_path: Path) -> None:
    """A plan sets every limit; single limits beside it win; without a plan the lab's own are completed."""
    file = tmp_path / "lab.toml"
    file.write_text('[realtime]\nplan = "free"\n[realtime.limits]\nusers = 7\n')
    limits = LabSettings.from_file(file).realtime.limits
    assert limits == Limits.of("free", users=7)
    assert (limits.users, limits.events_per_s, limits.presence_events_per_s, limits.payload_bytes) == (
        7,
        100,
        20,
        256_000,
    )
    file.write_text('[realtime]\nplan = "pro"\n')
    assert LabSettings.from_file(file).realtime.limits == Limits.of("pro")
    file.write_text("[realtime.limits]\nusers = 7\n")
    assert LabSettings.from_file(file).realtime.limits == Limits(users=7)


def test_a_plan_survives_the_way_to_the_lab_process() -> None:
    """With the quotas that were chosen, whatever the plan says."""
    for chosen in (RealtimeSettings(plan="free"), RealtimeSettings(plan="team", limits=Limits.of("team", users=1))):
        settings = LabSettings(realtime=chosen)
        assert LabSettings.from_mapping(settings.to_mapping()) == settings
    assert RealtimeSettings(plan="self-hosted").limits == Limits(events_per_s=100)
