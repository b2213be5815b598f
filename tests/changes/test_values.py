"""Values: the JSON made here is the JSON that PostgreSQL would make."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from helpers.lab.changes.arrays import parse_array
from helpers.lab.changes.types import TypeCatalog
from helpers.lab.changes.values import encoder_for, plain_text
from tests.changes.conftest import Stage

# Type and a text of it, where `to_jsonb` of the value is what subscribers get.
AS_TO_JSONB = [
    ("bool", "t"),
    ("bool", "f"),
    ("int8", "-9223372036854775808"),
    ("numeric", "1.50"),
    ("numeric", "123456789012345678901234567890.123"),
    ("numeric", "0.00"),
    ("float8", "1.5"),
    ("float8", "1e+300"),
    ("float8", "1e-07"),
    ("float8", "-0"),
    ("float4", "0.1"),
    ("text", 'é "q" \\ \n\t\x01 \u2028 </script>'),
    ("varchar", ""),
    ("bpchar", "a  "),
    ("uuid", "11111111-1111-4111-8111-111111111111"),
    ("jsonb", '{"a": {"b": 1.50}}'),
    ("jsonb", '"text"'),
    ("date", "2024-02-29"),
    ("date", "0044-03-15 BC"),
    ("date", "infinity"),
    ("time", "03:04:05.5"),
    ("timetz", "03:04:05+00"),
    ("timestamp", "2024-01-02 03:04:05.678901"),
    ("timestamp", "-infinity"),
    ("timestamp", "0044-03-15 00:00:00 BC"),
    ("timestamptz", "2024-01-02 01:04:05+00"),
    ("timestamptz", "0044-03-15 00:00:00+00 BC"),
    ("timestamptz", "10000-01-01 00:00:00.5+00"),
    ("interval", "1 year 2 mons 3 days 04:05:06.789"),
    ("inet", "10.0.0.0/8"),
    ("money", "$1,234.50"),
    ("oid", "12345"),
    ("bit(3)", "101"),
    ("int4range", "[1,10)"),
    ("int4multirange", "{[1,3),[5,7)}"),
    ("point", "(1,2)"),
    ("tsvector", "'a':1 'b':2"),
    ("int4[]", "{1,NULL,-3}"),
    ("int4[]", "{}"),
    ("int4[]", "{{1,2},{3,4}}"),
    ("int4[]", "[0:1]={7,8}"),
    ("text[]", '{a,"b,c",NULL,"NULL","","q\\"\\\\","{}"," s "}'),
    ("bool[]", "{t,f}"),
    ("float8[]", "{1.5,NaN,Infinity,-Infinity,-0}"),
    ("numeric[]", "{1.50,NaN}"),
    ("bytea[]", '{"\\\\xdead"}'),
    ("jsonb[]", '{"{\\"a\\": 1}","null"}'),
    ("timestamptz[]", '{"2024-01-02 01:04:05+00"}'),
    ("uuid[]", "{11111111-1111-4111-8111-111111111111}"),
]
# Where it is not: wal2json, which the real server reads with, has its own way with these.
OTHERWISE = [
    ("float8", "NaN", None),
    ("float8", "Infinity", None),
    ("float4", "-Infinity", None),
    ("numeric", "NaN", None),
    ("bytea", "\\xdeadbeef", "deadbeef"),
    ("bytea", "\\x", ""),
]


@pytest_asyncio.fixture
async def connection(superuser_dsn: str) -> AsyncIterator[psycopg.AsyncConnection]:
    options = "-c timezone=UTC -c datestyle=ISO -c extra_float_digits=1 -c intervalstyle=postgres"
    async with await psycopg.AsyncConnection.connect(superuser_dsn, autocommit=True, options=options) as connection:
        yield connection


async def encoded(connection: psycopg.AsyncConnection, type_name: str, text: str) -> Any:
    cursor = await connection.execute(f"select '{type_name}'::regtype::oid::int8")
    ((oid,),) = await cursor.fetchall()
    types = await TypeCatalog().describe(connection, [oid])
    encoder = encoder_for(types[oid], types)
    assert encoder is not None
    return parsed(encoder(text).decode())


def parsed(text: str) -> Any:
    """JSON with exact numbers."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


@pytest.mark.parametrize(("type_name", "text"), AS_TO_JSONB)
async def test_as_to_jsonb(connection: psycopg.AsyncConnection, type_name: str, text: str) -> None:
    """The text that the log holds becomes the JSON that the database's `to_jsonb` gives, digit by digit."""
    query = f"select format('%%s', v), to_jsonb(v)::text from (select %s::{type_name}) s(v)"
    cursor = await connection.execute(query, (text,))
    ((output, expected),) = await cursor.fetchall()
    assert await encoded(connection, type_name, output) == parsed(expected)


@pytest.mark.parametrize(("type_name", "text", "expected"), OTHERWISE)
async def test_otherwise(connection: psycopg.AsyncConnection, type_name: str, text: str, expected: str | None) -> None:
    """NaN and infinities of scalars are null, bytes are hex without a prefix."""
    assert await encoded(connection, type_name, text) == expected


async def test_types_that_only_the_database_knows(stage: Stage) -> None:
    """Enums, domains, composites and arrays of them arrive as the database converts them."""
    await stage.sql("create type mood as enum ('sad', 'it''s \"ok\"')")
    await stage.sql("create domain small as int check (value < 10)")
    await stage.sql("create type pair as (a int, b text)")
    await stage.table("odd", "id int primary key, m mood, ms mood[], d small, p pair, ps pair[], n small")
    listener = await stage.listen(stage.binding("odd"))
    await stage.sql(
        "insert into odd values (1, 'sad', array['it''s \"ok\"', 'sad']::mood[], 5, row(1, 'x'), "
        "array[row(2, 'y, z'), null]::pair[], null)"
    )
    await listener.received(1)
    assert listener.records == [
        {
            "id": 1,
            "m": "sad",
            "ms": ['it\'s "ok"', "sad"],
            "d": 5,
            "p": {"a": 1, "b": "x"},
            "ps": [{"a": 2, "b": "y, z"}, None],
            "n": None,
        }
    ]
    assert [column["type"] for column in listener.changes[0]["columns"]][1:6] == [
        "mood",
        "_mood",
        "small",
        "pair",
        "_pair",
    ]


async def test_json_becomes_jsonb(stage: Stage) -> None:
    """Values of `json` arrive as `jsonb` would print them: of equal keys the last, shorter keys first."""
    await stage.table("documents", "id int primary key, j json, js json[]")
    listener = await stage.listen(stage.binding("documents"))
    text = '{"bb":1, "a" : 1e2,"bb": {"z":[ ]}}'
    await stage.sql("insert into documents values (1, %s, array[%s, null]::json[])", text, text)
    await listener.received(1)
    normal = b'{"a": 100, "bb": {"z": []}}'
    record = b'{"j": ' + normal + b', "id": 1, "js": [' + normal + b", null]}"
    assert b'"record":' + record in listener.deliveries[0].data


@given(st.recursive(st.none() | st.text(), lambda items: st.lists(items, max_size=4), max_leaves=10))
def test_strings_survive(value: Any) -> None:
    """A JSON string's plain text is the string; anything else stays JSON."""
    text = plain_text(json.dumps(value).encode())
    assert text == (value if isinstance(value, str | None) else json.dumps(value))


@given(st.lists(st.none() | st.text(min_size=0), max_size=5))
def test_arrays_survive(items: list[str | None]) -> None:
    """Elements of a quoted array come back, whatever characters they hold."""
    quoted = ["NULL" if item is None else '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in items]
    assert parse_array("{" + ",".join(quoted) + "}") == items


@given(st.text(alphabet='{}[]",:=\\aN 1', max_size=20))
def test_other_texts_are_no_arrays(text: str) -> None:
    """Any text is either an array or refused."""
    try:
        assert isinstance(parse_array(text), list)
    except ValueError as error:
        assert "not an array" in str(error)
