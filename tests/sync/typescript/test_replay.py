"""Broadcasts that were sent while nobody listened, on Node."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import psycopg

from helpers.lab import Lab
from helpers.lab.network import BLACK_HOLE, PERFECT, Ending, network
from tests.sync.typescript.project import Program, Project, running


@contextlib.asynccontextmanager
async def sender(lab: Lab) -> AsyncIterator[psycopg.AsyncConnection]:
    """Whoever is signed in may read every private channel meanwhile."""
    policy = f'"read {secrets.token_hex(4)}"'
    async with await psycopg.AsyncConnection.connect(lab.info["database_url"], autocommit=True) as connection:
        made = f"create policy {policy} on realtime.messages for select to authenticated using (true)"
        await connection.execute(made.encode())
        try:
            yield connection
        finally:
            await connection.execute(f"drop policy {policy} on realtime.messages".encode())


async def send(connection: psycopg.AsyncConnection, topic: str, *numbers: int) -> None:
    for number in numbers:
        message = json.dumps({"number": number})
        await connection.execute("select realtime.send(%s::jsonb, 'news', %s, true)", [message, topic])


async def numbers(program: Program, count: int) -> list[tuple[int, bool]]:
    """Of the next messages, with whether they were replayed."""
    told: list[Any] = [await program.hear("message") for _ in range(count)]
    return [(message["payload"]["number"], message["replayed"]) for message in told]


async def until_joined(program: Program) -> None:
    while await program.hear("state") != "joined":
        pass


async def test_broadcasts_that_were_missed_are_replayed_once(lab: Lab, project: Project) -> None:
    """Those that came before the loss are known, although the server replays them, too; and what follows is live."""
    topic = f"news:{secrets.token_hex(4)}"
    async with (
        sender(lab) as database,
        network(lab.target) as via,
        running(project, "replay", lab, via.target.api_url, topic=topic, token=lab.token()) as program,
    ):
        await until_joined(program)
        await send(database, topic, 1, 2)
        assert sorted(await numbers(program, 2)) == [(1, False), (2, False)]
        via.set(BLACK_HOLE)
        via.cut(Ending.RESET)
        await send(database, topic, 3, 4)
        via.set(PERFECT)
        assert sorted(await numbers(program, 2)) == [(3, True), (4, True)]
        await send(database, topic, 5)
        assert await numbers(program, 1) == [(5, False)]
        program.say("how many")
        assert await program.hear("incompletes") == 0


async def test_more_than_are_replayed_is_told(lab: Lab, project: Project) -> None:
    """Of 30 that were missed the server tells 25."""
    topic = f"news:{secrets.token_hex(4)}"
    async with (
        sender(lab) as database,
        network(lab.target) as via,
        running(project, "replay", lab, via.target.api_url, topic=topic, token=lab.token()) as program,
    ):
        await until_joined(program)
        via.set(BLACK_HOLE)
        via.cut(Ending.RESET)
        await send(database, topic, *range(30))
        via.set(PERFECT)
        assert await program.hear("incomplete")
        program.say("how many")
        assert await program.hear("incompletes") == 1


async def test_a_stranger_is_refused_for_good(lab: Lab, project: Project) -> None:
    """Without a policy that lets it read, it says so and does not ask for ever."""
    topic = f"news:{secrets.token_hex(4)}"
    async with running(project, "replay", lab, topic=topic, token=lab.token(), heartbeatMs=20_000) as program:
        assert "do not have permissions" in await program.hear("state")
