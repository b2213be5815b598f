"""Imports go one way: a room uses only rooms of the floors below it."""

from __future__ import annotations

import ast
from pathlib import Path

HELPERS = Path(__file__).resolve().parents[2] / "helpers"

#: From the ground up. Rooms on one floor do not know each other.
FLOORS = (
    {"database_url", "errors", "lazy", "places", "plans", "query_plans", "locks", "progress", "schemas", "wire"},
    {"target", "node", "objectives", "pacing"},
    {"client", "deno", "lab", "prisma", "redaction", "results", "workshop"},
    {"probes"},
    {"diagnosis", "profiling", "stream", "resilience"},
    {"sync"},
    {"experiments"},
    {"capacity", "monitoring", "review"},
    {"plots", "widgets", "workspace", "preflight"},
    {"session", "report"},
    {"checkpoint"},
    {"run", "doctor", "watch"},
    {"cli"},
    {"__main__"},
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def room_of(module: str) -> str | None:
    """The room of `helpers.<room>.…`; None for other packages and for `helpers` itself."""
    parts = module.split(".")
    return parts[1] if parts[0] == "helpers" and len(parts) > 1 else None


def imported(path: Path) -> set[str]:
    """The rooms that a file imports, late imports included."""
    rooms: set[str | None] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            rooms |= {room_of(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "helpers":
            rooms |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            rooms.add(room_of(node.module or ""))
    return {room for room in rooms if room is not None}


def files() -> list[Path]:
    return sorted(path for path in HELPERS.rglob("*.py") if path.parent != HELPERS or path.stem != "__init__")


def test_every_room_has_a_floor() -> None:
    """A new module at the top of the package must say on which floor it stands."""
    rooms = {path.relative_to(HELPERS).parts[0].removesuffix(".py") for path in files()}
    assert rooms - set(FLOOR) - {"prisma_engine"} == set()


def test_imports_go_down() -> None:
    """No file imports from its own floor's other rooms, or from a floor above."""
    upward = []
    for path in files():
        own = path.relative_to(HELPERS).parts[0].removesuffix(".py")
        ceiling = FLOOR.get(own, 0)  # what is run by itself imports nothing of ours
        upward += [f"{path.relative_to(HELPERS)}: {room}" for room in imported(path) - {own} if FLOOR[room] >= ceiling]
    assert upward == []
