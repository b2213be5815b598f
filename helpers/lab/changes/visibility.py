"""Row level security: who may see a row, asked once for all rows of a table and each distinct role and claims.

As in the real server the question is whether the row, found by its primary key, exists for that role with those
claims. So a row that is already gone again is seen by nobody, and neither is one with a `bytea` key, whose text in the
log does not lead back to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import AsyncConnection, sql

from helpers.lab.changes.catalog import TableInfo

__all__ = ["Key", "Questions", "Sight", "Viewer"]

#: A row's primary key: its values as text, in the order of the table's columns.
Key = tuple[str | None, ...]
#: A role and its claims as JSON.
Viewer = tuple[str, str]
#: The keys that a viewer asks for in a table (by oid). Viewers who ask for the same share the tuple.
Questions = Mapping[tuple[Viewer, int], tuple[Key, ...]]

_VIEWERS_AT_ONCE = 250  # in one statement, so that none takes long

# Becoming somebody and asking takes one round trip for all viewers; the plan of the statement is made once for a role.
_SEE = """
set plan_cache_mode = force_generic_plan;
create or replace function pg_temp.see(statement text, roles text[], claims text[], keys text[], asked int[])
returns setof int[] language plpgsql as $$
declare seen int[];
begin
    for i in 1 .. cardinality(roles) loop
        perform set_config('role', roles[i], true), set_config('request.jwt.claims', claims[i], true);
        execute format('execute %I(%s)', statement, keys[asked[i]]) into seen;
        return next seen;
    end loop;
end $$
"""


class Sight:
    """What viewers see through one connection, which prepares a statement for each table.

    Args:
        connection: of a superuser, in autocommit.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self._statements: dict[str, str] = {}

    async def visible(
        self, questions: Questions, tables: Mapping[int, TableInfo]
    ) -> dict[tuple[Viewer, int], frozenset[Key]]:
        """Of the keys asked for by viewer and table, those whose rows the viewer may see.

        Viewers who asked for the same and see the same share the answer's object.

        Raises:
            psycopg.Error: when a policy fails.
        """
        asked: dict[int, list[tuple[Viewer, tuple[Key, ...]]]] = {}
        for (viewer, oid), keys in questions.items():
            asked.setdefault(oid, []).append((viewer, keys))
        answers = {}
        for oid, by_viewer in asked.items():
            statement = await self._statement(tables[oid])
            by_viewer.sort(key=lambda pair: pair[0][0])  # a plan is good for one role
            for start in range(0, len(by_viewer), _VIEWERS_AT_ONCE):
                some = by_viewer[start : start + _VIEWERS_AT_ONCE]
                for (viewer, _), seen in zip(some, await self._see(statement, some), strict=True):
                    answers[viewer, oid] = seen
        return answers

    async def _see(self, statement: str, asked: Sequence[tuple[Viewer, tuple[Key, ...]]]) -> list[frozenset[Key]]:
        """What each of the viewers sees of what they ask for."""
        distinct = {keys: number for number, keys in enumerate(dict.fromkeys(keys for _, keys in asked), 1)}
        async with self.connection.transaction():
            cursor = await self.connection.execute(
                "select * from pg_temp.see(%s, %s, %s, %s, %s)",
                (
                    statement,
                    [role for (role, _), _ in asked],
                    [claims for (_, claims), _ in asked],
                    [_arguments(keys) for keys in distinct],
                    [distinct[keys] for _, keys in asked],
                ),
            )
            rows = await cursor.fetchall()
        known: dict[tuple[int, tuple[int, ...]], frozenset[Key]] = {}
        seen = []
        for (positions,), (_, keys) in zip(rows, asked, strict=True):
            answer = (distinct[keys], tuple(positions or ()))
            if answer not in known:
                known[answer] = frozenset(keys[position - 1] for position in answer[1])
            seen.append(known[answer])
        return seen

    async def _statement(self, table: TableInfo) -> str:
        """The name of the prepared statement for a table as it is now."""
        query = _query(table)
        if not self._statements:
            await self.connection.execute(_SEE)
        if query not in self._statements:
            name = f"see_{len(self._statements)}"
            types = ", ".join(["text[]"] * len(table.primary_key))
            await self.connection.execute(f"prepare {name}({types}) as {query}".encode())
            self._statements[query] = name
        return self._statements[query]


def _query(table: TableInfo) -> str:
    """Positions of those keys, given as one array for each key column, whose row exists.

    `limit 1` keeps the database from turning the look-ups by key into a scan of the table that asks the policy about
    every row.
    """
    columns = table.primary_key
    arrays = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    names = ", ".join(f"k{number}" for number in range(len(columns)))
    matches = " and ".join(
        f"t.{sql.Identifier(column.name).as_string()} = k.k{number}::{column.type_sql}"
        for number, column in enumerate(columns)
    )
    return (
        f"select array_agg(k.position) from unnest({arrays}) with ordinality k({names}, position), "
        f"lateral (select from {table.sql_name} t where {matches} limit 1) found"
    )


def _arguments(keys: Sequence[Key]) -> str:
    """The keys as SQL: one array literal for each key column."""
    return ", ".join(sql.Literal(list(column)).as_string() for column in zip(*keys, strict=True))
