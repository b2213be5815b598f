"""What scenarios of connections use: an operator's hand, less patience, a network, a client that is told things."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import aiohttp

from helpers.diagnosis.evidence import Evidence, Heard, Place
from helpers.diagnosis.probes.connection import WayIn
from helpers.diagnosis.probes.dialogue import Dialogue, is_reply, unasked
from helpers.diagnosis.probes.run import POLL_IDLE_S, reason_of
from helpers.diagnosis.probes.stopwatch import WORLD, StepFailed, Stopwatch
from helpers.diagnosis.results import Check
from helpers.lab.network import PERFECT, Conditions, network
from helpers.target import Target
from helpers.wire.join import TOPIC_PREFIX
from tests.diagnosis.scenarios.ward import Ward

__all__ = [
    "Talker",
    "as_advised",
    "careless",
    "curl",
    "hasty",
    "healed",
    "hears",
    "look_at_token",
    "look_at_way_in",
    "operated",
    "talker",
    "through",
    "with_token",
]  # fmt: skip

#: Within this an answer comes that comes at all; a change waits for the poll besides.
A_MOMENT_S = 0.5

Broken = Callable[[Ward], Awaitable[None]]
Mend = Callable[[Ward, Check], Awaitable[None]]


async def look_at_way_in(ward: Ward) -> Evidence:
    """The whole way, from the name to a broadcast."""
    return await ward.look(way_in=True)


async def look_at_token(ward: Ward) -> Evidence:
    """The user's token, and what Realtime answers to it."""
    return await ward.look(token=True)


def hasty(ward: Ward, module: ModuleType, *names: str) -> None:
    """Let the probes of a module wait for a moment where they wait for seconds, until the scenario is over."""
    for name in names:
        ward.cleanup.callback(setattr, module, name, getattr(module, name))
        setattr(module, name, A_MOMENT_S + (POLL_IDLE_S if name == "CHANGE_LIMIT_S" else 0))


def through(conditions: Conditions, *impatient: tuple[ModuleType, str]) -> Broken:
    """Put a network with these conditions between client and lab."""

    async def breaks(ward: Ward) -> None:
        for module, name in impatient:
            hasty(ward, module, name)
        via = await ward.cleanup.enter_async_context(network(ward.target, conditions))
        ward.target = via.target
        ward.tools["network"] = via

    return breaks


async def healed(ward: Ward, check: Check) -> None:
    """The network does no more what the check says it does."""
    ward.tools["network"].set(PERFECT)


async def operate(ward: Ward, tenant: dict[str, Any]) -> None:
    """Set columns of the project, as an operator does over HTTP."""
    url = f"{ward.lab.target.api_url}/realtime/v1/api/tenants/realtime"
    headers = {"Authorization": f"Bearer {ward.lab.info['service_role_key']}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.put(url, json={"tenant": tenant}) as answer,
    ):
        assert answer.status == 200, await answer.text()


def operated(tenant: dict[str, Any], before: dict[str, Any]) -> Broken:
    """Set columns of the project, and set them back when the scenario is over."""

    async def breaks(ward: Ward) -> None:
        ward.careless = True
        ward.cleanup.push_async_callback(operate, ward, before)
        await operate(ward, tenant)

    return breaks


async def curl(ward: Ward, check: Check) -> None:
    """The request that the fix prints."""
    command = check.fix.splitlines()[-1]
    assert command.startswith(f"curl -X PUT {ward.lab.target.api_url}/realtime/v1/api/tenants/")
    await operate(ward, json.loads(command.rpartition("-d '")[2].removesuffix("'"))["tenant"])


async def careless(ward: Ward) -> None:
    """The application does what it should not."""
    ward.careless = True


def as_advised(words: str) -> Mend:
    """The application does what the fix says, in these words of it."""

    async def mends(ward: Ward, check: Check) -> None:
        assert re.search(words, check.fix), check.fix
        ward.careless = False

    return mends


@dataclass
class Talker:
    """A client that writes down what it is told."""

    target: Target
    dialogue: Dialogue
    heard: list[Heard] = field(default_factory=list)
    joined: dict[str, str] = field(default_factory=dict)

    async def join(self, config: dict[str, Any], token: str | None = None, topic: str | None = None) -> str:
        """Join; returns the topic. A reason to refuse it is heard."""
        name = TOPIC_PREFIX + (f"scenario:{secrets.token_hex(4)}" if topic is None else topic)
        payload = {"config": config} | ({"access_token": token} if token else {})
        ref = await self.dialogue.send(name, "phx_join", payload)
        self.joined[name] = ref
        reply = await self.dialogue.frame(is_reply(ref))
        if reply.payload["status"] != "ok":
            self.heard.append(Heard(Place.JOIN, reason_of(reply)))
        return name

    async def ask(self, topic: str, event: str, payload: dict[str, Any]) -> None:
        """Send, and wait for the reply or for what closes the channel."""
        ref = await self.dialogue.send(topic, event, payload, self.joined.get(topic))
        closing = ("phx_close", "phx_error")
        frame = await self.dialogue.frame(
            lambda frame: is_reply(ref)(frame) or (frame.topic == topic and frame.event in closing)
        )
        if frame.event == "phx_error":
            self.heard.append(Heard(Place.SYSTEM, str(frame.payload.get("reason"))))
        if frame.event == "phx_reply" and frame.payload["status"] != "ok":
            self.heard.append(Heard(Place.SYSTEM, reason_of(frame)))

    @property
    def is_told(self) -> bool:
        """Whether the server has said anything that is no matter of course."""
        return bool(self.heard or self.dialogue.overheard)

    async def catch_up(self) -> None:
        """Listen to all that the server says in answer to what it was sent so far."""
        ref = await self.dialogue.send("phoenix", "heartbeat", {})
        await self.dialogue.frame(is_reply(ref))

    async def wait(self, seconds: float) -> None:
        """Listen for so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.dialogue.until(lambda message: False)

    async def until_system(self, topic: str) -> None:
        """Wait for what the server says of the channel."""
        frame = await self.dialogue.frame(lambda frame: frame.topic == topic and frame.event == "system")
        if unasked(frame):
            self.heard.append(Heard(Place.SYSTEM, unasked(frame)))


@asynccontextmanager
async def talker(target: Target) -> AsyncIterator[Talker]:
    """A connected client; what the server said of channels unasked is heard as well when it leaves."""
    way = WayIn(target)
    await way.open(Stopwatch("DNS", "TCP", "TLS", "HTTP upgrade"))
    assert way.websocket is not None, way.body
    client = Talker(target, Dialogue(way.websocket))
    try:
        yield client
    finally:
        client.heard += [Heard(Place.SYSTEM, sentence) for sentence in client.dialogue.overheard]
        await way.close()


def hears(behaviour: Callable[[Ward, Talker], Awaitable[None]]) -> Callable[[Ward], Awaitable[Evidence]]:
    """Look at what a client is told that behaves so."""

    async def looks(ward: Ward) -> Evidence:
        async with talker(ward.target) as client:
            try:
                await behaviour(ward, client)
            except (*WORLD, StepFailed) as error:
                assert client.is_told, error
        return await ward.look(heard=client.heard)

    return looks


def with_token(make: Callable[[Ward], str]) -> Broken:
    """The user's token is this one."""

    async def breaks(ward: Ward) -> None:
        ward.target = replace(ward.target, user_token=make(ward))

    return breaks
