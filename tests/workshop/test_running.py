"""Repeated runs tell every claim that does not hold, and learners' runs every exercise that does not ask anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from helpers.workshop.learner import EXERCISE
from tests.workshop.__main__ import chosen, summary
from tests.workshop.running import Outcome, run_notebook

SOLVED = "# solution\nx = 1\n# end of the solution\nassert x == 1, 'one'"


def written(folder: Path, *sources: str) -> Path:
    """A notebook; what has a solution is an exercise."""
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"c{number}",
            "metadata": {"tags": [EXERCISE]} if "# solution" in source else {},
            "outputs": [],
            "source": source.splitlines(keepends=True),
        }
        for number, source in enumerate(sources)
    ]
    path = folder / "one.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


async def test_every_claim_is_asked_and_what_is_no_claim_stops(tmp_path: Path) -> None:
    """After one that does not hold the next is asked; a cell that breaks ends the notebook, as it does for a reader."""
    path = written(tmp_path, "assert False, 'lost'", SOLVED, "y = 1\nassert y == 2", "1 / 0", "assert False")
    found = await run_notebook(path, 2, tmp_path)
    assert found.wrong == ("c0: AssertionError: lost", "c2: AssertionError: ")
    assert "cell 4" in found.stopped and "ZeroDivisionError" in found.stopped
    assert not found.holds


async def test_an_exercise_that_anybody_passes_is_told(tmp_path: Path) -> None:
    """For learners it is right that an unsolved exercise fails, and all below it runs."""
    idle = SOLVED.replace("assert x == 1", "assert True")
    found = await run_notebook(written(tmp_path, SOLVED, idle, "assert True"), 1, tmp_path, learners=True)
    assert (found.asked, found.stopped) == (3, "")
    assert found.wrong == ("c1: the exercise passes without an answer",)
    assert (await run_notebook(written(tmp_path, SOLVED), 1, tmp_path)).holds


async def test_a_learner_gets_to_the_end(tmp_path: Path) -> None:
    """The first notebook as a class gets it: all claims hold, the exercise waits, and the last cell is reached."""
    (path,) = chosen(("00_",), experiments=False)
    assert (await run_notebook(path, 1, tmp_path, learners=True)).holds


def test_the_summary_says_in_which_run() -> None:
    """One row for each notebook, with its runs in order."""
    runs = [
        Outcome("a", 1, 2.0, 3, ()),
        Outcome("b", 1, 9.0, 1, (), "stopped at cell 2: it"),
        Outcome("a", 2, 4.4, 3, ("c: x",)),
    ]
    _, first, second, end = summary(runs).splitlines()
    assert first.split(maxsplit=4) == ["a", "2", "to", "4", "3 of 3, 2 of 3"]
    assert second.endswith("stopped")
    assert end == "6 of 7 claims held, 1 of 3 runs stopped"


def test_experiments_are_run_on_demand() -> None:
    """Notebooks are named by a part of their names."""
    assert {path.parent.name for path in chosen((), experiments=False)} == {"notebooks"}
    assert [path.name for path in chosen(("capacity",), experiments=True)] == ["26_capacity.ipynb"]
