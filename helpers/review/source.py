"""Places in source files, and how a person is shown one."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Place", "code_frame"]

#: Lines shown before and after the place.
AROUND = 2
#: Longer lines are cut, so that a frame of minified code stays readable.
MOST_COLUMNS = 160
#: What looks like a key or a token: JSON Web Tokens, and Supabase's secret keys.
_SECRET = re.compile(r"\b(eyJ[\w-]{6})[\w-]*\.[\w-]+\.[\w-]+|\b(sb_secret_\w{3})[\w-]+")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A stretch of a file; lines and columns count from 1 and in characters, the end is exclusive.

    Attributes:
        path: relative to the reviewed folder, with forward slashes.
    """

    path: str
    line: int
    column: int = 1
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


def code_frame(text: str, place: Place, *, around: int = AROUND) -> str:
    """The lines of a place with their numbers, the place marked as compilers do.

        15 |   useEffect(() => {
      > 16 |     const channel = supabase.channel('room')
           |                     ^^^^^^^^^^^^^^^^^^^^^^^^
        17 |       .on('postgres_changes', { event: '*' }, add)

    Keys and tokens are cut short: a frame ends up in reports that are passed on.

    Args:
        text: the whole file.
        around: how many lines before and after.
    """
    lines = text.removesuffix("\n").split("\n")
    first, last = max(1, place.line - around), min(len(lines), place.line + around)
    width = len(str(last))
    frame: list[str] = []
    for number in range(first, last + 1):
        pointer = ">" if number == place.line else " "
        line = lines[number - 1]
        frame.append(f"{pointer} {number:>{width}} | {_short(line)}".rstrip())
        if number == place.line and not _SECRET.search(line) and len(line) <= MOST_COLUMNS:
            frame.append(f"  {'':>{width}} | {_marks(line, place)}")
    return "\n".join(frame)


def _short(line: str) -> str:
    line = _SECRET.sub(lambda found: f"{found[1] or found[2]}…", line.rstrip("\r").expandtabs(4))
    return line if len(line) <= MOST_COLUMNS else line[:MOST_COLUMNS] + " …"


def _marks(line: str, place: Place) -> str:
    end = place.end_column if place.end_line == place.line else len(line) + 1
    before = len(line[: place.column - 1].expandtabs(4))
    return " " * before + "^" * max(1, len(line[: end - 1].expandtabs(4)) - before)
