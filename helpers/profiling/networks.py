"""What networks do to Realtime: connecting, round trips, deliveries, and how long a dead link goes unnoticed."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from helpers.client import RealtimeClient
from helpers.lab.network import (
    FOUR_G,
    HOME_WIFI,
    HOTEL,
    OFFICE,
    PERFECT,
    SATELLITE,
    THREE_G_TRAIN,
    Conditions,
    Ending,
    network,
)
from helpers.profiling.network_results import LinkLoss, LinkLossProfile, NetworkProfile, NetworkStep
from helpers.profiling.statistics import summarize
from helpers.results import utc_now
from helpers.target import Target
from helpers.wire.events import Broadcast, Event
from helpers.wire.join import JoinConfig

__all__ = ["NETWORKS", "profile_link_loss", "profile_networks"]

Part = TypeVar("Part")

#: From the best to the worst.
NETWORKS = (PERFECT, OFFICE, HOME_WIFI, FOUR_G, HOTEL, THREE_G_TRAIN, SATELLITE)
#: Slow enough for the free plan's 100 messages a second, with a receiver in each network.
_SENT_EVERY_S = 0.1
_LIMIT_S = 30.0
#: A half-open link looks the same from both ends; here the server is the one that is gone.
_ENDINGS = (Ending.RESET, Ending.CLOSE, Ending.SERVER_GONE)


@dataclass(slots=True)
class _Receiver:
    """One network and who sits in it."""

    conditions: Conditions
    client: RealtimeClient
    connect_ms: list[float]
    round_trips_ms: list[float]
    stalls: Callable[[], int]
    delivery_ms: list[float] = field(default_factory=list)


async def profile_networks(
    target: Target,
    networks: Sequence[Conditions] = NETWORKS,
    *,
    connections: int = 3,
    heartbeats: int = 5,
    messages: int = 20,
    seed: int = 0,
) -> NetworkProfile:
    """Connect through each network, and let all of them receive the same broadcasts. Nothing is written.

    The networks are measured at the same time: they wait, they do not compute. The sender has no network before it,
    so that a delivery is the server's time and one way.

    Raises:
        ConnectionFailed, JoinFailed: the target refused, or a network was too bad.
    """
    topic = f"workbook:{secrets.token_hex(4)}"
    async with contextlib.AsyncExitStack() as stack, RealtimeClient(target) as sender:
        receivers = await _together(
            [_enter(stack, target, conditions, connections, heartbeats, seed) for conditions in networks]
        )
        await _deliver(sender, receivers, topic, messages)
        steps = tuple(_as_step(receiver, messages) for receiver in receivers)
    return NetworkProfile(target=str(target), taken_at=utc_now(), steps=steps)


async def _enter(
    stack: contextlib.AsyncExitStack,
    target: Target,
    conditions: Conditions,
    connections: int,
    heartbeats: int,
    seed: int,
) -> _Receiver:
    """Connect some times; the last connection stays."""
    via = await stack.enter_async_context(network(target, conditions, seed=seed))
    connect_ms = []
    for _ in range(connections - 1):
        async with RealtimeClient(via.target, timeout_s=_LIMIT_S) as client:
            connect_ms.append(client.connect_ms)
    client = await stack.enter_async_context(RealtimeClient(via.target, timeout_s=_LIMIT_S))
    round_trips = [await client.heartbeat() for _ in range(heartbeats)]
    return _Receiver(conditions, client, [*connect_ms, client.connect_ms], round_trips, lambda: via.counters.stalls)


async def _deliver(sender: RealtimeClient, receivers: Sequence[_Receiver], topic: str, messages: int) -> None:
    """Broadcast, and wait until everybody has heard everything."""
    sent_at: list[float] = []
    for receiver in receivers:
        channel = receiver.client.channel(topic, JoinConfig())
        channel.on_event(_noting(receiver, sent_at))
        await channel.subscribe(timeout=_LIMIT_S)
    sending = sender.channel(topic, JoinConfig())
    await sending.subscribe(timeout=_LIMIT_S)
    for number in range(messages):
        sent_at.append(time.monotonic())
        await sending.broadcast("tick", {"n": number})
        await asyncio.sleep(_SENT_EVERY_S)
    with contextlib.suppress(TimeoutError):  # what has not come by then is counted as lost
        async with asyncio.timeout(_LIMIT_S):
            while any(len(receiver.delivery_ms) < messages for receiver in receivers):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


def _noting(receiver: _Receiver, sent_at: Sequence[float]) -> Callable[[Event], None]:
    def on_event(event: Event) -> None:
        if isinstance(event, Broadcast):
            receiver.delivery_ms.append((event.received_at - sent_at[event.payload["n"]]) * 1e3)

    return on_event


def _as_step(receiver: _Receiver, messages: int) -> NetworkStep:
    delivered = receiver.delivery_ms
    return NetworkStep(
        network=receiver.conditions.name,
        set_rtt_ms=receiver.conditions.rtt_ms,
        connect_ms=summarize(receiver.connect_ms),
        round_trip_ms=summarize(receiver.round_trips_ms),
        delivery_ms=summarize(delivered) if delivered else None,
        lost=messages - len(delivered),
        stalls=receiver.stalls(),
    )


async def profile_link_loss(
    target: Target, *, heartbeat_s: float = 1.0, timeout_s: float = 1.0, repeats: int = 5
) -> LinkLossProfile:
    """Take connections away, each in another moment between two heartbeats, and wait until the client knows.

    All links are there at the same time: they wait, they do not compute.

    Args:
        heartbeat_s, timeout_s: of the client. The vendor's clients send every 25 s.
        repeats: for each way in which a link can end.
    """
    moments = [heartbeat_s * (number + 0.5) / repeats for number in range(repeats)]
    noticed_s = await _together(
        [_lose(target, ending, at, heartbeat_s, timeout_s) for ending in _ENDINGS for at in moments]
    )
    losses = [
        LinkLoss(ending=ending.value, noticed_s=tuple(noticed_s[number * repeats : (number + 1) * repeats]))
        for number, ending in enumerate(_ENDINGS)
    ]
    return LinkLossProfile(str(target), utc_now(), heartbeat_s, timeout_s, tuple(losses))


async def _lose(target: Target, ending: Ending, at_s: float, heartbeat_s: float, timeout_s: float) -> float:
    """Seconds from the end of the link to the moment in which the client knows."""
    async with (
        network(target) as via,
        RealtimeClient(via.target, heartbeat_s=heartbeat_s, timeout_s=timeout_s, connect_timeout_s=_LIMIT_S) as client,
    ):
        await asyncio.sleep(at_s)
        lost_at = time.monotonic()
        via.cut(ending)
        async with asyncio.timeout(heartbeat_s + timeout_s + _LIMIT_S):
            await client.wait_closed()
        return time.monotonic() - lost_at


async def _together(parts: Sequence[Coroutine[Any, Any, Part]]) -> list[Part]:
    """All at once; when one fails the others are ended before its error is raised."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
