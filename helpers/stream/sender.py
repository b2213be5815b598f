"""The process that sends: `python -m helpers.stream.sender`, driven by lines of JSON on its stdin.

For each stream a `Prepare` comes in and a `Prepared` goes out, then a `Go` comes in and a `Sent` goes out. It is a
process of its own so that sending takes nothing from the receiver that is being measured; it ends when its stdin does.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
from collections.abc import Sequence

import msgspec

from helpers.client import Channel, RealtimeClient
from helpers.errors import FailureError, WorkbookError
from helpers.pacing import BoundedQueue
from helpers.stream.forms import Item, bodies, together
from helpers.stream.order import EVENT, Go, Prepare, Prepared, Sent, Stream
from helpers.stream.paces import Pace, queue_for, turns
from helpers.wire.join import JoinConfig

__all__: list[str] = []

#: Timers are right to about a millisecond: for less than this the loop only lets others run, and looks again.
TICK_S = 0.0005


async def send(channel: Channel, stream: Stream, start: float) -> Sent:
    """Send every message when it is due; what is late is sent at once, and counts from when it was due."""
    if stream.pace is not None:
        return await _send_paced(channel, stream, stream.pace, start)
    form, sent_in_turn = stream.form, bodies(stream.form.content, stream.body_bytes)
    at: list[float] = []
    error, cpu = "", time.thread_time()
    try:
        for seq, due_s in enumerate(stream.due_s):
            due = round(start + due_s, 6)  # so that its text is as long in every message
            await _until(due)
            body = sent_in_turn[seq % len(sent_in_turn)]
            payload = form.payload(Item(seq, due, seq % stream.keys, body))
            at.append(time.monotonic() - start)
            await channel.broadcast(EVENT, payload, encoding=form.encoding)
    except FailureError as failure:
        error = failure.happened
        at.pop()
    return _as_sent(stream.due_s, at, time.thread_time() - cpu, error)


async def _send_paced(channel: Channel, stream: Stream, pace: Pace, start: float) -> Sent:
    """Send what is due as the pace gathers it."""
    queue = queue_for(pace)
    making = asyncio.create_task(_make(stream, queue, start))
    at: list[float] = []
    error, cpu = "", time.thread_time()
    try:
        async for items in turns(pace, queue):
            at.append(time.monotonic() - start)
            await channel.broadcast(EVENT, together(items))
    except FailureError as failure:
        error = failure.happened
        at.pop()
    making.cancel()
    await asyncio.gather(making, return_exceptions=True)
    return _as_sent(at, at, time.thread_time() - cpu, error)


async def _make(stream: Stream, queue: BoundedQueue[Item], start: float) -> None:
    """What an application does that knows nothing of paces: it has something to say, and says it."""
    sent_in_turn = bodies(stream.form.content, stream.body_bytes)
    for seq, due_s in enumerate(stream.due_s):
        due = round(start + due_s, 6)
        await _until(due)
        queue.offer(Item(seq, due, seq % stream.keys, sent_in_turn[seq % len(sent_in_turn)]))
    queue.close()


async def _until(due: float) -> None:
    """Never early: a message that comes before it is due has no latency."""
    while (wait := due - time.monotonic()) > 0:  # noqa: ASYNC110 - it is the clock that is waited for
        await asyncio.sleep(wait if wait > TICK_S else 0)


def _as_sent(schedule: Sequence[float], at: list[float], cpu_s: float, error: str) -> Sent:
    late_ms = sorted(1e3 * (sent - due_s) for sent, due_s in zip(at, schedule, strict=False)) or [0.0]
    return Sent(
        messages=len(at),
        seconds=at[-1] if at else 0.0,
        cpu_s=cpu_s,
        late_p99_ms=late_ms[int(0.99 * (len(late_ms) - 1))],
        late_max_ms=late_ms[-1],
        at_s=tuple(at),
        error=error,
    )


async def _serve(lines: asyncio.Queue[bytes]) -> None:
    while True:
        order = msgspec.json.decode(await lines.get(), type=Prepare)
        try:
            async with RealtimeClient(order.target, version=order.stream.form.version) as client:
                channel = client.channel(order.stream.topic, JoinConfig())
                await channel.subscribe()
                bodies(order.stream.form.content, order.stream.body_bytes)  # takes its time, and is kept
                gc.collect()
                _say(Prepared())
                go = msgspec.json.decode(await lines.get(), type=Go)
                _say(await send(channel, order.stream, go.start))
        except WorkbookError as error:
            _say(Prepared(error.happened))


def _say(message: msgspec.Struct) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


def _hear(lines: asyncio.Queue[bytes], loop: asyncio.AbstractEventLoop) -> None:
    """Pass on what is said, and end the process when whoever said it is gone."""
    for line in sys.stdin.buffer:
        loop.call_soon_threadsafe(lines.put_nowait, line)
    os._exit(0)


async def main() -> None:
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    threading.Thread(target=_hear, args=(lines, asyncio.get_running_loop()), daemon=True).start()
    await _serve(lines)


if __name__ == "__main__":
    asyncio.run(main())
