"""What was watched for long is not lost to a short look."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.monitoring.watched import Watched, WatchedChannel, save_longest
from helpers.results import load_result
from helpers.run.folder import open_folder


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of results."""
    monkeypatch.setenv("WORKBOOK_RESULTS_DIR", str(tmp_path / "results"))
    return tmp_path


def seen(seconds: float, *names: str, target: str = "project A") -> Watched:
    """A canary's time with these channels."""
    channels = tuple(
        WatchedChannel(name, "broadcast", seconds, 0.0, (), 0, 0, 0, 0, 0, 0, None) for name in names or ("one",)
    )
    return Watched(target, "2026-01-01T00:00:00+00:00", channels)


def saved() -> Watched:
    return load_result("monitoring", Watched)


def test_a_longer_one_of_the_same_target_stays() -> None:
    """And it is said; a longer one takes its place."""
    save_longest(seen(90_000))
    told = save_longest(seen(10))
    assert saved() == seen(90_000)
    assert "is left as it was: it holds 90,000 s of this target, and these were 10 s" in told
    assert "the report tells it" in save_longest(seen(90_001))
    assert saved() == seen(90_001)


@pytest.mark.parametrize("shorter", [seen(10, target="project B"), seen(10, "one", "two")])
def test_a_shorter_one_that_tells_something_else_is_kept(shorter: Watched) -> None:
    """Another target, or a channel that was not watched before."""
    save_longest(seen(90_000))
    save_longest(shorter)
    assert saved() == shorter


def test_what_nobody_can_read_is_no_reason_to_stop(folder: Path) -> None:
    """A canary ends with its result, whatever lay there."""
    (folder / "results").mkdir()
    (folder / "results" / "monitoring.json").write_text("{")
    save_longest(seen(10))
    assert saved() == seen(10)


@pytest.mark.parametrize(("target", "brought"), [("project A", True), ("project B", False)])
def test_a_run_goes_on_from_what_was_watched_of_its_target(folder: Path, target: str, brought: bool) -> None:
    """So that its own look, which is shorter, does not replace it, and its report tells it."""
    save_longest(seen(90_000))
    with open_folder(folder) as output:
        output.begin_with("monitoring", target)
        assert (output.staging / "results" / "monitoring.json").exists() == brought
