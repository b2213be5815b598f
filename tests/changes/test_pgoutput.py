"""The decoder of replication messages, on the bytes of a real slot and on bytes that are cut or bent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from helpers.lab.changes.pgoutput import (
    UNCHANGED,
    Begin,
    Column,
    Commit,
    Delete,
    Insert,
    MalformedOutput,
    Message,
    Other,
    Relation,
    Truncate,
    Update,
    decode,
)
from tests.changes.conftest import Stage

# Written by hand after the documentation of the format.
BEGIN = bytes.fromhex("42 00000000017c0568 000303c9a4f0a6a1 000002f5")
RELATION = bytes.fromhex(
    "52 00004001 7075626c696300 6d00 64 0003"
    "01 696400 00000014 ffffffff 00 6200 00000019 ffffffff 00 6300 00000413 00000018"
)
INSERT = bytes.fromhex("49 00004001 4e 0003 74 00000001 31 6e 74 00000002 c3a9")
UPDATE = bytes.fromhex("55 00004001 4b 0003 74 00000001 31 6e 6e 4e 0003 74 00000001 32 75 6e")
DELETE = bytes.fromhex("44 00004001 4f 0003 74 00000001 32 6e 6e")
TRUNCATE = bytes.fromhex("54 00000002 00 00004001 00004002")
COMMIT = bytes.fromhex("43 00 00000000017c0568 00000000017c0598 000303c9a4f0a6a1")
ALL = [BEGIN, RELATION, INSERT, UPDATE, DELETE, TRUNCATE, COMMIT]


def test_each_kind() -> None:
    """Each kind of message is decoded with all that the feed needs."""
    assert decode(RELATION) == Relation(
        0x4001, "public", "m", "d", (Column("id", 20, True), Column("b", 25, False), Column("c", 1043, False))
    )
    assert decode(INSERT) == Insert(0x4001, ("1", None, "é"))
    assert decode(UPDATE) == Update(0x4001, ("1", None, None), ("2", UNCHANGED, None))
    assert decode(DELETE) == Delete(0x4001, ("2", None, None))
    assert decode(TRUNCATE) == Truncate((0x4001, 0x4002))
    assert decode(COMMIT) == Commit(0x017C0598)
    assert decode(b"M\x00anything") == Other("M")
    begin = decode(BEGIN)
    assert isinstance(begin, Begin)
    assert (begin.final_lsn, begin.xid) == (0x017C0568, 757)


@pytest.mark.parametrize("message", ALL, ids=lambda message: message[:1].decode())
def test_cut_off(message: bytes) -> None:
    """A message that is cut off anywhere, or has a byte too many, is refused."""
    for end in range(len(message)):
        with pytest.raises(MalformedOutput):
            decode(message[:end])
    with pytest.raises(MalformedOutput):
        decode(message + b"\0")


@given(st.sampled_from(ALL), st.integers(min_value=0), st.binary(max_size=8))
def test_bent(message: bytes, position: int, garbage: bytes) -> None:
    """Whatever bytes come, the answer is a message or the refusal."""
    at = position % len(message)
    try:
        decode(message[:at] + garbage + message[at + len(garbage) :])
    except MalformedOutput as error:
        assert str(error)


@pytest_asyncio.fixture
async def slot(stage: Stage) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection with a slot `raw_<stage>` of its own."""
    async with await psycopg.AsyncConnection.connect(stage.dsn, autocommit=True) as connection:
        await connection.execute(
            "select pg_create_logical_replication_slot(%s, 'pgoutput', temporary => true)", (f"raw_{stage.name}",)
        )
        yield connection


async def read(slot: psycopg.AsyncConnection, stage: Stage) -> list[Message]:
    cursor = await slot.execute(
        "select data from pg_logical_slot_get_binary_changes("
        "%s, null, null, 'proto_version', '1', 'publication_names', %s)",
        (f"raw_{stage.name}", stage.name),
        binary=True,
    )
    return [decode(row[0]) for row in await cursor.fetchall()]


async def test_real_slot(stage: Stage, slot: psycopg.AsyncConnection) -> None:
    """All that a real slot says is decoded, in the order in which it happened."""
    await stage.table("m", "id int primary key, b text, n numeric")
    await stage.sql("alter table m alter b set storage external")
    async with stage.owner.transaction():
        await stage.sql("insert into m values (1, repeat('x', 9000), null)")
        await stage.sql("update m set n = 1.50")
        await stage.sql("update m set id = 2")
        await stage.sql("delete from m")
        await stage.sql("truncate m")
    messages = await read(slot, stage)
    kinds = [type(message) for message in messages]
    assert kinds == [Begin, Relation, Insert, Update, Update, Delete, Relation, Truncate, Commit]
    _, relation, insert, update, rekey, delete, *_ = messages
    assert isinstance(relation, Relation) and isinstance(insert, Insert) and isinstance(update, Update)
    assert isinstance(rekey, Update) and isinstance(delete, Delete)
    assert [column.name for column in relation.columns if column.identity] == ["id"]
    assert insert.new == ("1", "x" * 9000, None)
    assert (update.old, update.new) == (None, ("1", UNCHANGED, "1.50"))
    assert (rekey.old, rekey.new) == (("1", None, None), ("2", UNCHANGED, "1.50"))
    assert delete.old == ("2", None, None)


async def test_time_of_commit(stage: Stage, slot: psycopg.AsyncConnection) -> None:
    """The time of a transaction is that of its commit, in UTC."""
    await stage.table("m", "id int primary key")
    before = datetime.now(UTC)
    await stage.sql("insert into m values (1)")
    begin = (await read(slot, stage))[0]
    assert isinstance(begin, Begin)
    assert timedelta(seconds=-1) < begin.commit_time - before < timedelta(seconds=10)
