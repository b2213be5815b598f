"""A notebook as learners get it: the same file, without the solutions of its exercises.

There is one source for both. A code cell with the tag ``exercise`` holds its solution between two comments:

    # solution
    slow = frame[frame["p95"] > 50]
    # end of the solution
    assert len(slow) == 1, "look at the column p95"

Learners get ``slow = ...  # your turn`` in its place, and whatever stands around it: the set-up before, the check
after. An exercise that is not solved yet says so and stops nothing: who runs all cells gets to the end.
"""

from __future__ import annotations

import ast
import re
import textwrap
from copy import deepcopy
from typing import Any

from helpers.errors import RunError

__all__ = ["BEGIN", "END", "EXERCISE", "GOES_ON", "STUB", "learner_version", "solutions"]

EXERCISE = "exercise"
#: Jupyter's own tag: after such a cell the ones below it are run, whatever it raises.
GOES_ON = "raises-exception"
BEGIN, END = "# solution", "# end of the solution"
STUB = "...  # your turn"
_SOLUTION = re.compile(rf"^([ \t]*){BEGIN}\n(.*?)^[ \t]*{END}$", re.MULTILINE | re.DOTALL)


def learner_version(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook (as parsed from its JSON) with every solution replaced, and without outputs.

    Raises:
        RunError: an exercise has no solution, or a solution stands in a cell that is no exercise.
    """
    made = deepcopy(notebook)
    for cell in made["cells"]:
        if cell["cell_type"] != "code":
            continue
        cell["outputs"], cell["execution_count"] = [], None
        source = "".join(cell["source"])
        tags = cell["metadata"].get("tags", [])
        replaced, count = _SOLUTION.subn(_stub, source)
        if (count == 0) is (EXERCISE in tags) or BEGIN in replaced.splitlines():
            raise RunError(
                "making the learners' version of a notebook",
                f"the cell {cell['id']} is tagged {EXERCISE!r} and has no solution, or has one without the tag",
                f"Put the solution between {BEGIN!r} and {END!r}, in a cell with that tag",
            )
        cell["source"] = replaced.splitlines(keepends=True)
        if EXERCISE in tags:
            cell["metadata"]["tags"] = [*tags, GOES_ON]
    return made


def _stub(found: re.Match[str]) -> str:
    """A place to write for each name that what follows asks for, and a sentence where it stays empty."""
    indentation, solution = found.groups()
    asked = [name for name in _assigned(solution) if re.search(rf"\b{name}\b", found.string[found.end() :])]
    empty = [f"{name} = {STUB}" for name in asked]
    told = [f'assert {name} is not ..., "put your answer into {name}"' for name in asked]
    return "\n".join(indentation + line for line in [*empty, *told] or [STUB])


def _assigned(solution: str) -> list[str]:
    """The names that it gives a value, in order, each once."""
    statements = ast.parse(textwrap.dedent(solution)).body
    targets = [target for one in statements if isinstance(one, ast.Assign) for target in one.targets]
    return list(dict.fromkeys(target.id for target in targets if isinstance(target, ast.Name)))


def solutions(notebook: dict[str, Any]) -> int:
    """How many exercises a notebook has."""
    return sum(EXERCISE in cell["metadata"].get("tags", []) for cell in notebook["cells"])
