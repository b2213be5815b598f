"""The recorded scenarios: their steps, and which connection each message belongs to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.places import repository_root

__all__ = ["FOLDER", "Recording", "Row", "load", "names"]

FOLDER = repository_root() / "data" / "recordings"

#: Answers that the recorder wrote down before the call that caused them was over lie within this time of its end.
_CALL_MS = 10.0
_ANSWERS = ("in", "closed")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recording:
    """One scenario in one protocol version.

    Attributes:
        rows: in the order of their causes; `conn` is ``name#n`` for the n-th connection of that name.
    """

    scenario: str
    version: str
    rows: tuple[Row, ...]

    def __str__(self) -> str:
        return f"{self.scenario}.{self.version}"


def names() -> list[str]:
    """All scenarios."""
    return sorted({path.name.split(".")[0] for path in FOLDER.glob("*.jsonl")})


def load(scenario: str, version: str) -> Recording:
    """Read a file; `version` is v1 or v2."""
    return Recording(
        scenario, version, tuple(_told_apart(_causes_first(_rows(FOLDER / f"{scenario}.{version}.jsonl"))))
    )


def _rows(path: Path) -> list[Row]:
    # Not splitlines(): a payload holds U+2028, which JSON does not escape.
    return [json.loads(line) for line in path.read_text(encoding="utf-8").rstrip("\n").split("\n")]


def _causes_first(rows: list[Row]) -> list[Row]:
    """An HTTP call was written down with its answer: put it before the messages that it caused."""
    ordered: list[Row] = []
    for row in rows:
        at = len(ordered)
        if row["dir"] == "http":
            began_ms = row["t_ms"] - row.get("took_ms", _CALL_MS)
            while at and ordered[at - 1]["dir"] in _ANSWERS and ordered[at - 1]["t_ms"] > began_ms:
                at -= 1
        ordered.insert(at, row)
    return ordered


def _told_apart(rows: list[Row]) -> Iterator[Row]:
    """Number the connections of one name, as a scenario may open one after another."""
    opened: Counter[str] = Counter()
    for row in rows:
        if row["dir"] == "connect":
            opened[row["conn"]] += 1
        yield row if "conn" not in row else {**row, "conn": f"{row['conn']}#{opened[row['conn']]}"}
