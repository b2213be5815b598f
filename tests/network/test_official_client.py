"""The vendor's own JavaScript client in a network at fault."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from helpers.client import RealtimeClient
from helpers.lab.network import PROXY_PASSWORD, Ending, network, tls_front
from helpers.node import node_environment, node_executable, npm_parts
from helpers.target import Target

SCRIPT = Path(__file__).with_name("watcher.mjs")
LIMIT_S = 60.0


@contextlib.asynccontextmanager
async def watcher(
    target: Target, topic: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.StreamReader]:
    """The client in a process of its own; yields what it says, line by line."""
    parts = await asyncio.to_thread(npm_parts)
    process = await asyncio.create_subprocess_exec(
        *(str(node_executable()), str(SCRIPT), str(parts), target.api_url, target.publishable_key, topic),
        env={**node_environment(), **(environment or {})}, stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(LIMIT_S):
            yield process.stdout
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def line(said: asyncio.StreamReader) -> str:
    return (await said.readline()).decode().strip()


async def heard(said: asyncio.StreamReader, wanted: str) -> list[str]:
    """All lines up to the wanted one."""
    lines = [await line(said)]
    while lines[-1] != wanted:
        assert lines[-1], f"the client ended after {lines}"
        lines.append(await line(said))
    return lines


async def say(target: Target, topic: str, event: str) -> None:
    async with RealtimeClient(target) as client:
        channel = client.channel(topic)
        await channel.subscribe()
        await channel.broadcast(event, {})


async def test_it_comes_back_after_a_reset(target: Target) -> None:
    """The channel is in error, then subscribed again, and delivers."""
    topic = f"network:{secrets.token_hex(4)}"
    async with network(target) as via, watcher(via.target, topic) as said:
        assert await line(said) == "SUBSCRIBED"
        via.cut(Ending.RESET)
        assert await heard(said, "SUBSCRIBED") == ["CHANNEL_ERROR", "SUBSCRIBED"]
        await say(target, topic, "again")
        assert await line(said) == "heard again"
        assert via.counters.connections >= 2


async def test_a_proxy_in_between_is_a_channel_error_and_no_more(target: Target) -> None:
    """Status and body of the refusal are hidden from the application: this is what a diagnosis is for."""
    async with network(target, PROXY_PASSWORD) as via, watcher(via.target, "room") as said:
        assert await line(said) == "CHANNEL_ERROR"
        assert via.counters.answered >= 1


async def test_node_trusts_a_front_by_environment(target: Target) -> None:
    """With the front's NODE_EXTRA_CA_CERTS it subscribes over TLS, and without it it is in error."""
    topic = f"network:{secrets.token_hex(4)}"
    async with tls_front(target) as front:
        async with watcher(front.target, topic, front.environment) as said:
            assert await line(said) == "SUBSCRIBED"
        async with watcher(front.target, topic) as said:
            assert await line(said) == "CHANNEL_ERROR"
