"""The subscription through a network that fails, with Prisma writing what it brings."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from helpers.lab import Lab, LabSettings
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.faults import FAULTS, Scene
from helpers.lab.network import BLACK_HOLE, PERFECT, Ending, network
from helpers.prisma import deploy_migrations
from helpers.resilience import drop_change_log, install_change_log
from tests.sync.typescript.project import Program, Project, running

AUTHOR = "00000000-0000-4000-8000-000000000001"


@contextlib.asynccontextmanager
async def chat(lab: Lab) -> AsyncIterator[tuple[psycopg.AsyncConnection, int]]:
    """A room of its own, and the log of all messages; gone afterwards."""
    url = lab.info["database_url"]
    await asyncio.to_thread(deploy_migrations, url, "public")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await install_change_log(connection, ["messages"])
        cursor = await connection.execute("insert into rooms (name) values ('typescript') returning id")
        row = await cursor.fetchone()
        assert row is not None
        try:
            yield connection, row[0]
        finally:
            await connection.execute("delete from rooms where id = %s", [row[0]])
            await connection.execute("delete from mirrored_messages where room_id = %s", [row[0]])
            await drop_change_log(connection)


class Writer:
    """Changes messages all the time, and keeps what each of them was."""

    def __init__(self, connection: psycopg.AsyncConnection, room: int) -> None:
        self.connection, self.room = connection, room
        self.history: dict[int, list[str]] = {}

    async def write(self, rounds: int, pause_s: float = 0.02) -> None:
        for _ in range(rounds):
            first, second = await self.insert(), await self.insert()
            await self.update(first, "second")
            await self.update(second, "second")
            await self.update(first, "third")
            await self.delete(second)
            await asyncio.sleep(pause_s)

    async def insert(self) -> int:
        query = "insert into messages (room_id, author, body, price) values (%s, %s, 'first', 1.000001) returning id"
        row = await (await self.connection.execute(query, [self.room, AUTHOR])).fetchone()
        assert row is not None
        self.history[row[0]] = ["first"]
        return int(row[0])

    async def update(self, key: int, body: str) -> None:
        query = "update messages set body = %s, updated_at = clock_timestamp() where id = %s"
        await self.connection.execute(query, [body, key])
        self.history[key].append(body)

    async def delete(self, key: int) -> None:
        await self.connection.execute("delete from messages where id = %s", [key])
        self.history[key].append("(deleted)")


async def is_equal(connection: psycopg.AsyncConnection, room: int) -> bool:
    """Whether the mirror holds the room's messages, column for column."""
    query = """
        select count(*) from (select id, room_id, author, body, kind, price, meta, created_at, updated_at from messages
        where room_id = %(room)s) m full join (select * from mirrored_messages where room_id = %(room)s) c using (id)
        where (m.*)::text is distinct from
        (select (x.*)::text from (select c.id, c.room_id, c.author, c.body, c.kind, c.price, c.meta, c.created_at,
        c.updated_at) x)
    """
    row = await (await connection.execute(query, {"room": room})).fetchone()
    return row is not None and row[0] == 0


async def report(program: Program, word: str = "report") -> Any:
    """What it has; `peek` does not have it look for more before."""
    program.say(word)
    return await program.hear("report")


async def report_when_equal(program: Program, history: dict[int, list[str]]) -> Any:
    """Its report as soon as it has every version, or after a while."""
    for _ in range(100):
        told = await report(program, "peek")
        if bodies_of(told) == history:
            break
        await asyncio.sleep(0.1)
    return told


def bodies_of(told: Any) -> dict[int, list[str]]:
    """Key -> what was said of the row, in its order."""
    return {int(key[2:-2]): bodies for key, bodies in told["bodies"].items()}


async def until_state(program: Program, wanted: str) -> None:
    while await program.hear("state") != wanted:
        pass


async def test_every_change_comes_once_and_in_order_over_cut_connections(lab: Lab, project: Project) -> None:
    """By the change log: each version of each row, none twice, although sockets break while changes are written.

    A transaction is open all the while, so that the log's horizon stands still; its early change comes last.
    """
    only_catching_up = {"auditMs": 600_000, "pollAfterMs": 600_000}  # nothing else may mend what it leaves out
    async with (
        chat(lab) as (connection, room),
        await psycopg.AsyncConnection.connect(lab.info["database_url"]) as patient,
        network(lab.target) as via,
        running(project, "follow", lab, via.target.api_url, room=room, source="log", **only_catching_up) as program,
    ):
        await until_state(program, "live")
        writer = Writer(connection, room)
        late = Writer(patient, room)
        await late.insert()
        writing = asyncio.create_task(writer.write(400))
        for ending in (Ending.RESET, Ending.CLOSE, Ending.RESET):
            await asyncio.sleep(0.5)  # for the stream to bring some
            via.cut(ending)
            await until_state(program, "live")
        via.cut(Ending.RESET)
        await patient.commit()
        writer.history |= late.history
        await until_state(program, "live")
        await writing
        told = await report_when_equal(program, writer.history)
        assert bodies_of(told) == writer.history
        assert told["rejected"] == []
        assert told["counts"]["catch-up"] > 0
        assert told["counts"]["stream"] > 0
        assert await is_equal(connection, room)
        program.say("end")
        assert await program.hear("closed") == {"state": "closed", "error": None}


@pytest.mark.parametrize("source", ["log", "updatedAt"])
async def test_the_copy_is_equal_after_a_black_hole_and_an_application_that_fails(
    lab: Lab, project: Project, source: str
) -> None:
    """A line that swallows everything is found out and replaced; what the handler failed with comes again."""
    async with (
        chat(lab) as (connection, room),
        network(lab.target) as via,
        running(project, "follow", lab, via.target.api_url, room=room, source=source, failures=3) as program,
    ):
        await until_state(program, "live")
        writer = Writer(connection, room)
        await writer.write(5)
        via.set(BLACK_HOLE)
        await writer.write(10)
        await until_state(program, "polling" if source == "updatedAt" else "connecting")
        via.set(PERFECT)
        await writer.write(5)
        await until_state(program, "live")
        told = await report(program)
        assert await is_equal(connection, room), told["states"]
        last = {key: bodies[-1] for key, bodies in writer.history.items()}
        copied = {key: bodies[-1] for key, bodies in bodies_of(told).items()}
        assert copied == {key: body for key, body in last.items() if body != "(deleted)" or key in copied}
        assert told["rejected"] == []


async def test_the_copy_is_equal_after_a_truncate_and_a_fail_over(project: Project) -> None:
    """Neither can be followed entry by entry: the application is told that what it has is void, and goes on from there.

    Changes are written before, between, and after; on the fresh server transactions are numbered anew.
    """
    async with (
        Scene(LabSettings(changes=ChangeSettings(cold_start_s=(0.0, 0.0)))) as scene,
        running_in(scene, project) as (program, room),
    ):
        await until_state(program, "live")
        await write(scene, room)
        async with await scene.connection() as connection:
            await connection.execute("truncate messages")
        await write(scene, room)
        [emptied] = (await report_when_copied(program, scene, room))["resets"]
        assert "emptied" in emptied
        async with FAULTS["failover"].strike(scene, 0.2):
            pass
        await write(scene, room)
        _, moved = (await report_when_copied(program, scene, room))["resets"]
        assert "another server" in moved
        await until_state(program, "live")
        await write(scene, room)
        told = await report_when_copied(program, scene, room)
        assert len(told["resets"]) == 2
        assert told["rejected"] == []
        async with await scene.connection() as connection:
            assert await is_equal(connection, room), told["states"]


@contextlib.asynccontextmanager
async def running_in(scene: Scene, project: Project) -> AsyncIterator[tuple[Program, int]]:
    """A copy by the change log, of a room in a scene."""
    await asyncio.to_thread(deploy_migrations, scene.database_url, "public")
    async with await scene.connection() as connection:
        await install_change_log(connection, ["messages"])
        cursor = await connection.execute("insert into rooms (name) values ('typescript') returning id")
        row = await cursor.fetchone()
    assert row is not None
    async with running(project, "follow", scene.lab, scene.via.target.api_url, room=row[0], source="log") as program:
        yield program, row[0]


async def write(scene: Scene, room: int) -> None:
    async with await scene.connection() as connection:
        await Writer(connection, room).write(5)


async def report_when_copied(program: Program, scene: Scene, room: int) -> Any:
    """Its report as soon as the copy is equal, or after a while."""
    for _ in range(200):
        told = await report(program, "peek")
        async with await scene.connection() as connection:
            if await is_equal(connection, room):
                break
        await asyncio.sleep(0.1)
    return told
