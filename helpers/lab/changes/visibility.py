"""Row level security: who may see a row, asked once for each change and each distinct role and claims.

As in the real server the question is whether the row, found by its primary key, exists for that role with those
claims. So a row that is already gone again is seen by nobody, and neither is one with a `bytea` key, whose text in the
log does not lead back to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg import AsyncConnection, sql

from helpers.lab.changes.catalog import TableInfo

__all__ = ["Answers", "Inquiry", "Key", "Sight", "Viewer"]

#: A row's primary key: its values as text, in the order of the table's columns.
Key = tuple[str | None, ...]
#: A role and its claims as JSON.
Viewer = tuple[str, str]
#: Who asks, and for which keys. Viewers who ask for the same share the tuple.
Inquiry = tuple[Viewer, tuple[Key, ...]]

# Becoming somebody and asking takes one round trip for all viewers. The query stands in the function, not in a string
# that it executes: so it is planned once for each role, and the keys are not parsed anew for each viewer.
_SEE = """
declare
    working_role text;
    seen int[];
begin
    for i in 1 .. cardinality(roles) loop
        if roles[i] is distinct from working_role then
            working_role := roles[i];
            perform set_config('role', working_role, true);
        end if;
        perform set_config('request.jwt.claims', claims[i], true);
        {query}
        return next seen;
    end loop;
end
"""


class Sight:
    """What viewers see through one connection, which makes a function for each table.

    Args:
        connection: of a superuser, in autocommit.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self._functions: dict[str, str] = {}

    async def see(self, table: TableInfo, inquiries: Sequence[Inquiry], answers: Answers) -> list[frozenset[Key]]:
        """Of the keys that each asks for, those whose rows the viewer may see.

        Inquiries of the same role should stand together, as a plan is good for one role.

        Raises:
            psycopg.Error: when a policy fails.
        """
        flat, spans = _flatten(inquiries)
        cursor = await self.connection.execute(
            await self._call(table),
            (
                _array(role for (role, _), _ in inquiries),
                _array(claims for (_, claims), _ in inquiries),
                _array(str(spans[id(keys)][0]) for _, keys in inquiries),
                _array(str(spans[id(keys)][1]) for _, keys in inquiries),
                *(_array(key[number] for key in flat) for number in range(len(table.primary_key))),
            ),
        )
        rows = await cursor.fetchall()
        return [answers.get(keys, text) for (text,), (_, keys) in zip(rows, inquiries, strict=True)]

    async def _call(self, table: TableInfo) -> bytes:
        """The statement that asks about a table as it is now."""
        query = _query(table)
        if query not in self._functions:
            self._functions[query] = await self._create(query, len(table.primary_key))
        arguments = ", ".join(["%s::text[]"] * 2 + ["%s::int[]"] * 2 + ["%s::text[]"] * len(table.primary_key))
        return f"select seen::text from {self._functions[query]}({arguments}) seen".encode()

    async def _create(self, query: str, columns: int) -> str:
        if not self._functions:
            await self.connection.execute("set plan_cache_mode = force_generic_plan")
        name = f"pg_temp.see_{len(self._functions)}"
        keys = "".join(f", keys_{number} text[]" for number in range(columns))
        body = sql.Literal(_SEE.replace("{query}", query)).as_string(self.connection)
        await self.connection.execute(
            f"create or replace function {name}(roles text[], claims text[], starts int[], ends int[]{keys}) "
            f"returns setof int[] language plpgsql as {body}".encode()
        )
        return name


class Answers:
    """Answers of the database, each made once: those who asked for the same and see the same share the object."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str | None], frozenset[Key]] = {}

    def get(self, keys: tuple[Key, ...], positions: str | None) -> frozenset[Key]:
        """The keys at these positions, given as an array's text. The same `keys` must be the same object."""
        answer = (id(keys), positions)
        if answer not in self._known:
            numbers = positions[1:-1].split(",") if positions else ()
            self._known[answer] = frozenset(keys[int(number) - 1] for number in numbers)
        return self._known[answer]


def _flatten(inquiries: Sequence[Inquiry]) -> tuple[list[Key], dict[int, tuple[int, int]]]:
    """The keys of all, and where in there each tuple of them begins and ends, by its identity, counted from 1."""
    flat: list[Key] = []
    spans: dict[int, tuple[int, int]] = {}
    for _, keys in inquiries:
        if id(keys) not in spans:
            spans[id(keys)] = (len(flat) + 1, len(flat) + len(keys))
            flat += keys
    return flat, spans


def _array(texts: Iterable[str | None]) -> str:
    """An array's literal. The driver's own way takes some thirty times as long for claims, full of quotes."""
    return "{" + ",".join(map(_element, texts)) + "}"


def _element(text: str | None) -> str:
    if text is None:
        return "null"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _query(table: TableInfo) -> str:
    """Positions of those keys, given as one array for each key column, whose row exists.

    `limit 1` keeps the database from turning the look-ups by key into a scan of the table that asks the policy about
    every row.
    """
    columns = table.primary_key
    arrays = ", ".join(f"keys_{number}[starts[i]:ends[i]]" for number in range(len(columns)))
    names = ", ".join(f"k{number}" for number in range(len(columns)))
    matches = " and ".join(
        f"t.{sql.Identifier(column.name).as_string()} = k.k{number}::{column.type_sql}"
        for number, column in enumerate(columns)
    )
    return (
        f"select array_agg(k.position) into seen from unnest({arrays}) with ordinality k({names}, position), "
        f"lateral (select from {table.sql_name} t where {matches} limit 1) found;"
    )
