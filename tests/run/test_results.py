"""Results are written whole or not at all, and say where they come from."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers.errors import RunError
from helpers.results import find_result, load_result, load_saved, results_dir, save_result, utc_now, write_atomically


@dataclass(frozen=True, slots=True)
class Found:
    """A small result."""

    target: str
    taken_at: str
    values: tuple[float, ...]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBOOK_RESULTS_DIR", str(tmp_path / "results"))
    return tmp_path / "results"


def test_result_comes_back(folder: Path) -> None:
    """What is read equals what was written, with target, time and versions beside it."""
    found = Found("lab at http://127.0.0.1:1", utc_now(), (1.5, 2.25))
    path = save_result("found", found)
    assert path == folder / "found.json" == results_dir() / "found.json"
    assert load_result("found", Found) == found
    saved = load_saved("found", Found)
    assert (saved.name, saved.target, saved.taken_at) == ("found", found.target, found.taken_at)
    assert {"python", "processors", "websockets"} <= saved.versions.keys()
    assert json.loads(path.read_text())["result"]["values"] == [1.5, 2.25]


def test_missing_result() -> None:
    """A result that was not measured is None to who asks, and one clear message to who needs it."""
    assert find_result("found", Found) is None
    with pytest.raises(RunError, match="Run the notebook"):
        load_result("found", Found)


def test_failed_write_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If writing fails the old file is there, whole, and no other."""
    write_atomically(folder / "x.json", b"old")

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(RunError, match="No space left on device"):
        write_atomically(folder / "x.json", b"new")
    assert [path.name for path in folder.iterdir()] == ["x.json"]
    assert (folder / "x.json").read_bytes() == b"old"
