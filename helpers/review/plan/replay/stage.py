"""Tables in the lab that are shaped like the user's: columns, sizes, key, identity, policies; their names are ours."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from psycopg import sql

from helpers.errors import FailureError
from helpers.experiments.tables import (
    PREFIX,
    PUBLICATION,
    READERS,
    OwnTable,
    drop_policy,
    drop_table,
    own_function,
    owner_connection,
)
from helpers.review.plan.replay.script import Persons, Rows, Write
from helpers.review.plan.replay.shapes import Shape
from helpers.review.plan.replay.subscriptions import Kind
from helpers.review.plan.replay.values import expression, person_id, plain_type
from helpers.target import Target

__all__ = ["LONGEST_LIST", "Stage", "mentions", "open_stage", "renamed"]

#: What PostgreSQL keeps of a name.
_LONGEST_NAME = 63

#: A page reads no longer list than this at a time.
LONGEST_LIST = 50


@dataclass(frozen=True, slots=True)
class Stage:
    """The tables of one arm.

    Attributes:
        tables: by the user's names. rows: which rows they have.
        persons: who rows belong to, and who may see them.
        topics: beginning of the private topics to which the triggers of tables broadcast, by the user's names.
    """

    shapes: Mapping[str, Shape]
    tables: Mapping[str, OwnTable]
    rows: Mapping[str, Rows]
    persons: Persons
    topics: Mapping[str, str]

    async def write(self, writes: Sequence[Write]) -> None:
        """Carry out writes, in one transaction if they are several.

        Raises:
            FailureError: the database refuses one.
        """
        statements = [self._statement(write) for write in writes]
        connection = self.tables[writes[0].table].connection
        if len(statements) == 1:
            await connection.execute(statements[0].encode())
            return
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement.encode())

    def _statement(self, write: Write) -> str:
        shape, table = self.shapes[write.table], self.tables[write.table]
        if write.kind is Kind.INSERT:
            return _inserts(shape, table, f"(values ({write.number}::bigint)) numbers(n)", self.persons.count)
        identity = next(column for column in shape.columns if column.name == shape.identity)
        key = expression(shape, identity, self.persons.count)
        where = f"from (values ({write.number}::bigint)) numbers(n) where {_name(identity.name)} = {key}"
        if write.kind is Kind.UPDATE:
            return f"update {table.quoted} set {self._touch(shape)} {where}"
        return f"delete from {table.quoted} using {where.removeprefix('from ')}"

    def _touch(self, shape: Shape) -> str:
        """An update that changes no key and no owner: of a text if there is one, which is what applications edit."""
        free = [column for column in shape.columns if column.name not in (*shape.key, shape.group)]
        texts = [column for column in free if plain_type(column.type) == "text" and column.size_bytes]
        column = next(iter(texts or free), None)
        if column is None:
            return f"{_name(shape.key[0])} = {_name(shape.key[0])}"
        value = f"reverse({_name(column.name)})" if texts else expression(shape, column, self.persons.count)
        return f"{_name(column.name)} = {value}"


@asynccontextmanager
async def open_stage(
    target: Target,
    shapes: Sequence[Shape],
    *,
    users: int,
    published: Iterable[str],
    broadcast: Mapping[str, Iterable[Kind]] | None = None,
) -> AsyncIterator[Stage]:
    """Make the tables, fill them, and drop them whatever happens in the block.

    Args:
        shapes: in an order in which policies find the tables that they ask.
        users: persons who have a seat.
        published: tables whose changes Realtime tells; broadcast: which of their changes a trigger broadcasts.

    Raises:
        FailureError: the database refuses, a policy of the user's for example.
    """
    count = max(users, *(shape.groups for shape in shapes))
    count += count % 2  # so that what alternates from row to row does so from turn to turn as well
    names = {shape.name: f"{PREFIX}{secrets.token_hex(4)}_{shape.name}"[:_LONGEST_NAME] for shape in shapes}
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(owner_connection(target))
        tables: dict[str, OwnTable] = {}
        for shape in shapes:
            columns = {column.name: plain_type(column.type) for column in shape.columns}
            table = OwnTable(target.schema, names[shape.name], columns, connection)
            stack.push_async_callback(drop_table, table, target)
            tables[shape.name] = table
            await _create(shape, table, count, shape.name in set(published))
        for shape in shapes:
            await _secure(shape, tables)
        told = broadcast or {}
        topics = {name: await stack.enter_async_context(_broadcasting(target, tables[name], shape, told[name]))
                  for shape in shapes if (name := shape.name) in told}  # fmt: skip
        visible = {shape.name: await _visible(shape, tables[shape.name], users, count) for shape in shapes
                   if shape.secured}  # fmt: skip
        rows = {shape.name: Rows.of(_filled(shape, count), count * shape.memberships) for shape in shapes}
        yield Stage({shape.name: shape for shape in shapes}, tables, rows, Persons(count, visible), topics)


async def _create(shape: Shape, table: OwnTable, persons: int, published: bool) -> None:
    columns = ", ".join(f"{_name(name)} {kind}" for name, kind in table.columns.items())
    key = ", ".join(map(_name, shape.key))
    await table.run(f"create table {table.quoted} ({columns}, primary key ({key}))")
    last = _filled(shape, persons) - 1
    await table.run(_inserts(shape, table, f"generate_series(0::bigint, {last}) numbers(n)", persons))
    for index in shape.indexes:
        await table.run(f"create index on {table.quoted} ({', '.join(map(_name, index))})")
    await table.run(f"alter table {table.quoted} replica identity {shape.replica_identity}")
    await table.run(f"analyze {table.quoted}")
    await table.run(f"grant select on {table.quoted} to {', '.join(READERS)}")
    if published:
        await table.run(f"alter publication {PUBLICATION} add table {table.quoted}")


def _filled(shape: Shape, persons: int) -> int:
    """How many rows a table has in the beginning: at least two of each person, or all their memberships."""
    return max(shape.rows, persons * max(2, shape.memberships))


async def _secure(shape: Shape, tables: Mapping[str, OwnTable]) -> None:
    """Turn policies on. They name the user's tables, and are given ours."""
    table = tables[shape.name]
    if shape.secured:
        await table.run(f"alter table {table.quoted} enable row level security")
    for number, using in enumerate(shape.policies):
        for name, other in tables.items():
            using = renamed(using, name, other.quoted)
        readers = ", ".join(READERS)
        await table.run(f"create policy p{number} on {table.quoted} for select to {readers} using ({using})")


def renamed(text: str, table: str, name: str) -> str:
    """An expression in which a table has another name; its columns keep theirs where they stand after a point.

    `public.messages`, `"messages"` and `messages` are all the same table.
    """
    return re.sub(_pattern(table), lambda _: name, text)


def mentions(text: str, table: str) -> bool:
    """Whether an expression names a table."""
    return bool(re.search(_pattern(table), text))


def _pattern(table: str) -> str:
    word = re.escape(table)
    return rf'(?<![\w".])(?:"?public"?\.)?(?:"{word}"|{word})(?![\w"(])'


@asynccontextmanager
async def _broadcasting(target: Target, table: OwnTable, shape: Shape, kinds: Iterable[Kind]) -> AsyncIterator[str]:
    """A trigger that broadcasts each change to the private topic of its group; yields how the topics begin."""
    topic = sql.Literal(f"{table.name}:").as_string()
    group = "" if shape.group is None else f" || coalesce(new.{_name(shape.group)}, old.{_name(shape.group)})::text"
    told = f"{topic}{group}, tg_op, tg_op, tg_table_name::text, tg_table_schema::text, new, old"
    body = sql.Literal(f"begin perform realtime.broadcast_changes({told}); return null; end").as_string()
    policy = sql.Identifier(table.name).as_string()
    async with own_function(target, "", f"returns trigger language plpgsql security definer as {body}") as function:
        await table.run(
            f"create trigger workbook after {' or '.join(sorted(kinds))} on"
            f" {table.quoted} for each row execute function {function}()"
        )
        await table.run(
            f"create policy {policy} on realtime.messages for select to {', '.join(READERS)}"
            f" using (starts_with(realtime.topic(), {topic}))"
        )
        try:
            yield f"{table.name}:"
        finally:
            await drop_policy(target, policy, "realtime.messages")


async def _visible(shape: Shape, table: OwnTable, users: int, persons: int) -> list[frozenset[int]]:
    """For each person with a seat, which of the first rows it may read: asked of the database, under its claims."""
    identity = next(column for column in shape.columns if column.name == shape.identity)
    key = expression(shape, identity, persons)
    asking = (
        f"select n from generate_series(0::bigint, {2 * persons - 1}) numbers(n)"
        f" where exists (select from {table.quoted} where {_name(shape.identity)} = {key})"
    )
    found = []
    for person in range(users):
        claims = json.dumps({"sub": person_id(person), "role": "authenticated"})
        async with table.connection.transaction():
            await table.run("set local role authenticated")
            await table.run("select set_config('request.jwt.claims', %s, true)", [claims])
            found.append(frozenset(int(row["n"]) for row in await table.run(asking)))
    if not any(found):
        raise FailureError(
            f"asking who may read {shape.name}",
            "its policies let nobody read the rows that the lab made up",
            "Measure it with rows of your own, or without its policies",
        )
    return found


def _inserts(shape: Shape, table: OwnTable, numbers: str, persons: int) -> str:
    columns = ", ".join(_name(column.name) for column in shape.columns)
    values = ", ".join(expression(shape, column, persons) for column in shape.columns)
    return f"insert into {table.quoted} ({columns}) select {values} from {numbers}"


def _name(name: str) -> str:
    return sql.Identifier(name).as_string()
