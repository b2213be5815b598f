"""Writes that wait in a file: kept, in order, each done once, and none that blocks the others for ever."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from helpers.errors import ConnectionFailed, RunError
from helpers.resilience import BackoffSettings
from helpers.sync.outbox import (
    Answer,
    Conflict,
    ConflictPolicy,
    Entry,
    EntryState,
    Outbox,
    PrismaWriter,
    Rejected,
    Sender,
    Told,
    Write,
    WriteType,
    merge,
    trim_done_writes,
)
from tests.sync.outbox.conftest import Chat

QUICK = BackoffSettings(base_s=0.02, cap_s=0.1, spread_s=0.01)


class Lossy:
    """The way to a real writer, on which answers get lost."""

    def __init__(self, writer: PrismaWriter, losing: int) -> None:
        self.writer, self.losing = writer, losing

    async def send(self, write: Write) -> Answer:
        answer = await self.writer.send(write)
        if self.losing:
            self.losing -= 1
            raise ConnectionFailed("waiting for an answer", "the connection was lost", "Try again")
        return answer


@contextlib.asynccontextmanager
async def sending(sender: Sender) -> AsyncIterator[Sender]:
    task = asyncio.create_task(sender.run())
    try:
        yield sender
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_empty(outbox: Outbox, left: int = 0) -> list[Entry]:
    async with asyncio.timeout(20):
        while len(await outbox.entries(EntryState.WAITING)) > left:  # noqa: ASYNC110 - the file has no events
            await asyncio.sleep(0.01)
    return await outbox.entries()


async def test_what_was_added_is_there_after_a_restart(tmp_path: Path) -> None:
    """With every digit, in its order, and once only."""
    first = Write(WriteType.INSERT, (1,), {"price": Decimal("1.000000000000000001"), "n": 2**60, "meta": {"a": [1.5]}})
    second = Write(WriteType.DELETE, (1,), base={"id": 1})
    async with Outbox(tmp_path / "outbox.db") as outbox:
        for write in (first, second, first):
            await outbox.add(write)
    async with Outbox(tmp_path / "outbox.db") as outbox:
        kept = [entry.write for entry in await outbox.entries()]
        assert [replace(write, after=()) for write in kept] == [first, second]
        assert kept[0].values["price"] == Decimal("1.000000000000000001")


async def test_an_answer_that_is_lost_does_not_double(room: Chat, outbox: Outbox) -> None:
    """The key of a write is committed with it; whoever asks again gets the first answer."""
    answers = list[Answer]()
    lossy = Lossy(PrismaWriter(room.client, room.converter), losing=3)
    told = Told(done=lambda write, answer: answers.append(answer))
    for body in ("a", "b", "c"):
        await outbox.add(room.insert(body, f"temporary:{body}"))
    async with sending(Sender(outbox, {"messages": lossy}, told, QUICK)):
        assert await until_empty(outbox) == []
    rows = await room.messages()
    assert [row["body"] for row in rows] == ["a", "b", "c"]
    assert [answer.key for answer in answers] == [(row["id"],) for row in rows]
    assert len({answer.mark for answer in answers}) == 3


async def test_two_attempts_at_once_are_one_write(room: Chat) -> None:
    """The second one waits for the first, and gets its answer."""
    writer, write = PrismaWriter(room.client, room.converter), room.insert("once")
    first, second = await asyncio.gather(writer.send(write), writer.send(write))
    assert first == second
    assert await room.bodies() == ["once"]


async def test_later_writes_learn_the_real_key(room: Chat, outbox: Outbox) -> None:
    """Those that wait, and those that are added when it is known."""
    await outbox.add(room.insert("made offline", "temporary:1"))
    await outbox.add(Write(WriteType.UPDATE, ("temporary:1",), {"body": "changed offline"}, table="messages"))
    writer = PrismaWriter(room.client, room.converter)
    async with sending(Sender(outbox, {"messages": writer}, backoff=QUICK)):
        await until_empty(outbox)
        assert await room.bodies() == ["changed offline"]
        await outbox.add(Write(WriteType.UPDATE, ("temporary:1",), {"price": Decimal("1.5")}, table="messages"))
        await until_empty(outbox)
    [row] = await room.messages()
    assert row["price"] == Decimal("1.5")


async def test_a_poison_message_is_set_aside_with_what_depends_on_it(room: Chat, outbox: Outbox) -> None:
    """With the reason of the database, and the rest goes on."""
    refused = list[Sequence[Entry]]()
    await outbox.add(room.insert("before", "temporary:1"))
    await outbox.add(room.insert("poison", "temporary:2", room_id=-1))
    await outbox.add(Write(WriteType.UPDATE, ("temporary:2",), {"body": "lost"}, table="messages"))
    await outbox.add(room.insert("no such kind", "temporary:3", kind="telegram"))
    await outbox.add(room.insert("after", "temporary:4"))
    sender = Sender(
        outbox, {"messages": PrismaWriter(room.client, room.converter)}, Told(refused=refused.append), QUICK
    )
    async with sending(sender):
        aside = await until_empty(outbox)
    assert await room.bodies() == ["before", "after"]
    assert [entry.state for entry in aside] == [EntryState.SET_ASIDE] * 3
    assert "oreign key" in aside[0].reason
    assert "depends on" in aside[1].reason
    assert "telegram" in aside[2].reason
    assert [entry.attempts for entry in aside] == [0, 0, 0]
    assert [len(entries) for entries in refused] == [2, 1]
    await outbox.add(Write(WriteType.DELETE, ("temporary:2",), table="messages"))
    assert [entry.state for entry in await outbox.entries()] == [EntryState.SET_ASIDE] * 4


@pytest.mark.parametrize(
    "statement",
    ["check (body <> 'bad')", "exclude using btree (body with =) where (body = 'bad')"],
)
async def test_what_a_constraint_refuses_is_refused_at_once(room: Chat, statement: str) -> None:
    """Prisma has no error of its own for these."""
    await room.run(f"alter table messages add constraint no_bad {statement}")
    try:
        if "exclude" in statement:
            await room.message("bad")
        with pytest.raises(Rejected, match="no_bad"):
            await PrismaWriter(room.client, room.converter).send(room.insert("bad"))
    finally:
        await room.run("alter table messages drop constraint no_bad")


async def test_conflict_policies(room: Chat) -> None:
    """Others change `body` and `meta`; we have changed `body` and `price`."""
    expected = {
        ConflictPolicy.LAST_WRITER: ("ours", Decimal(2), {"by": "them"}),
        ConflictPolicy.SERVER_WINS: ("theirs", None, {"by": "them"}),
        ConflictPolicy.FIELD_MERGE: ("theirs", Decimal(2), {"by": "them"}),
    }
    for policy, values in expected.items():
        row = await room.message()
        await room.run("update messages set body = 'theirs', meta = '{\"by\": \"them\"}' where id = %s", row["id"])
        write = room.update(row, body="ours", price=Decimal(2))
        answer = await PrismaWriter(room.client, room.converter, policy=policy).send(write)
        found = (await room.messages())[-1]
        assert (found["body"], found["price"], found["meta"]) == values, policy
        assert ("body" in answer.yielded) is (policy is not ConflictPolicy.LAST_WRITER)
        assert (answer.mark is None) is (policy is ConflictPolicy.SERVER_WINS)


async def test_without_a_conflict_every_policy_writes(room: Chat) -> None:
    """A row that nobody else has changed is as the user saw it, whatever its types."""
    for policy in ConflictPolicy:
        row = await room.message()
        await PrismaWriter(room.client, room.converter, policy=policy).send(room.update(row, body=policy.value))
        assert (await room.bodies())[-1] == policy.value


async def test_somebody_is_asked_and_the_row_waits(room: Chat, outbox: Outbox) -> None:
    """Writes to other rows go on; the decision is sent, and then what waited behind it."""
    asked = list[tuple[Entry, Conflict]]()
    one, two = await room.message("one"), await room.message("two")
    await room.run("update messages set body = 'theirs' where id = %s", one["id"])
    for row, body in ((one, "ours"), (two, "two changed")):
        await outbox.add(room.update(row, body=body))
    await outbox.add(Write(WriteType.UPDATE, (one["id"],), {"price": Decimal(1)}, table="messages"))
    writer = PrismaWriter(room.client, room.converter, policy=ConflictPolicy.ASK)
    told = Told(asked=lambda entry, conflict: asked.append((entry, conflict)))
    async with sending(Sender(outbox, {"messages": writer}, told, QUICK)):
        await until_empty(outbox, left=1)
        assert await room.bodies() == ["theirs", "two changed"]
        [(_, conflict)] = asked
        assert (conflict.columns[0], conflict.server["body"]) == ("body", "theirs")
        [entry] = await outbox.entries(EntryState.ASKED)
        await outbox.decide(entry, {"body": "ours and theirs"})
        assert await until_empty(outbox) == []
    assert await room.bodies() == ["ours and theirs", "two changed"]
    assert (await room.messages())[0]["price"] == 1


async def test_a_row_that_is_gone(room: Chat) -> None:
    """An update of it is refused, or yields; a delete has got what it wanted."""
    row = await room.message()
    await room.run("delete from messages where id = %s", row["id"])
    writer = PrismaWriter(room.client, room.converter)
    with pytest.raises(Rejected, match="gone"):
        await writer.send(room.update(row, body="ours"))
    yielding = PrismaWriter(room.client, room.converter, policy=ConflictPolicy.SERVER_WINS)
    assert (await yielding.send(room.update(row, body="ours"))).yielded == ("body",)
    assert (await writer.send(Write(WriteType.DELETE, (row["id"],), table="messages"))).mark is None


async def test_a_delete_yields_to_an_edit(room: Chat) -> None:
    """By every policy but the last writer's; and it is done if there was none."""
    row = await room.message()
    await room.run("update messages set body = 'theirs' where id = %s", row["id"])
    merging = PrismaWriter(room.client, room.converter, policy=ConflictPolicy.FIELD_MERGE)
    delete = Write(WriteType.DELETE, (row["id"],), base=row, table="messages")
    assert "body" in (await merging.send(delete)).yielded
    assert await room.bodies() == ["theirs"]
    await PrismaWriter(room.client, room.converter).send(replace(delete, id="another"))
    assert await room.bodies() == []


async def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    """What `add` refused is not in it; what it took is."""
    kept = 0
    async with Outbox(tmp_path / "outbox.db") as outbox:
        await outbox._run(lambda: outbox._db.execute("pragma max_page_count = 12"))
        with pytest.raises(RunError, match="full"):
            for kept in range(1_000):
                await outbox.add(Write(WriteType.INSERT, (kept,), {"body": "x" * 1000}))
        entries = await outbox.entries()
        assert [entry.write.key for entry in entries] == [(number,) for number in range(kept)]
        for entry in entries[:8]:  # a page or two of the file
            await outbox.done(entry, Answer(entry.write.key, 1))
        await outbox.add(Write(WriteType.INSERT, (kept,), {"body": "x" * 1000}))


async def test_it_goes_on_when_the_database_can_be_reached_again(room: Chat, outbox: Outbox) -> None:
    """Nothing is set aside for a network that is down, however long that takes."""
    writer = PrismaWriter(room.client, room.converter)

    class Gone:
        down = True

        async def send(self, write: Write) -> Answer:
            if self.down:
                raise ConnectionFailed("sending a write", "no route", "Wait")
            return await writer.send(write)

    road = Gone()
    sender = Sender(outbox, {"messages": road}, backoff=BackoffSettings(base_s=0.01, cap_s=0.01, spread_s=0.0))
    async with sending(sender):
        await outbox.add(room.insert("patient"))
        async with asyncio.timeout(10):
            while (await outbox.entries())[0].attempts < 20:  # noqa: ASYNC110 - the file has no events
                await asyncio.sleep(0.01)
        assert sender.trouble == "no route"
        road.down = False
        sender.hurry()
        assert await until_empty(outbox) == []
    assert await room.bodies() == ["patient"]
    assert sender.trouble == ""


async def test_a_connection_that_is_lost_under_way_is_no_refusal(room: Chat, outbox: Outbox) -> None:
    """The write waits for a row that somebody holds, and its connection is ended meanwhile; then it is done."""
    row = await room.message()
    await outbox.add(room.update(row, body="ours"))
    sender = Sender(outbox, {"messages": PrismaWriter(room.client, room.converter)}, backoff=QUICK)
    async with sending(sender):
        async with room.connection.transaction():
            await room.run("update messages set body = 'held' where id = %s", row["id"])
            async with asyncio.timeout(10):
                while not await ended(room):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                while not (await outbox.entries())[0].attempts:  # noqa: ASYNC110 - the file has no events
                    await asyncio.sleep(0.01)
        assert await until_empty(outbox) == []
    assert await room.bodies() == ["ours"]


async def ended(room: Chat) -> bool:
    """End whoever waits for us, if somebody does."""
    query = "select pg_terminate_backend(pid) from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))"
    return bool(await (await room.connection.execute(query)).fetchall())


async def test_keys_can_be_forgotten(room: Chat) -> None:
    """Then a write would be done again."""
    writer, write = PrismaWriter(room.client, room.converter), room.insert("again")
    await writer.send(write)
    schema = (await (await room.connection.execute("select current_schema() as name")).fetchone())["name"]
    assert await trim_done_writes(room.connection, 3600, schema=schema) == 0
    assert await trim_done_writes(room.connection, 0, schema=schema) >= 1
    await writer.send(write)
    assert await room.bodies() == ["again", "again"]


def test_a_numeric_is_compared_as_a_number() -> None:
    """The database writes 1.50, an application kept 1.5."""
    write = Write(WriteType.UPDATE, (1,), {"body": "x"}, {"price": 1.5, "open": True})
    assert merge(ConflictPolicy.SERVER_WINS, write, {"price": Decimal("1.50"), "open": True}).values == {"body": "x"}
    assert merge(ConflictPolicy.SERVER_WINS, write, {"price": Decimal("1.50"), "open": 1}).values is None
