"""What a report says about itself is enough to make it again."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.places import repository_root
from helpers.report import Inputs, as_markdown, build_report
from helpers.results import load_saved, save_result, versions
from helpers.sync.results import SyncComparison
from tests.report.conftest import diagnosis, saved, sync


def test_every_result_says_how_it_was_measured(with_review: Inputs) -> None:
    """Each result names its notebook, its settings and what was left to chance; the notebooks are there."""
    notebooks = {path.stem for path in (repository_root() / "notebooks").glob("*.ipynb")}
    sources = build_report(with_review).sources
    assert {source.name for source in sources} == {"diagnosis", "profiling", "sync", "review"}
    for source in sources:
        assert source.notebook in notebooks
        assert source.settings
        assert "seed" in source.seeds or "nothing is drawn" in source.seeds or "number of the round" in source.seeds
    profiling = next(source for source in sources if source.name == "profiling")
    assert profiling.settings["connections"] == "93, one after another"
    assert "3 pairs" in profiling.settings["full table against filter"]
    assert "199 rows/s" in profiling.settings["full table against filter"]


def test_the_command_repeats_what_was_set(inputs: Inputs) -> None:
    """Commit, size and kind of target of the results stand in the commands, in the order in which they are run."""
    lab = saved("diagnosis", diagnosis())
    set_up = replace(lab, settings={"WORKBOOK_SIZE": "full", "WORKBOOK_TARGET": "lab"}, versions={"commit": "a1b2c3"})
    report = build_report(Inputs(diagnosis=set_up))  # type: ignore[arg-type]
    assert report.commands == (
        "git checkout a1b2c3",
        "uv sync",
        "WORKBOOK_SIZE=full uv run workbook run --target lab",
    )
    hosted = replace(lab, target="hosted at https://x.supabase.co")
    assert build_report(Inputs(diagnosis=hosted)).commands[-1] == "uv run workbook run --target env"  # type: ignore[arg-type]
    assert all(f"\n{command}\n" in as_markdown(report) for command in report.commands)


def test_what_no_commit_names_is_told(inputs: Inputs) -> None:
    """A checkout with changes, and results of two checkouts, are warned of."""
    lab = saved("diagnosis", diagnosis())
    changed = replace(lab, versions={"commit": "a1b2c3-dirty"})
    other = replace(saved("sync", sync()), versions={"commit": "d4e5f6"})
    assert "not committed" in build_report(Inputs(diagnosis=changed)).warnings[0]  # type: ignore[arg-type]
    both = build_report(Inputs(diagnosis=changed, sync=other))  # type: ignore[arg-type]
    assert "different versions of the workbook" in both.warnings[0]


def test_versions_name_the_checkout_and_the_machine() -> None:
    """What git says of this checkout, the machine, and the clients of all three languages."""
    found = versions()
    root = repository_root()
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "rev-parse", "HEAD"]
        head = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        assert head.startswith(found["commit"].removesuffix("-dirty"))
    assert re.fullmatch(r"[\d.]+ GiB", found["memory"])
    assert {"python", "system", "processors", "websockets", "realtime", "@supabase/supabase-js (npm)"} <= found.keys()


def test_postgres_is_named_as_the_diagnosis_read_it() -> None:
    """It stands beside the other versions."""
    found = saved("diagnosis", replace(diagnosis(), postgres="18.1"))
    assert build_report(Inputs(diagnosis=found)).versions["PostgreSQL"] == "18.1"  # type: ignore[arg-type]


def test_settings_are_kept_with_a_result(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What shaped a result lies beside it; what is secret does not."""
    monkeypatch.setenv("WORKBOOK_SIZE", "full")
    monkeypatch.setenv("SUPABASE_SECRET_KEY", "sb_secret_x")
    path = save_result("sync", sync())
    assert load_saved("sync", SyncComparison).settings["WORKBOOK_SIZE"] == "full"
    assert "sb_secret_x" not in path.read_text()
