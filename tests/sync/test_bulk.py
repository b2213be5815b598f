"""Many rows in one statement of Prisma's client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from helpers.errors import SettingsError
from helpers.prisma import Prisma, json_type, prisma_client
from helpers.prisma.datamodel import Datamodel, read_datamodel
from helpers.sync import Converter, Failure, PrismaTable, failure_of
from helpers.sync.bulk import BulkTable, Statement
from helpers.target import Target

PLACE = 'sync "bulk"'
SCHEMA = Path(__file__).with_name("kinds.prisma")
DATAMODEL = read_datamodel(SCHEMA)
MODELS = DATAMODEL.models
MOMENT = datetime(2026, 11, 22, 10, 0, 0, 123_456, tzinfo=UTC)
TABLE = """
create table pairs (
    "the ""left"" one" bigint, "right" text, notes jsonb[], note jsonb not null, maybe jsonb,
    moment timestamptz not null, ratio double precision not null,
    secret text default 'kept', area circle default '<(0,0),1>', primary key ("the ""left"" one", "right")
)
"""


@dataclass
class Pairs:
    """An empty table, and who writes it."""

    connection: psycopg.AsyncConnection
    target: Target
    client: Prisma
    bulk: BulkTable

    async def send(self, *statements: Statement) -> None:
        async with self.client.batch_() as batch:
            for statement in statements:
                batch.execute_raw(*statement)

    def row(self, left: int, right: str, **words: Any) -> dict[str, Any]:
        wrap = json_type(self.client)
        given = {"notes": [], "note": wrap({}), "maybe": None, "moment": MOMENT, "ratio": 0.5}
        return {"left": left, "right": right} | given | words

    async def values(self, selected: str) -> list[tuple[Any, ...]]:
        cursor = await self.connection.execute(f'select {selected} from pairs order by 1, "right"'.encode())
        return await cursor.fetchall()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(target: Target) -> AsyncIterator[tuple[psycopg.AsyncConnection, Target, Prisma]]:
    here = replace(target, schema=PLACE)
    name = psycopg.sql.Identifier(PLACE)
    async with await psycopg.AsyncConnection.connect(here.database_url or "", autocommit=True) as connection:
        await connection.execute(psycopg.sql.SQL("create schema {}").format(name))
        await connection.execute(psycopg.sql.SQL("set search_path to {}").format(name))
        await connection.execute(TABLE.encode())
        client = await prisma_client(here, SCHEMA)
        try:
            yield connection, here, client
        finally:
            await client.disconnect()
            await connection.execute(psycopg.sql.SQL("drop schema {} cascade").format(name))


@pytest_asyncio.fixture(loop_scope="session")
async def pairs(place: tuple[psycopg.AsyncConnection, Target, Prisma]) -> Pairs:
    await place[0].execute("delete from pairs")
    return Pairs(*place, BulkTable.of(DATAMODEL, "pair", MODELS["Pair"], PLACE))


async def test_json_is_what_it_was_wherever_it_stands(pairs: Pairs) -> None:
    """JSON's own null is not NULL, a text stays a text, and lists in a list of Json are no dimensions."""
    wrap = json_type(pairs.client)
    notes: list[Any] = [None, [1, [2]], "null", {"a": [None]}, 10**30]
    row = pairs.row(1, "", note=wrap(None), notes=[wrap(note) for note in notes], maybe=wrap("[]"))
    await pairs.send(pairs.bulk.insert([row]))
    [found] = await pairs.values("to_jsonb(notes), array_ndims(notes), notes[1] is null, note is null, maybe")
    assert found == (notes, 1, False, False, "[]")


async def test_nothing_is_lost_that_the_columns_hold(pairs: Pairs) -> None:
    """Microseconds, and all 17 digits of a double, which `create_many` cuts."""
    row = pairs.row(2**63 - 1, "'); \\ \" \u2028 👋🏽", ratio=0.1 + 0.2)
    await pairs.send(pairs.bulk.insert([row]))
    [found] = await pairs.values('"the ""left"" one", "right", moment, ratio')
    assert found == (row["left"], row["right"], MOMENT, 0.1 + 0.2)


async def test_rows_go_by_keys_of_several_columns(pairs: Pairs) -> None:
    """Those that are named, or all others; nothing named means none, or all."""
    rows = [pairs.row(left, right) for left in (1, 2) for right in "ab"]
    await pairs.send(pairs.bulk.insert(rows), pairs.bulk.delete([(1, "b"), (2, "a"), (3, "a")]), pairs.bulk.delete([]))
    assert await pairs.values('"the ""left"" one", "right"') == [(1, "a"), (2, "b")]
    await pairs.send(pairs.bulk.delete_others([(2, "b"), (1, "b")]))
    assert await pairs.values('"the ""left"" one", "right"') == [(2, "b")]
    await pairs.send(pairs.bulk.delete_others([]))
    assert await pairs.values("1") == []


async def test_columns_that_the_client_does_not_know_get_their_defaults(pairs: Pairs) -> None:
    """An unsupported type, and a field that is ignored."""
    await pairs.send(pairs.bulk.insert([pairs.row(1, "a")]))
    assert await pairs.values("secret, area::text") == [("kept", "<(0,0),1>")]


async def test_all_or_none_of_a_batch(pairs: Pairs) -> None:
    """A row that is refused takes the statements before it back."""
    await pairs.send(pairs.bulk.insert([pairs.row(1, "a")]))
    with pytest.raises(Exception, match="already exists") as caught:
        await pairs.send(pairs.bulk.delete([(1, "a")]), pairs.bulk.insert([pairs.row(2, "a")] * 2))
    assert failure_of(caught.value) is Failure.ROW
    assert await pairs.values('"the ""left"" one", "right"') == [(1, "a")]


@pytest.mark.parametrize("missing", ["no such schema", "public"])
async def test_a_table_that_is_not_there_is_nobodys_row(pairs: Pairs, missing: str) -> None:
    """No half of the batch could be written."""
    with pytest.raises(Exception, match="does not exist") as caught:
        await pairs.send(replace(pairs.bulk, schema=missing).insert([pairs.row(1, "a")]))
    assert failure_of(caught.value) is Failure.LASTING


async def test_the_schema_of_the_url_is_found_without_a_search_path(pairs: Pairs) -> None:
    """Through a pooler that lends connections nothing can be set on them; Prisma's own queries name the schema too."""
    url = f"{pairs.target.database_url}{'&' if '?' in (pairs.target.database_url or '') else '?'}pgbouncer=true"
    client = await prisma_client(replace(pairs.target, database_url=url), SCHEMA)
    try:
        table = PrismaTable(client, Converter.of(DATAMODEL, "pairs", json_type(client)), "pair")
        folded = await table.folded([])
        folded.rows[(1, "a")] = pairs.row(1, "a")
        async with client.batch_() as batch:
            table.write(batch, folded)
    finally:
        await client.disconnect()
    assert await pairs.values('"the ""left"" one", "right"') == [(1, "a")]


def test_a_copy_must_have_the_fields_of_its_source() -> None:
    """What is missing is named before anything is written."""
    with pytest.raises(SettingsError, match="left, right"):
        BulkTable.of(DATAMODEL, "kind", MODELS["Pair"])
    with pytest.raises(SettingsError, match=r"client\.nobody"):
        BulkTable.of(DATAMODEL, "nobody", MODELS["Pair"])


def test_keys_are_in_the_order_of_the_source() -> None:
    """Whatever the order in the copy is."""
    fields = MODELS["Pair"].fields
    turned = replace(MODELS["Pair"], key=("right", "left"))
    bulk = BulkTable.of(Datamodel({"Pair": turned}, {}), "pair", MODELS["Pair"])
    assert bulk.key == fields[:2]
    assert json.loads(bulk.delete([(1, "a")])[1]) == [{fields[0].column: 1, "right": "a"}]
