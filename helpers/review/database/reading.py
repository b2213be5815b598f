"""From the files of a code base to what they say of its database, in the order in which they are applied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from helpers.review.database.facts import DatabaseFacts
from helpers.review.database.prisma_models import apply_models
from helpers.review.database.state import Database
from helpers.review.database.statements import apply_sql
from helpers.review.inventory import Unread
from helpers.schemas.prisma_text import Block, SchemaSyntaxError, read_blocks, text_of

__all__ = ["ENDINGS", "database_of"]

#: Files that are read.
ENDINGS = ("prisma", "sql")

_PRISMA_MIGRATION = re.compile(r"(?:^|/)migrations/[^/]+/migration\.sql$")
_MIGRATION = re.compile(r"(?:^|/)(?:migrations?|drizzle)/(?:[^/]+/)?[^/]+\.sql$")
#: What undoes, tests or only asks: none of it is how the database stands.
_ASIDE = re.compile(
    r"(?:^|/)(?:tests?|__tests__|down|rollbacks?|seeds?|snippets|queries|examples?)/|(?:^|[/_.-])(?:down|seed|rollback|undo|reset|teardown|revert|test)\.sql$",
    re.IGNORECASE,
)
_PROVIDERS = ("postgresql", "postgres", "cockroachdb", "")


def database_of(texts: Mapping[str, str]) -> tuple[DatabaseFacts, tuple[Unread, ...]]:
    """What schemas and migrations leave behind, and which of them could not be read.

    Prisma's migrations come first, then Supabase's and those of other tools, then SQL outside of any, each by name.
    Prisma's models name what these made, and add what they did not.

    Args:
        texts: of `.prisma` and `.sql` files, by path, in any order.
    """
    reading = _Reading(texts)
    schemas = reading.schemas(path for path in texts if path.endswith(".prisma"))
    foreign = {schema.folder for schema in schemas if schema.provider not in _PROVIDERS}
    for path in sorted((path for path in texts if path.endswith(".sql")), key=_rank):
        if not _ASIDE.search(path) and not any(path.startswith(folder) for folder in foreign if folder):
            reading.sql(path)
    for schema in schemas:
        if schema.folder not in foreign:
            apply_models(reading.database, schema.blocks)
    return reading.database.facts(), tuple(reading.unread)


def _rank(path: str) -> tuple[int, str]:
    if _PRISMA_MIGRATION.search(path):
        return 0, path
    return (1 if _MIGRATION.search(path) else 2), path


@dataclass(slots=True)
class _Schema:
    """The files of one Prisma schema. `folder` ends with a slash; it is empty at the top."""

    folder: str
    blocks: list[Block] = field(default_factory=list)

    @property
    def has_source(self) -> bool:
        return any(block.kind == "datasource" for block in self.blocks)

    @property
    def provider(self) -> str:
        """Which database it is for; empty if no file of it says so."""
        sources = (entry for block in self.blocks if block.kind == "datasource" for entry in block.entries)
        words = (entry.head for entry in sources if entry.head.split("=")[0].strip() == "provider")
        return next((text_of(word) or "" for word in words), "")


class _Reading:
    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = {path: text.replace("\r\n", "\n").replace("\r", "\n") for path, text in texts.items()}
        self.database = Database()
        self.unread: list[Unread] = []

    def schemas(self, paths: Iterable[str]) -> list[_Schema]:
        """The schemas, files of a folder and of those in it together."""
        found: list[_Schema] = []
        for path in sorted(paths, key=lambda path: (path.count("/"), path)):
            part = _Schema(_folder(path), self._blocks(path))
            around = next((each for each in found if each.folder and part.folder.startswith(each.folder)), None)
            if around is None or (part.has_source and around.has_source):
                found.append(part)
            else:
                around.blocks += part.blocks
        return found

    def _blocks(self, path: str) -> list[Block]:
        try:
            return read_blocks(self._texts[path], path)
        except SchemaSyntaxError as error:
            self.unread.append(Unread(path, str(error)))
            return []

    def sql(self, path: str) -> None:
        try:
            apply_sql(self.database, self._texts[path], path, standalone=_rank(path)[0] == 2)
        except Exception as error:  # one odd file must not end the review of all others
            self.unread.append(Unread(path, f"read in part: {type(error).__name__}: {error}"[:200]))


def _folder(path: str) -> str:
    parent = PurePosixPath(path).parent.as_posix()
    return "" if parent == "." else f"{parent}/"
