"""A canary in a process of its own, whose memory is that of nobody else: `python -m tests.canary.alone`.

It answers each line of JSON with one of JSON: `Begin` first, then any number of the other questions, at last `End`. It
ends when its stdin does, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import mmap
import os
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

from helpers.monitoring.canary import Canary, CanarySettings, watching
from helpers.monitoring.exporter import Exporter
from helpers.monitoring.metrics import PREFIX
from helpers.profiling.processes import memory_bytes
from helpers.target import Target
from helpers.watch.garbage import collect_in_small

__all__ = ["Begin", "Begun", "Done", "End", "Held", "Look", "Serve", "Tell", "Told", "WayTold"]


class Begin(msgspec.Struct, frozen=True, tag=True):
    """Watch from now on.

    Attributes:
        clock: a file of eight bytes, by how many seconds the wall clock is ahead of the true time, at each moment.
    """

    target: Target
    settings: CanarySettings
    clock: str


class Serve(msgspec.Struct, frozen=True, tag=True):
    """Wait until every channel serves, and has received something after this question."""

    limit_s: float


class Look(msgspec.Struct, frozen=True, tag=True):
    """Say what you hold; if `cleared`, after garbage is collected and malloc has given back what nobody uses."""

    cleared: bool = False


class Tell(msgspec.Struct, frozen=True, tag=True):
    """Say what you have seen."""


class End(msgspec.Struct, frozen=True, tag=True):
    """Take away what you made, and end."""


Question = Serve | Look | Tell | End


class Begun(msgspec.Struct, frozen=True):
    """It runs; its metrics are at `address`."""

    address: str


class Done(msgspec.Struct, frozen=True):
    """What was asked has been done, if `well`."""

    well: bool = True


class Held(msgspec.Struct, frozen=True):
    """What the process holds.

    Attributes:
        at_s: of the monotonic clock.
        private_kib: of its pages, those that no other process has. resident_kib: all of them.
        blocks: of memory that Python has given out. heap_kib: what malloc has given out, Python's own pools included.
        free_kib: what malloc keeps for later.
        files, threads, tasks: that are open, run, and wait. series: that Prometheus would scrape.
        messages: that arrived since it began. outages: that are over since then.
    """

    at_s: float
    private_kib: float
    resident_kib: float
    blocks: int
    heap_kib: float
    free_kib: float
    files: int
    threads: int
    tasks: int
    series: int
    messages: int
    outages: int


class WayTold(msgspec.Struct, frozen=True):
    """One way, by its metrics; the list of outages is the ledger that they were made of."""

    channel: str
    serving: float
    outages: tuple[tuple[float, float], ...]
    outage_count: float
    watched_s: float
    unserved_s: float
    received: float
    lost: float
    reasons: dict[str, float]


class Told(msgspec.Struct, frozen=True):
    """All ways by their path, and each label's values by the label's name."""

    ways: dict[str, WayTold]
    labels: dict[str, set[str]]


class Alone:
    """The canary, and what can be asked of it."""

    def __init__(self, canary: Canary, exporter: Exporter) -> None:
        self._canary, self._exporter = canary, exporter
        self._process = psutil.Process()

    async def do(self, question: Serve | Look | Tell) -> msgspec.Struct:
        match question:
            case Serve():
                return await self._serve(question.limit_s)
            case Look():
                return self._held(cleared=question.cleared)
            case Tell():
                return self._told()

    async def _serve(self, limit_s: float) -> Done:
        services = [teller.service for teller in self._canary.tellers.values()]
        before = [service.received for service in services]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while not all(
                    one.is_serving and one.received > was for one, was in zip(services, before, strict=True)
                ):  # each by itself: one that goes on must not stand for one that does not
                    await self._canary.heard()
                return Done()
        return Done(well=False)

    def _held(self, *, cleared: bool) -> Held:
        if cleared:
            gc.collect()
            _trim()
        memory, heap = self._process.memory_info(), _malloc()
        services = [teller.service for teller in self._canary.tellers.values()]
        return Held(
            at_s=time.monotonic(),
            private_kib=memory_bytes(self._process) / 1024,
            resident_kib=memory.rss / 1024,
            blocks=sys.getallocatedblocks(),
            heap_kib=(heap.uordblks + heap.hblkhd) / 1024,
            free_kib=heap.fordblks / 1024,
            files=self._process.num_fds(),
            threads=threading.active_count(),
            tasks=len(asyncio.all_tasks()),
            series=sum(len(family.samples) for family in self._exporter.registry.collect()),
            messages=sum(service.received for service in services),
            outages=sum(service.outage_count for service in services),
        )

    def _told(self) -> Told:
        labels: dict[str, set[str]] = {}
        for family in self._exporter.registry.collect():
            for sample in family.samples:
                for name, value in sample.labels.items():
                    labels.setdefault(name, set()).add(value)
        return Told(dict(self._ways()), labels)

    def _ways(self) -> Iterator[tuple[str, WayTold]]:
        for teller in self._canary.tellers.values():
            name, path = teller.way.name, str(teller.way.path)
            of_way, of_channel = {"channel": name, "path": path}, {"channel": name}
            yield (
                path,
                WayTold(
                    channel=name,
                    serving=self._value("serving", of_channel),
                    outages=tuple((one.began, one.ended) for one in teller.service.outages),
                    outage_count=self._value("outages_total", of_channel),
                    watched_s=self._value("watched_seconds_total", of_channel),
                    unserved_s=self._value("unserved_seconds_total", of_channel),
                    received=self._value("received_total", of_way),
                    lost=self._value("lost_total", of_way),
                    reasons=self._reasons(name),
                ),
            )

    def _value(self, name: str, labels: dict[str, str]) -> float:
        return self._exporter.value(f"{PREFIX}{name}", labels)

    def _reasons(self, channel: str) -> dict[str, float]:
        families = [one for one in self._exporter.registry.collect() if one.name == f"{PREFIX}disconnects"]
        samples = [sample for one in families for sample in one.samples if sample.name.endswith("_total")]
        return {sample.labels["reason"]: sample.value for sample in samples if sample.labels["channel"] == channel}


#: In the order of glibc's malloc.h.
_MALLINFO2 = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
    *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
)


class _Malloc(ctypes.Structure):
    """`struct mallinfo2`."""

    _fields_ = [(name, ctypes.c_size_t) for name in _MALLINFO2]
    hblkhd: int
    uordblks: int
    fordblks: int


#: Its functions of malloc are glibc's own, from version 2.33 on.
_LIBC = ctypes.CDLL(None)
_HAS_MALLINFO2 = hasattr(_LIBC, "mallinfo2")
if _HAS_MALLINFO2:
    _LIBC.mallinfo2.restype = _Malloc


def _malloc() -> _Malloc:
    """What malloc knows; nothing where it does not tell."""
    found: _Malloc = _LIBC.mallinfo2() if _HAS_MALLINFO2 else _Malloc()
    return found


def _trim() -> None:
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)


def _take_clock(file: Path) -> None:
    """The wall clock of this process, as if an operator or NTP had set it; the monotonic one is not touched."""
    with file.open("rb") as opened:
        ahead = mmap.mmap(opened.fileno(), 8, access=mmap.ACCESS_READ)
    true_time = time.time
    time.time = lambda: true_time() + float(struct.unpack("d", ahead[:8])[0])


def _write(answer: msgspec.Struct) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


async def serve(lines: asyncio.Queue[bytes]) -> None:
    """Answer until the last question."""
    begin = msgspec.json.decode(await lines.get(), type=Begin)
    _take_clock(Path(begin.clock))
    async with Exporter() as exporter, watching(begin.target, exporter, begin.settings) as canary:
        alone = Alone(canary, exporter)
        collect_in_small()
        _write(Begun(exporter.address))
        while True:
            question = msgspec.json.decode(await lines.get(), type=Question)
            if isinstance(question, End):
                break
            _write(await alone.do(question))
    _write(Done())


def _read(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes]) -> None:
    for line in sys.stdin.buffer:
        loop.call_soon_threadsafe(lines.put_nowait, line)
    os._exit(0)


async def main() -> None:
    lines: asyncio.Queue[bytes] = asyncio.Queue()
    threading.Thread(target=_read, args=(asyncio.get_running_loop(), lines), daemon=True).start()
    await serve(lines)


if __name__ == "__main__":
    asyncio.run(main())
