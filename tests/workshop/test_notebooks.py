"""The form that all notebooks share."""

from __future__ import annotations

import ast
import builtins
import json
import re
from pathlib import Path
from typing import Any

import pytest

from helpers.workshop.learner import EXERCISE, STUB, learner_version, solutions

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["cells"]
    return [cell for cell in found if kind in (None, cell["cell_type"])]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


@every
def test_the_head_says_what_a_reader_has_to_know(path: Path) -> None:
    """A title with the notebook's number, then aim, time, memory, and what it needs, in this order."""
    head = source(cells(path)[0])
    assert head.startswith(f"# {path.name[:2]} ")
    places = [head.find(f"**{field}**") for field in ("Aim", "Takes", "Memory", "Needs")]
    assert -1 not in places
    assert places == sorted(places)


@every
def test_what_is_open_is_closed_at_the_end(path: Path) -> None:
    """A notebook ends with `disconnect()`; one that never connects may say in its last words that nothing is open."""
    code = "\n".join(source(cell) for cell in cells(path, "code"))
    last = cells(path)[-1]
    if last["cell_type"] == "code":
        assert source(last).endswith("await disconnect()")
    else:
        assert "await connect()" not in code
        assert "Nothing is open" in source(last)


@every
def test_cells_can_be_told_apart(path: Path) -> None:
    """Every cell has an id of its own, by which outputs and reviews find it again."""
    names = [cell["id"] for cell in cells(path)]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name)] == []


@every
def test_prose_leads(path: Path) -> None:
    """A third of what is written is prose: who reads only that knows what the notebook is about."""
    prose, code = (sum(len(source(cell)) for cell in cells(path, kind)) for kind in ("markdown", "code"))
    assert prose >= (prose + code) / 3


def made(tree: ast.Module) -> set[str]:
    """The names that a cell gives to something."""
    nodes = list(ast.walk(tree))
    names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    names |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    imported = (alias for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names)
    return names | {(alias.asname or alias.name).split(".")[0] for alias in imported}


def unmade(code: list[dict[str, Any]], *, skip: str = "") -> list[tuple[str, str]]:
    """What cells read that none above them made, each with the cell's id; those with the tag `skip` may."""
    known, missing = set(dir(builtins)), []
    for cell in code:
        tree = ast.parse(source(cell), mode="exec")
        known |= made(tree)
        if skip not in cell["metadata"].get("tags", []):
            names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
            missing += [(cell["id"], name) for name in names if name not in known]
    return missing


@every
def test_a_notebook_stands_alone(path: Path) -> None:
    """What a cell reads was made above it in the same notebook, so that each can be started first."""
    assert unmade(cells(path, "code")) == []


@every
def test_an_exercise_can_be_left_out(path: Path) -> None:
    """Nothing below it reads what only its solution makes: learners may come back to it later."""
    learners = learner_version(json.loads(path.read_text()))
    assert unmade([cell for cell in learners["cells"] if cell["cell_type"] == "code"], skip=EXERCISE) == []


@every
def test_what_one_should_see_is_checked(path: Path) -> None:
    """At least one claim of each notebook is asked of the run, beside the check of its exercise."""
    code = [source(cell) for cell in cells(path, "code") if EXERCISE not in cell["metadata"].get("tags", [])]
    assert any("expect(" in text or "assert " in text for text in code)


@every
def test_there_is_an_exercise_with_a_check(path: Path) -> None:
    """At least one, which asserts something about what the reader wrote, below it, with words that help."""
    notebook = json.loads(path.read_text())
    assert solutions(notebook) >= 1
    for cell in learner_version(notebook)["cells"]:
        if EXERCISE in cell["metadata"].get("tags", []):
            turn = 1 + source(cell)[: source(cell).index(STUB)].count("\n")
            asked = [node for node in ast.walk(ast.parse(source(cell))) if isinstance(node, ast.Assert)]
            checks = [node for node in asked if node.lineno > turn]
            assert checks, cell["id"]
            assert all(node.msg is not None for node in checks), cell["id"]
