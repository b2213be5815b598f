"""Edits of files, as unified diffs that `git apply` takes.

All edits are places in the files as they are. The state after some changes is the files with the edits of all of them,
so that changes which touch neighbouring places, or the same line, compose; only those that replace the same characters
do not.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Edit", "NewFile", "applied", "collides", "unified_diff"]

_NO_NEWLINE = "\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class Edit:
    """Replaces the characters from `start` to before `end` of a file; equal ones insert.

    Attributes:
        path: from the root that was reviewed, with ``/``.
    """

    path: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that there was not."""

    path: str
    text: str


def collides(edits: Sequence[Edit], others: Sequence[Edit]) -> bool:
    """Whether two changes replace the same characters, or one inserts into what the other replaces."""
    return any(one.path == other.path and _overlap(one, other) for one in edits for other in others)


def _overlap(one: Edit, other: Edit) -> bool:
    if one.start == one.end and other.start == other.end:
        return False  # two insertions at one place follow each other
    if one.start == one.end or other.start == other.end:
        point, span = (one, other) if one.start == one.end else (other, one)
        return span.start < point.start < span.end
    return one.start < other.end and other.start < one.end


def applied(text: str, edits: Sequence[Edit]) -> str:
    """A file's text with edits that do not collide; insertions at one place stand in the order given."""
    ordered = sorted(enumerate(edits), key=lambda item: (item[1].start, item[1].end, item[0]))
    parts, position = [], 0
    for _, edit in ordered:
        parts += [text[position : edit.start], edit.text]
        position = max(position, edit.end)
    return "".join([*parts, text[position:]])


def unified_diff(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """One diff of all files that differ, in the order of their names; a file that is only in `after` is new.

    Args:
        before, after: the texts, by path.
    """
    changed = sorted(path for path in after if before.get(path) != after[path])
    return "".join("".join(_diff_of(path, before.get(path), after[path])) for path in changed)


def _diff_of(path: str, before: str | None, after: str) -> Iterator[str]:
    yield f"diff --git a/{path} b/{path}\n"
    if before is None:
        yield "new file mode 100644\n"
    old = "/dev/null" if before is None else f"a/{path}"
    for line in difflib.unified_diff(_lines(before or ""), _lines(after), old, f"b/{path}"):
        yield line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}"


def _lines(text: str) -> list[str]:
    """Lines as git has them: they end at a line feed and at nothing else."""
    lines = text.split("\n")
    return [*(f"{line}\n" for line in lines[:-1]), *([lines[-1]] if lines[-1] else [])]
