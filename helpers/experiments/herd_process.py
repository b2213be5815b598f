"""A part of a herd of clients: `python -m helpers.experiments.herd_process`, driven by lines of JSON.

First line in: `Flock`. Then for each `Ask` a `Lives`. It ends when its stdin does.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from enum import StrEnum

import msgspec

from helpers.client import RealtimeClient
from helpers.errors import ConnectionFailed, JoinFailed
from helpers.resilience import BackoffSettings, Broadcasts, ResilienceSettings, ResilientClient, State, Transition
from helpers.target import Target
from helpers.wire.join import JoinConfig

__all__ = ["DELAYS_S", "Ask", "Flock", "Lives", "Way"]


class Way(StrEnum):
    """How a client comes back."""

    SPREAD = "spread, as ResilientClient"
    LADDER = "ladder, as supabase-js"
    DOUBLING = "doubling, as supabase-py"
    AT_ONCE = "every half second"


#: The delays of those that leave nothing to chance. The ladder is realtime-js's (`realtime-js`, `RECONNECT_INTERVALS`):
#: it begins anew when a socket opens. Who comes back as supabase-py is supabase-py itself.
DELAYS_S = {Way.LADDER: (1.0, 2.0, 5.0, 10.0), Way.AT_ONCE: (0.5,)}

#: Between the starts of two clients: only their return is to be a herd.
_APART_S = 0.005

_TOPIC = "herd"


class Flock(msgspec.Struct, frozen=True):
    """Clients to be. Secrets come by stdin, because arguments of a process can be read by everybody."""

    target: Target
    way: Way
    clients: int
    spread_s: float


class Ask(msgspec.Struct, frozen=True):
    """Who is live?"""


class Lives(msgspec.Struct, frozen=True):
    """Since when each client is live, in the monotonic seconds of the machine; 0 for those that are not."""

    since: tuple[float, ...] = ()


class Life:
    """Of one client."""

    def __init__(self) -> None:
        self.since = 0.0

    def note(self, is_live: bool) -> None:
        self.since = time.monotonic() if is_live else 0.0

    def step(self, step: Transition) -> None:
        self.note(step.after is State.LIVE)


async def survive(flock: Flock, life: Life) -> None:
    """A client of ours with one channel."""
    settings = ResilienceSettings(backoff=BackoffSettings(spread_s=flock.spread_s))
    async with ResilientClient(flock.target, settings=settings) as client:
        subscription = client.subscribe(Broadcasts(private=False), name=_TOPIC)
        subscription.life.on_transition(life.step)
        async for _ in subscription:
            pass


async def try_again(flock: Flock, life: Life) -> None:
    """A client with one channel that comes back after fixed delays."""
    delays, tries = DELAYS_S[flock.way], 0
    while True:
        try:
            async with RealtimeClient(flock.target) as client:
                tries = 0
                await client.channel(_TOPIC, JoinConfig()).subscribe()
                life.note(True)
                await client.wait_closed()
        except (ConnectionFailed, JoinFailed):
            pass
        life.note(False)
        await asyncio.sleep(delays[min(tries, len(delays) - 1)])
        tries += 1


async def supabase_py(flock: Flock, life: Life) -> None:
    """The vendor's own client with one channel: it tries at once, after 1, 2, 4 and 8 s, and then never again."""
    from realtime import AsyncRealtimeClient, RealtimeSubscribeStates  # slow to import

    client = AsyncRealtimeClient(f"{flock.target.api_url}/realtime/v1", flock.target.publishable_key)
    await client.connect()
    channel = client.channel(_TOPIC)
    await channel.subscribe(lambda state, _: life.note(state is RealtimeSubscribeStates.SUBSCRIBED))
    await asyncio.Event().wait()  # its own tasks do the rest


def live_of(way: Way) -> Callable[[Flock, Life], Coroutine[None, None, None]]:
    """How a client of that way lives."""
    return {Way.SPREAD: survive, Way.DOUBLING: supabase_py}.get(way, try_again)


async def serve(lines: queue.Queue[bytes]) -> None:
    """Run all clients, and answer questions, until the process ends."""
    flock = msgspec.json.decode(lines.get(), type=Flock)
    live, lives = live_of(flock.way), [Life() for _ in range(flock.clients)]
    async with asyncio.TaskGroup() as group:
        answering = group.create_task(_answer(lines, lives))
        for life in lives:
            group.create_task(live(flock, life))
            await asyncio.sleep(_APART_S)
        await answering


async def _answer(lines: queue.Queue[bytes], lives: list[Life]) -> None:
    while True:
        _say(Lives(tuple(life.since for life in lives)))
        await asyncio.to_thread(lines.get)


def _say(message: Lives) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


def _listen(lines: queue.Queue[bytes]) -> None:
    """Pass lines on, and end the process when whoever gave them is gone."""
    for line in sys.stdin.buffer:
        lines.put(line)
    os._exit(0)


def main() -> None:
    for name in (
        "realtime",
        "websockets",
        "asyncio",
    ):  # what a client says when it cannot come back is counted, not read
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    asyncio.run(serve(lines))


if __name__ == "__main__":
    main()
