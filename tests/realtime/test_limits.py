"""Counters, and the writes that they and the outbox save."""

from __future__ import annotations

import asyncio

import pytest

from helpers.lab.realtime.limits import CallWindow, RateCounter
from helpers.lab.realtime.outbox import TEXT, Mailroom, Outbox, ws_frame
from helpers.lab.realtime.turnstile import Turnstile
from tests import virtual_time

TICK_S = 0.05


async def periods(count: float) -> None:
    await asyncio.sleep(TICK_S * count)


@virtual_time.elapsing
async def test_a_rate_is_judged_at_the_end_of_a_period() -> None:
    """However many events there are, nothing is exceeded before."""
    counter = RateCounter(10, tick_s=TICK_S)
    counter.add(1_000_000)
    assert not counter.exceeded
    await periods(1.5)
    assert counter.exceeded
    assert counter.mean_per_s == 1_000_000 / TICK_S / 2
    counter.stop()


@virtual_time.elapsing
async def test_a_warm_counter_lets_a_burst_through() -> None:
    """The mean is over all periods that are remembered."""
    counter = RateCounter(1 / TICK_S, tick_s=TICK_S, ticks=4)
    counter.add(0)
    await periods(3.5)
    counter.add(4)
    await periods(1)
    assert not counter.exceeded
    counter.add(1)
    await periods(1)
    assert counter.exceeded
    counter.stop()


@virtual_time.elapsing
async def test_a_rate_that_falls_is_no_longer_exceeded() -> None:
    """When the busy periods are forgotten."""
    counter = RateCounter(10, tick_s=TICK_S, ticks=2)
    counter.add(100)
    await periods(1.5)
    assert counter.exceeded
    await periods(2)
    assert not counter.exceeded
    counter.stop()


def test_a_window_opens_with_its_first_call() -> None:
    """So many calls until it closes, then so many again."""
    window = CallWindow(2, 30.0)
    assert [window.allows(now) for now in (100.0, 110.0, 120.0, 130.0, 130.1, 131.0, 132.0)] == [
        True,
        True,
        False,
        False,
        True,
        True,
        False,
    ]


class Wire(asyncio.Protocol):
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.gone = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.received.append(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self.gone.set()


async def test_frames_of_a_turn_are_one_write() -> None:
    """Everything that is put in before the loop turns leaves together, in order."""
    loop = asyncio.get_running_loop()
    wire = Wire()
    server = await loop.create_server(lambda: wire, "127.0.0.1", 0)
    transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
    outbox = Outbox(transport, Mailroom(loop), limit_bytes=1000, on_overflow=transport.abort)
    for number in range(10):
        outbox.put(ws_frame(TEXT, str(number).encode()))
    await asyncio.sleep(0.05)
    assert wire.received == [b"".join(b"\x81\x01%d" % number for number in range(10))]
    outbox.hold()
    outbox.put(b"later")
    await asyncio.sleep(0.05)
    assert len(wire.received) == 1
    outbox.release()
    await asyncio.sleep(0.05)
    assert wire.received[1:] == [b"later"]
    transport.close()
    server.close()


async def test_a_held_outbox_is_bounded() -> None:
    """What waits for a socket that is busy joining counts against its limit."""
    loop = asyncio.get_running_loop()
    wire = Wire()
    server = await loop.create_server(lambda: wire, "127.0.0.1", 0)
    transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
    outbox = Outbox(transport, Mailroom(loop), limit_bytes=1000, on_overflow=transport.abort)
    outbox.hold()
    for _ in range(11):
        outbox.put(b"x" * 100)
    async with asyncio.timeout(30):
        await wire.gone.wait()
    server.close()


def test_the_length_of_a_frame_has_three_forms() -> None:
    """One byte, two more, or eight more."""
    assert ws_frame(TEXT, b"x" * 125)[:2] == bytes((0x81, 125))
    assert ws_frame(TEXT, b"x" * 126)[:4] == bytes((0x81, 126, 0, 126))
    assert ws_frame(TEXT, b"x" * 65_536)[:10] == bytes((0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0))


async def test_work_that_never_began_is_let_go(recwarn: pytest.WarningsRecorder) -> None:
    """A socket may end in the turn in which its join began."""

    async def work() -> None:
        raise AssertionError("it began")

    turnstile: Turnstile[int] = Turnstile(lambda _: None)
    turnstile.halt(work())
    turnstile.cancel()
    await asyncio.sleep(0.01)
    assert not recwarn.list
