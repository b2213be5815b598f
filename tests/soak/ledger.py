"""What has really happened: committed changes, sent broadcasts, presences that came and went."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row

from tests.soak.verdict import Fact

__all__ = ["Committed", "Ledger", "change_key", "said_key"]

#: Rows are removed as they are read, so that the database stays as small as it was.
_DRAIN = """
    with drained as (delete from ledger returning number, source, kind, subject, id, version, new, old)
    select * from drained order by number
"""


class Committed(NamedTuple):
    """A row of the database's ledger: a change of the table `subject`, or a broadcast (`SEND`) to that topic."""

    number: int
    source: int
    kind: str
    subject: str
    id: int
    version: int
    new: dict[str, Any] | None
    old: dict[str, Any] | None


def change_key(kind: str, table: str, id: int, version: int) -> tuple[str, str, int, int]:
    """What a change is known by. Ids are never used again, so a DELETE needs no version."""
    return kind, table, id, 0 if kind == "DELETE" else version


def said_key(source: str, number: int) -> tuple[str, int]:
    """What a broadcast is known by."""
    return source, number


class Ledger:
    """Collects the truth from everywhere.

    Attributes:
        changes: committed changes of rows.
        broadcasts: what was sent, by topic.
        presences: who came (``joined``) and went (``left``), by the word of whoever did.
    """

    def __init__(self, database: psycopg.AsyncConnection) -> None:
        self._database = database
        self._numbers = itertools.count()
        self.changes: list[Committed] = []
        self.broadcasts: dict[str, list[Fact]] = {}
        self.presences: list[Fact] = []

    async def drain(self) -> None:
        """Take over what the database wrote down since."""
        async with self._database.cursor(row_factory=class_row(Committed)) as cursor:
            await cursor.execute(_DRAIN)
            for row in await cursor.fetchall():
                if row.kind == "SEND":
                    self._said_by_database(row)
                else:
                    self.changes.append(row)

    def said(self, topic: str, source: str, number: int, content: Any) -> None:
        """A sender's broadcast was taken."""
        fact = Fact(said_key(source, number), content, number, (source,))
        self.broadcasts.setdefault(topic, []).append(fact)

    def came(self, who: str) -> None:
        """A presence was tracked."""
        self._presence("joined", who)

    def went(self, who: str) -> None:
        """And ended, in whatever way."""
        self._presence("left", who)

    def _presence(self, what: str, who: str) -> None:
        self.presences.append(Fact((what, who), None, next(self._numbers), (who,)))

    def _said_by_database(self, row: Committed) -> None:
        content = (row.new or {}) | {"from": "sql", "id": row.number}
        fact = Fact(said_key("sql", row.number), content, row.number, (("sql", row.source),))
        self.broadcasts.setdefault(row.subject, []).append(fact)
