"""From a code base's schemas and migrations to what the database looks like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from helpers.diagnosis.probes.project.sql_text import split_statements
from helpers.review.database.drafts import DatabaseDraft
from helpers.review.database.facts import DatabaseFacts
from helpers.review.database.prisma import lay_over
from helpers.review.database.statements import apply
from helpers.review.inventory import Unread
from helpers.review.source import Place

__all__ = ["ENDINGS", "database_of"]

#: Files that are read.
ENDINGS = ("prisma", "sql")
#: SQL that undoes, tries or fills, and is not what the database ends up as.
_OTHER = re.compile(r"(?:^|/)(?:tests?|__tests__|seeds?|snippets)/|(?:^|[./_-])(?:down|seed|rollback|test)\.sql$")
_NUMBER = re.compile(r"\d+")


def database_of(texts: Mapping[str, str]) -> tuple[DatabaseFacts, tuple[Unread, ...]]:
    """What the last migration leaves, with Prisma's names; and the files that could not be read.

    Args:
        texts: of `.prisma` and `.sql` files, by path.
    """
    draft = DatabaseDraft()
    migrations = [path for path in texts if path.endswith(".sql") and not _OTHER.search(path)]
    for path in sorted(migrations, key=_order):
        for line, statement in split_statements(texts[path]):
            apply(draft, statement, Place(path, line))
    unread = tuple(lay_over(draft, {path: text for path, text in texts.items() if path.endswith(".prisma")}))
    return draft.facts(), unread


def _order(path: str) -> tuple[int, int, str]:
    """Migrations by their number, be it the file's or the folder's; what has none comes last, as it adds to them."""
    file = PurePosixPath(path)
    for name in (file.name, file.parent.name):
        if found := _NUMBER.match(name):
            return (0, int(found[0]), path)
    return (1, 0, path)
