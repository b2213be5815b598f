"""Learners' notebooks come from the same source as the solved ones."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers.cli import main
from helpers.errors import InputError, RunError
from helpers.workshop import learner_version, new_workshop
from helpers.workshop.learner import BEGIN, EXERCISE, GOES_ON, solutions

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def notebook(*sources: str, tagged: bool = True) -> dict[str, Any]:
    tags = {"tags": [EXERCISE]} if tagged else {}
    cells = [
        {"cell_type": "code", "id": f"c{number}", "metadata": tags, "outputs": [], "source": source.splitlines(True)}
        for number, source in enumerate(sources)
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def test_a_solution_becomes_a_place_to_write() -> None:
    """What stands around it stays, its indentation too, the source is left as it was, and a run goes on after it."""
    source = notebook("ask = 1\n# solution\nanswer = 2\nmore = 3\n# end of the solution\nassert answer == 2")
    before = json.dumps(source)
    made = learner_version(source)
    assert made["cells"][0]["metadata"]["tags"] == [EXERCISE, GOES_ON]
    place = 'answer = ...  # your turn\nassert answer is not ..., "put your answer into answer"'
    assert "".join(made["cells"][0]["source"]) == f"ask = 1\n{place}\nassert answer == 2"
    assert json.dumps(source) == before
    inside = learner_version(notebook("def f():\n    # solution\n    return 1\n    # end of the solution"))
    assert "".join(inside["cells"][0]["source"]) == "def f():\n    ...  # your turn"


@pytest.mark.parametrize(
    ("source", "tagged"),
    [
        ("x = 1", True),
        ("# solution\nx = 1\n# end of the solution", False),
        ("# solution\nx = 1", True),
    ],
)
def test_a_cell_that_is_half_an_exercise_is_told(source: str, tagged: bool) -> None:
    """A tag without a solution, a solution without a tag, and one without an end: no learner is to get these."""
    with pytest.raises(RunError, match="cell c0"):
        learner_version(notebook(source, tagged=tagged))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_has_a_learners_version(path: Path) -> None:
    """It is a valid notebook without outputs, and holds no solution."""
    made = learner_version(json.loads(path.read_text()))
    nbformat.validate(nbformat.from_dict(made))
    assert BEGIN not in json.dumps(made)
    assert all(not cell.get("outputs") for cell in made["cells"])


def test_there_are_exercises() -> None:
    """A workshop without anything to do is a lecture."""
    assert sum(solutions(json.loads(path.read_text())) for path in NOTEBOOKS) >= 1


def test_a_workshop_is_a_folder_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All notebooks, the glossary and the notes; what is there already is not touched."""
    folder = tmp_path / "class"
    assert main(["new-workshop", str(folder)]) == 0
    assert f"{len(NOTEBOOKS)} notebooks without solutions" in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} == {"notebooks", ".env.example", "README.md"}
    for page in (folder / "notebooks" / "guide").glob("*.md"):
        for link in re.findall(r"\]\(([^):#]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} leads to {link}"
    with pytest.raises(InputError, match="not empty"):
        new_workshop(folder)
