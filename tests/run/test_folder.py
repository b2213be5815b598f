"""The output folder is changed by a run that succeeded, and by nothing else."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.errors import RunError
from helpers.run.folder import NEEDED_BYTES, open_folder


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.name != ".lock")


def test_publish_replaces_what_an_earlier_run_left(tmp_path: Path) -> None:
    """New products take the place of old ones; files that are not ours stay."""
    (tmp_path / "report.md").write_text("old")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "99_gone.ipynb").write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    with open_folder(tmp_path) as folder:
        (folder.staging / "report.md").write_text("new")
        (folder.staging / "notebooks").mkdir()
        folder.publish()
    assert (tmp_path / "report.md").read_text() == "new"
    assert names(tmp_path) == ["mine.txt", "notebooks", "report.md"]
    assert names(tmp_path / "notebooks") == []


def test_results_that_were_not_measured_anew_stay(tmp_path: Path) -> None:
    """A canary may have watched for days; what this run measured itself takes the place of what was there."""
    (tmp_path / "results").mkdir()
    for name in ("monitoring", "profiling"):
        (tmp_path / "results" / f"{name}.json").write_text("old")
    with open_folder(tmp_path) as folder:
        (folder.staging / "results").mkdir()
        (folder.staging / "results" / "profiling.json").write_text("new")
        folder.publish()
    found = {path.stem: path.read_text() for path in (tmp_path / "results").iterdir()}
    assert found == {"monitoring": "old", "profiling": "new"}


def test_without_publish_nothing_changes(tmp_path: Path) -> None:
    """A run that fails leaves the earlier report as it was, and no unfinished file."""
    (tmp_path / "report.md").write_text("old")
    with pytest.raises(ZeroDivisionError), open_folder(tmp_path) as folder:
        (folder.staging / "report.md").write_text("half")
        raise ZeroDivisionError
    assert names(tmp_path) == ["report.md"]
    assert (tmp_path / "report.md").read_text() == "old"


def test_folder_made_for_nothing_goes(tmp_path: Path) -> None:
    """A run that fails in a folder that it made itself takes the folder away."""
    with pytest.raises(ZeroDivisionError), open_folder(tmp_path / "new"):
        raise ZeroDivisionError
    assert not (tmp_path / "new").exists()


def test_two_runs_at_once(tmp_path: Path) -> None:
    """The second run in a folder is told that the first one is writing there; afterwards it may."""
    with open_folder(tmp_path), pytest.raises(RunError, match="another run"), open_folder(tmp_path):
        pass
    with open_folder(tmp_path):
        pass


def test_leftovers_of_a_killed_run_go(tmp_path: Path) -> None:
    """What a run left that was killed is cleared away by the next one."""
    (tmp_path / ".run-killed" / "notebooks").mkdir(parents=True)
    with open_folder(tmp_path):
        pass
    assert names(tmp_path) == []


@pytest.mark.parametrize("place", ["file/below", "/proc/workbook"])
def test_folder_that_cannot_be_made(tmp_path: Path, place: str) -> None:
    """A path below a file, or in a file system that takes no folders, is one clear message."""
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="--out"), open_folder(tmp_path / place):
        pass


@contextlib.contextmanager
def mounted(path: Path, options: str) -> Iterator[None]:
    """A file system in memory at a path."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting a file system needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    path = tmp_path / "disk"
    path.mkdir()
    with mounted(path, "size=1m"):
        yield path


def test_disk_that_is_full(small_disk: Path) -> None:
    """Too little space is told before anything is begun, with the space that is there."""
    with pytest.raises(RunError, match=f"{NEEDED_BYTES / 1e6:.0f} MB are needed"), open_folder(small_disk / "out"):
        pass
    assert not (small_disk / "out").exists()


def test_disk_that_fills_up_on_the_way(small_disk: Path) -> None:
    """A result that does not fit any more is not left in half, and the message says what happened."""
    from helpers.results import write_atomically

    with pytest.raises(RunError, match="No space left"):
        write_atomically(small_disk / "results" / "profiling.json", b"x" * 2_000_000)
    assert names(small_disk / "results") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """A folder without the right to write is one clear message."""
    tmp_path.chmod(0o555)
    with pytest.raises(RunError, match="--out"), open_folder(tmp_path):
        pass


def test_folder_on_a_read_only_disk(tmp_path: Path) -> None:
    """A read-only file system is one clear message, also for root."""
    path = tmp_path / "disk"
    path.mkdir()
    with mounted(path, "ro"), pytest.raises(RunError, match="Read-only file system"), open_folder(path / "out"):
        pass
