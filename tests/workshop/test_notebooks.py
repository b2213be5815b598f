"""The form that all notebooks share."""

from __future__ import annotations

import ast
import builtins
import json
import re
from pathlib import Path
from typing import Any

import pytest

from helpers.workshop.learner import solutions

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
#: Those that are no experiments: taught, and so with checks and an exercise.
TAUGHT = [path for path in NOTEBOOKS if path.parent.name == "notebooks"]

every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
taught = pytest.mark.parametrize("path", TAUGHT, ids=lambda path: path.stem)


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


@every
def test_a_notebook_stands_alone(path: Path) -> None:
    """What a cell reads was made above it in the same notebook, so that each can be started first."""
    made = set(dir(builtins))
    for cell in cells(path, "code"):
        tree = ast.parse(source(cell), mode="exec")
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        made |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
        made |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        made |= {
            (alias.asname or alias.name).split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        made |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert [node.id for node in names if node.id not in made] == [], cell["id"]


@taught
def test_what_one_should_see_is_checked(path: Path) -> None:
    """At least one claim of each notebook is asked of the run, beside the check of its exercise."""
    code = [source(cell) for cell in cells(path, "code") if "exercise" not in cell["metadata"].get("tags", [])]
    assert any("expect(" in text or "assert " in text for text in code)


@taught
def test_there_is_an_exercise_with_a_check(path: Path) -> None:
    """At least one, which asserts something about what the reader wrote, below it, with words that help."""
    notebook = json.loads(path.read_text())
    assert solutions(notebook) >= 1
    for cell in notebook["cells"]:
        if "exercise" in cell["metadata"].get("tags", []):
            below = source(cell).rpartition("# end of the solution\n")[2]
            checks = [node for node in ast.walk(ast.parse(below)) if isinstance(node, ast.Assert)]
            assert checks, cell["id"]
            assert all(node.msg is not None for node in checks), cell["id"]
