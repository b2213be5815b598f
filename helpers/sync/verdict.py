"""Source and second store, compared in the database, row for row and column for column."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.sync.load import Source

__all__ = ["Verdict", "compare_copies", "compare_mirror"]

#: As JSON the rows compare by name and value; `numeric`, `timestamptz` and `jsonb` keep all their digits in it.
_MIRROR = """
select count(s.id),
       count(*) filter (where to_jsonb(s) = to_jsonb(m)),
       count(*) filter (where to_jsonb(s) <> to_jsonb(m)),
       count(*) filter (where m.id is null),
       count(*) filter (where s.id is null)
from (select * from messages where room_id = %(room)s) s
full join (select * from mirrored_messages where room_id = %(room)s) m on m.id = s.id
"""

#: Whoever writes into the source itself has no second store: each row of its own is a copy that nobody wanted.
_COPIES = """
select count(*) filter (where id = any(%(ids)s)), 0, 0,
       count(*) filter (where id = any(%(ids)s)),
       count(*) filter (where id <> all(%(ids)s))
from messages where room_id = %(room)s
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts of rows; see `SyncRun`."""

    rows_expected: int
    rows_correct: int
    stale: int
    lost: int
    duplicates: int


async def compare_mirror(source: Source) -> Verdict:
    """The room in the mirror against the room at the source."""
    cursor = await source.connection.execute(_MIRROR, {"room": source.room})
    return Verdict(*(await cursor.fetchone() or ()))


async def compare_copies(source: Source, ids: list[int]) -> Verdict:
    """The room at the source: rows of the load against rows that a strategy wrote there."""
    cursor = await source.connection.execute(_COPIES, {"room": source.room, "ids": ids})
    return Verdict(*(await cursor.fetchone() or ()))
