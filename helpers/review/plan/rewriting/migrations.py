"""New migrations beside those that there are, named so that they come after them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from helpers.review.plan.rewriting.edits import Edit

__all__ = ["Migrations"]

_PRISMA = re.compile(r"(?P<folder>(?:.*/)?migrations)/(?P<number>\d+)_[^/]*/migration\.sql")
_SUPABASE = re.compile(r"(?P<folder>(?:.*/)?migrations)/(?P<number>\d+)_[^/]*\.sql")


class Migrations:
    """Names new ones. The numbers of migrations are times, but count as what they are ordered by.

    Args:
        paths: of the migrations that there are.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        found = [
            (pattern, match) for path in paths for pattern in (_PRISMA, _SUPABASE) if (match := pattern.fullmatch(path))
        ]
        self._is_prisma = any(pattern is _PRISMA for pattern, _ in found)
        own = [match for pattern, match in found if (pattern is _PRISMA) is self._is_prisma]
        latest = max(own, key=lambda match: match["number"], default=None)
        self._folder = latest["folder"] if latest else "supabase/migrations"
        self._number = latest["number"] if latest else "20250101000000"

    def add(self, name: str, statements: Iterable[str]) -> Edit:
        """A migration with these statements."""
        self._number = str(int(self._number) + 1).zfill(len(self._number))
        word = re.sub(r"\W+", "_", name.lower()).strip("_")[:60]
        file = f"{self._number}_{word}/migration.sql" if self._is_prisma else f"{self._number}_{word}.sql"
        return Edit(str(PurePosixPath(self._folder) / file), 0, 0, "\n\n".join(statements) + "\n")
