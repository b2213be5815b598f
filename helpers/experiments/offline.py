"""What becomes of writes that are made without a network, by where they wait and how they are sent."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from helpers.database_url import libpq_url
from helpers.errors import ConnectionFailed
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.rounds import run_rounds
from helpers.experiments.size import Size
from helpers.prisma import Prisma, json_type, prisma_client
from helpers.prisma.datamodel import read_datamodel
from helpers.prisma.generate import SCHEMA
from helpers.profiling.results import Skipped
from helpers.sync import Converter
from helpers.sync.outbox import (
    ConflictPolicy,
    Outbox,
    PrismaWriter,
    Sender,
    Write,
    WriteType,
    drop_done_writes,
    install_done_writes,
)
from helpers.sync.writes import Answer, is_temporary
from helpers.target import Target

__all__ = ["IN_FILE", "IN_MEMORY", "OUTBOX", "compare_offline"]

QUESTION = "Writes are made offline and sent later, over a bad line: what becomes of them?"

IN_MEMORY, IN_FILE, OUTBOX = "list in memory", "list in a file", "outbox"

LOST = Metric("writes lost", "% of the writes")
DOUBLED = Metric("writes done twice", "% of the writes")
UNDONE = Metric("others' edits undone", "% of their edits")

#: New rows, and rows that both this user and others edit meanwhile.
WRITES = {Size.SMALL: 40, Size.FULL: 200}
EDITED = 5
ROUNDS = {Size.SMALL: 2, Size.FULL: 10}

#: Of so many answers one is lost, after the write was done.
LOSES_ONE_OF = 5


@dataclass(frozen=True, slots=True)
class _Scene:
    """A room of its own in the workbook's table `events`.

    Attributes:
        writes: what the user did offline: edits, then new rows, one of which (`poison`) the server will not take.
    """

    client: Prisma
    converter: Converter
    room: int
    writes: Sequence[Write]
    poison: Write

    async def outcome(self) -> Outcome:
        """What is in the database, against what should be."""
        rows = await self.client.event.find_many(where={"roomId": self.room})
        wanted = [write.values["seq"] for write in self.writes if write is not self.poison and "seq" in write.values]
        found = [row.seq for row in rows if row.seq > 0]
        undone = sum(row.seq == 0 and row.meta != {"by": "others"} for row in rows)
        lost, doubled = len(set(wanted) - set(found)), len(found) - len(set(found))
        shares = 100 * lost / len(wanted), 100 * doubled / len(wanted), 100 * undone / EDITED
        return Outcome(dict(zip((LOST.name, DOUBLED.name, UNDONE.name), shares, strict=True)))


#: Gets the writes of a scene to the database, or not.
_Way = Callable[[_Scene], Awaitable[None]]


class _BadLine:
    """Every so many answers are lost on their way back. What was asked for is done all the same."""

    def __init__(self, send: Callable[[Write], Awaitable[Answer]]) -> None:
        self._send, self._calls = send, 0

    async def send(self, write: Write) -> Answer:
        answer = await self._send(write)
        self._calls += 1
        if self._calls % LOSES_ONE_OF == 0:
            raise ConnectionFailed("waiting for an answer", "the connection was lost", "Try again")
        return answer


async def compare_offline(
    target: Target, *, size: Size = Size.SMALL, writes: int | None = None, rounds: int | None = None
) -> Experiment | Skipped:
    """Make writes offline, close the application when half of them are sent, and open it again.

    Every fifth answer is lost, one write is refused by the server, and others have edited rows that this user edits.

    Raises:
        SettingsError: no rounds. PrismaError: no client, or no connection.
    """
    if not target.writes_allowed or target.database_url is None:
        return Skipped("Offline", "it writes to the table events; set DATABASE_URL and WORKBOOK_ALLOW_WRITES=yes")
    ways: dict[str, _Way] = {
        IN_MEMORY: partial(_listed, survives=False),
        IN_FILE: partial(_listed, survives=True),
        OUTBOX: _boxed,
    }
    async with _connected(target) as (client, converter):

        async def run(way: _Way, number: int) -> Outcome:
            async with _scene(client, converter, writes or WRITES[size]) as scene:
                await way(scene)
                return await scene.outcome()

        return await run_rounds(
            "offline",
            QUESTION,
            target,
            {name: partial(run, way) for name, way in ways.items()},
            metrics=(LOST, DOUBLED, UNDONE),
            rounds=rounds or ROUNDS[size],
            size=size,
            answer=_answer,
            settings={"writes": writes or WRITES[size], "one lost answer of": LOSES_ONE_OF},
        )


@contextlib.asynccontextmanager
async def _connected(target: Target) -> AsyncIterator[tuple[Prisma, Converter]]:
    """With a table of done writes for as long as it is needed."""
    client = await prisma_client(target)
    try:
        async with _done_writes(target):
            yield client, Converter.of(read_datamodel(SCHEMA), "events", json_type(client))
    finally:
        await client.disconnect()


@contextlib.asynccontextmanager
async def _done_writes(target: Target) -> AsyncIterator[None]:
    assert target.database_url is not None
    async with await psycopg.AsyncConnection.connect(libpq_url(target.database_url), autocommit=True) as connection:
        found = await connection.execute("select to_regclass(%s)", [f"{target.schema}.done_writes"])
        had = (await found.fetchone() or (None,))[0]
        await install_done_writes(connection, schema=target.schema)
        try:
            yield
        finally:
            if had is None:
                await drop_done_writes(connection, schema=target.schema)


@contextlib.asynccontextmanager
async def _scene(client: Prisma, converter: Converter, count: int) -> AsyncIterator[_Scene]:
    """Rows are there, the user edits them offline and makes new ones; meanwhile others edit them, too."""
    room = secrets.randbelow(2**40) + 2**40
    try:
        edited = [await client.event.create(data={"roomId": room, "body": "before"}) for _ in range(EDITED)]
        edits = [_edit(row.id, room) for row in edited]
        made = [_new(room, number + 1) for number in range(count)]
        poison = replace(made[count * 3 // 4], key=edits[0].key)
        poison = replace(poison, values={**poison.values, "id": edits[0].key[0]})
        made[count * 3 // 4] = poison
        await client.event.update_many(where={"roomId": room}, data={"meta": converter.json({"by": "others"})})
        yield _Scene(client, converter, room, [*edits, *made], poison)
    finally:
        await client.event.delete_many(where={"roomId": room})


def _edit(row_id: int, room: int) -> Write:
    base = {"id": row_id, "room_id": room, "seq": 0, "body": "before", "meta": {}}
    return Write(WriteType.UPDATE, (row_id,), {"body": "mine"}, base, table="events")


def _new(room: int, seq: int) -> Write:
    key = f"temporary:{seq}"
    return Write(WriteType.INSERT, (key,), {"id": key, "room_id": room, "seq": seq, "body": "new"}, table="events")


# Ways


async def _listed(scene: _Scene, *, survives: bool) -> None:
    """One after the other, each until there is an answer, as it is written in an afternoon."""
    line = _BadLine(partial(_plainly, scene))
    half = len(scene.writes) // 2
    with contextlib.suppress(Exception):  # the first that the server refuses ends it, and so each time it is begun
        for write in scene.writes if survives else scene.writes[:half]:
            await _until_answered(line, write)


async def _until_answered(line: _BadLine, write: Write) -> None:
    while True:
        with contextlib.suppress(ConnectionFailed):
            await line.send(write)
            return


async def _plainly(scene: _Scene, write: Write) -> Answer:
    """As `prisma.event.create` and `prisma.event.update({data: row})` do it."""
    values: Mapping[str, Any] = {**(write.base or {}), **write.values}
    data = scene.converter.data({name: value for name, value in values.items() if not is_temporary(value)})
    if write.type is WriteType.INSERT:
        await scene.client.event.create(data=data)
    else:
        await scene.client.event.update(where={"id": write.key[0]}, data=data)
    return Answer(write.key)


async def _boxed(scene: _Scene) -> None:
    """In a file, of which a second life sends what the first one left."""
    line = _BadLine(PrismaWriter(scene.client, scene.converter, policy=ConflictPolicy.FIELD_MERGE).send)
    with tempfile.TemporaryDirectory(prefix="workbook-outbox-") as folder:
        for attempts in (len(scene.writes) // 2, 10 * len(scene.writes)):
            async with Outbox(Path(folder) / "outbox.db") as outbox:
                if attempts < len(scene.writes):
                    for write in scene.writes:
                        await outbox.add(write)
                await _send(outbox, line, attempts)


async def _send(outbox: Outbox, line: _BadLine, attempts: int) -> None:
    sender = Sender(outbox, {"events": line})
    for _ in range(attempts):
        with contextlib.suppress(ConnectionFailed):
            if not await sender.send_next():
                return


def _answer(experiment: Experiment) -> str:
    told = []
    for arm in experiment.arms:
        lost, doubled, undone = (experiment.estimate(arm, one.name).mean for one in (LOST, DOUBLED, UNDONE))
        told.append(f"“{arm}” lost {lost:.0f} %, did {doubled:.0f} % twice and undid {undone:.0f} % of others' edits")
    return "; ".join(told) + "."
