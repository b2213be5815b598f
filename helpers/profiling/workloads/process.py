"""The process that writes the load: `python -m helpers.profiling.workloads.process`, driven by lines of JSON on stdin.

It is a process of its own so that writing takes nothing from the receiver that is being measured. Both sides read the
machine's one monotonic clock; messages carry their number and no time.

For each `Prepare` in, one `Prepared` out; for each `Start` in, one `Written` out.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import sys
import threading
import time

import msgspec
import numpy as np
import psycopg

from helpers.errors import WorkbookError
from helpers.profiling.harness import LoopWatch
from helpers.profiling.histogram import Floats
from helpers.profiling.workloads.orders import Order, Prepare, Prepared, Written
from helpers.profiling.workloads.senders import Sender, sender_of

__all__ = ["write"]

#: A sender that is late sends so many messages before it looks at answers.
_BREATH = 32


async def write(sender: Sender, at: float) -> Written:
    """Send every message when it is due, and say what became of them."""
    due = at + sender.workload.due_s()
    async with LoopWatch() as watch:
        late_s = await _send_all(sender, due)
        await sender.finish()
    sent = late_s.size
    seconds = max(sender.workload.seconds, float((due[:sent] + late_s).max(initial=at)) - at)
    late_ms = 1e3 * late_s if sent else np.zeros(1)
    return Written(
        accepted=int(sender.accepted.sum()),
        missing=tuple(np.flatnonzero(~sender.accepted).tolist()),
        errors=dict(sender.errors),
        late_p99_ms=float(np.percentile(late_ms, 99)),
        late_max_ms=float(late_ms.max()),
        never_waits=sender.never_waits,
        harness=watch.harness(sender.workload.mean_per_s, sent / seconds, float(late_ms.max())),
        answered=sender.answered(due).counts(),
    )


async def _send_all(sender: Sender, due: Floats) -> Floats:
    """How late each message was sent, in seconds; shorter than `due` if the sender gave up."""
    late: list[float] = []
    for index, moment in enumerate(due.tolist()):
        while (wait := moment - time.monotonic()) > 0:  # noqa: ASYNC110 - a moment is what it waits for
            await asyncio.sleep(wait)
        if sender.is_over:
            break
        late.append(-wait)
        await sender.send(index)
        if index % _BREATH == 0:
            await asyncio.sleep(0)
    return np.array(late)


class _Desk:
    """Carries out orders, one after another."""

    def __init__(self) -> None:
        self._sender: Sender | None = None

    async def carry_out(self, order: Order) -> Prepared | Written:
        if isinstance(order, Prepare):
            return await self._prepare(order)
        if self._sender is None:
            raise ValueError("nothing was prepared")
        return await write(self._sender, order.at)

    async def _prepare(self, order: Prepare) -> Prepared:
        sender, self._sender = self._sender, None
        if sender is not None:
            await sender.close()
        sender = sender_of(order)
        try:
            prepared = await sender.open()
        except WorkbookError as error:
            return Prepared(error=error.happened)
        except psycopg.Error as error:
            return Prepared(error=str(error).strip().splitlines()[0])
        self._sender = sender
        return prepared


async def _serve() -> None:
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    threading.Thread(target=_listen, args=(loop, lines), daemon=True).start()
    desk = _Desk()
    while True:
        answer = await desk.carry_out(msgspec.json.decode(await lines.get(), type=Order))
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


def _listen(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes]) -> None:
    """Pass on orders, and end the process when whoever gave them is gone."""
    for line in sys.stdin.buffer:
        loop.call_soon_threadsafe(lines.put_nowait, line)
    os._exit(0)


def main() -> None:
    # select() waits to the microsecond, where epoll and its kind count in milliseconds; the few sockets here suit it.
    loop_of = asyncio.SelectorEventLoop
    with asyncio.Runner(loop_factory=lambda: loop_of(selectors.SelectSelector())) as runner:
        runner.run(_serve())


if __name__ == "__main__":
    main()
