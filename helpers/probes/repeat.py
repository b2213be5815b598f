"""The process whose memory is looked at, for the Python clients: `python -m helpers.probes.repeat`.

It reads an `Order` as a line of JSON, answers with a `Growth`, and ends; it also ends when its stdin does. Allocations
are traced, after a collection of garbage: that is what live Python objects hold, to the byte.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import tracemalloc
from array import array

import msgspec

from helpers.probes.habits import Growth, Habit, Order
from helpers.probes.subjects import Subject, fill_caches, open_subject

__all__: list[str] = []

#: More than the loop keeps, and more than half of all, however many are running.
CANCELLED_TIMERS = 1_000


class Probe:
    """Repeats a habit, and writes down what is held."""

    def __init__(self, order: Order, subject: Subject) -> None:
        self._order = order
        self._subject = subject
        self._done = self._refused = 0
        self._refusal = ""
        self._injected: tuple[bytes, object] | None = None

    async def run(self) -> Growth:
        """All blocks. What is seen goes into arrays of their full length, so that the books do not grow themselves."""
        order, count = self._order, self._order.blocks + 1
        cycles, held, settled, channels = (array("q", bytes(8 * count)) for _ in range(4))
        await self._block(Habit.REMOVE, order.warm_up)
        for block in range(count):
            if block:
                await self._block(order.habit, order.cycles)
            held[block] = await _held_bytes()
            await asyncio.sleep(order.settle_s)
            settled[block] = await _held_bytes()
            cycles[block], channels[block] = self._done, self._subject.channels
        return Growth(
            tuple(cycles), tuple(held), tuple(settled), tuple(channels), self._refused, self._refusal
        )  # fmt: skip

    async def _block(self, habit: Habit, cycles: int) -> None:
        for _ in range(cycles):
            try:
                await self._subject.cycle(habit, self._done)
            except Exception as error:  # any client's own kind
                self._refused += 1
                self._refusal = str(error).splitlines()[0][:200]
            if self._order.leak_bytes:
                self._injected = _holding(self._order.leak_bytes, self._injected)
            self._done += 1
            await asyncio.sleep(self._order.pause_s)


def _holding(size: int, before: tuple[bytes, object] | None) -> tuple[bytes, object]:
    """A chain of objects of `size` bytes, headers included."""
    empty = sys.getsizeof(b"") + sys.getsizeof((None, None))
    return (bytes(max(0, size - empty)), before)


async def _held_bytes() -> int:
    """What live objects hold. An event loop keeps timers that were cancelled until there are more than 100 of them
    (`asyncio/base_events.py`), so we add some: what is bounded is no leak."""
    loop = asyncio.get_running_loop()
    for _ in range(CANCELLED_TIMERS):
        loop.call_later(3600, int).cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def _answer(order: Order) -> Growth:
    try:
        subject = await open_subject(order)
        gc.freeze()  # what is there now need not be looked at again
        tracemalloc.start()
        fill_caches(order.client)
        return await Probe(order, subject).run()
    except Exception as error:
        return Growth(error=f"{type(error).__name__}: {error}".splitlines()[0])


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    growth = asyncio.run(_answer(order))
    sys.stdout.buffer.write(msgspec.json.encode(growth) + b"\n")
    sys.stdout.buffer.flush()
    os._exit(0)  # whatever the client still waits for


if __name__ == "__main__":
    main()
