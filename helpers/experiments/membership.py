"""Who belongs to which room, for policies that look it up: a table with an index, one without, and functions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from helpers.experiments.tables import OwnTable, own_function, own_table
from helpers.target import Target

__all__ = ["MEMBERS", "Membership", "membership"]

#: Rows of each membership table: a small application's.
MEMBERS = 2_000

_COLUMNS = {"member": "uuid", "room": "bigint"}
_OPTIONS = "stable security definer set search_path = ''"


@dataclass(frozen=True, slots=True)
class Membership:
    """Names as they stand in SQL, by what policies call them.

    `bare` and `indexed` are tables; `is_member(room)`, `is_member_plpgsql(room)` and `my_rooms()` are functions of
    the owner (SECURITY DEFINER).
    """

    names: Mapping[str, str]

    def readable(self, text: str) -> str:
        """A text of the database with plain names in place of our random ones."""
        for plain, name in self.names.items():
            bare = name.rpartition(".")[2].strip('"')
            text = text.replace(bare, "members" if plain in ("bare", "indexed") else plain)
        return text


@asynccontextmanager
async def membership(target: Target, users: Sequence[str]) -> AsyncIterator[Membership]:
    """User number `i` is a member of room `i`; strangers fill both tables up to `MEMBERS` rows."""
    lookup = partial(own_table, target, columns=_COLUMNS, loadable=False, published=False, readers=("authenticated",))
    async with (
        lookup() as bare,
        lookup(indexes=("member, room",)) as indexed,
        own_function(target, "room bigint", _asking("sql", "select {}", indexed)) as is_member,
        own_function(target, "room bigint", _asking("plpgsql", "begin return {}; end", indexed)) as in_plpgsql,
        own_function(target, "", _listing(indexed)) as my_rooms,
    ):
        for table in (bare, indexed):
            await _fill(table, users)
        functions = {"is_member": is_member, "is_member_plpgsql": in_plpgsql, "my_rooms": my_rooms}
        yield Membership({"bare": bare.quoted, "indexed": indexed.quoted} | functions)


def _asking(language: str, body: str, table: OwnTable) -> str:
    """Whether whoever asks is a member of a room."""
    member = f"exists (select from {table.quoted} m where m.member = (select auth.uid()) and m.room = $1)"
    return f"returns boolean language {language} {_OPTIONS} as $function${body.format(member)}$function$"


def _listing(table: OwnTable) -> str:
    """All rooms of whoever asks."""
    rooms = f"select m.room from {table.quoted} m where m.member = (select auth.uid())"
    return f"returns setof bigint language sql {_OPTIONS} as $function${rooms}$function$"


async def _fill(table: OwnTable, users: Sequence[str]) -> None:
    """Our users stand last, where a look through the table finds them last."""
    strangers = max(0, MEMBERS - len(users))
    await table.run(
        f"insert into {table.quoted} (member, room) select gen_random_uuid(), n from generate_series(1, %s) n",
        [strangers],
    )
    await table.run(
        f"insert into {table.quoted} (member, room)"
        " select member, place - 1 from unnest(%s::uuid[]) with ordinality them (member, place)",
        [list(users)],
    )
    await table.run(f"analyze {table.quoted}")
