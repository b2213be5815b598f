"""Steps of which the recordings have only a note: what was done then."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from helpers.lab.conformance.replay import Replay

__all__ = ["BURST_RATE_PER_S", "BURST_S", "cue_for"]

BURST_RATE_PER_S = 237.0
BURST_S = 40.1
_FIRST_REF = 1000

Cue = Callable[["Replay"], Awaitable[None]]


def cue_for(note: str) -> Cue | None:
    """What to do at this note, if it is one of those."""
    return next((cue for beginning, cue in _CUES.items() if note.startswith(beginning)), None)


async def _ping(replay: Replay) -> None:
    await replay.connection("c1").ping()


async def _drop(replay: Replay) -> None:
    await replay.connection("d").abort()


async def _terminate(replay: Replay) -> None:
    await replay.server.terminate()


async def _start_again(replay: Replay) -> None:
    await replay.server.start_again()


async def _send_many(replay: Replay) -> None:
    """Broadcast at a steady rate for as long as in the recording; each message has its number in it."""
    sender, version = replay.connection("a"), replay.recording.version
    began, number = time.monotonic(), 0
    while (elapsed := time.monotonic() - began) < BURST_S:
        while number < elapsed * BURST_RATE_PER_S:
            await sender.send({"op": "text", "data": _broadcast(version, number)}, replay.mint)
            number += 1
        await asyncio.sleep(0.004)


def _broadcast(version: str, number: int) -> str:
    payload: dict[str, Any] = {"type": "broadcast", "event": "x", "payload": {"i": number}}
    topic, ref = "realtime:room1", str(_FIRST_REF + number)
    if version == "v2":
        return json.dumps(["1", ref, topic, "broadcast", payload])
    return json.dumps({"topic": topic, "event": "broadcast", "payload": payload, "ref": ref, "join_ref": "1"})


_CUES: dict[str, Cue] = {
    "websocket-level ping": _ping,
    "d transport aborted": _drop,
    "SIGTERM to realtime pid": _terminate,
    "server started again": _start_again,
    "sending 250/s": _send_many,
}
