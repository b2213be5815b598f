"""What passes through a network passes whole and in order, and not sooner than its conditions say.

Only lower bounds of time are asserted: a machine may always be slower than its network.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace

import pytest

from helpers.errors import SettingsError
from helpers.lab.network import BLACK_HOLE, PERFECT, PRESETS, Conditions, Way, network
from helpers.target import Target
from tests.network.echo import connected, until


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


async def round_trip_ms(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes = b"ping") -> float:
    started_at = time.monotonic()
    writer.write(data)
    assert await reader.readexactly(len(data)) == data
    return (time.monotonic() - started_at) * 1e3


@pytest.mark.parametrize(
    "way",
    [
        Way(),
        Way(latency_ms=2, jitter_ms=20),
        Way(kbit_per_s=20_000),
        Way(loss=0.05, stall_ms=10),
        Way(slice_bytes=1_000),
        Way(latency_ms=1, jitter_ms=5, kbit_per_s=40_000, loss=0.02, stall_ms=5, slice_bytes=700),
    ],
    ids=["nothing", "jitter", "bandwidth", "loss", "slices", "all of it"],
)
async def test_every_byte_arrives_once_and_in_order(echoing: Target, way: Way) -> None:
    """Whatever a network does to time, it does nothing to the bytes, and passes the end on behind them."""
    data = noise(300_000)
    async with network(echoing, Conditions(to_server=way, to_client=way)) as via, connected(via.target) as ends:
        reader, writer = ends
        writer.write(data)
        writer.write_eof()
        assert await reader.read(-1) == data
        assert (via.counters.bytes_to_server, via.counters.bytes_to_client) == (len(data), len(data))


@pytest.mark.parametrize("preset", PRESETS.values(), ids=str)
async def test_a_preset_takes_at_least_its_round_trip(echoing: Target, preset: Conditions) -> None:
    """One round trip for the handshake of TCP, and one for each question and its answer."""
    started_at = time.monotonic()
    async with network(echoing, preset) as via, connected(via.target) as ends:
        first_ms = await round_trip_ms(*ends)
        assert (time.monotonic() - started_at) * 1e3 >= 2 * preset.rtt_ms
        assert first_ms >= preset.rtt_ms
        assert await round_trip_ms(*ends) >= preset.rtt_ms


async def test_the_two_directions_differ(echoing: Target) -> None:
    """An answer may take longer than its question."""
    slow_answers = Conditions(to_client=Way(latency_ms=60))
    async with network(echoing, slow_answers) as via, connected(via.target) as (reader, writer):
        started_at = time.monotonic()
        writer.write(b"question")
        await until(lambda: via.counters.bytes_to_server > 0)
        assert via.counters.bytes_to_client == 0
        assert await reader.read(100) == b"question"
        assert time.monotonic() - started_at >= 0.06


async def test_bandwidth_takes_its_time(echoing: Target) -> None:
    """100 kilobytes at 2 Mbit/s need 0.4 s."""
    async with network(echoing, Conditions(to_server=Way(kbit_per_s=2_000))) as via, connected(via.target) as ends:
        # The last segment's own time may be the kernel's: it is let go when it has left.
        assert await round_trip_ms(*ends, noise(100_000)) >= 390


async def test_a_loss_is_a_stall_for_all_that_follows(echoing: Target) -> None:
    """What comes behind a lost segment waits with it, and nothing is lost."""
    lossy = Conditions(to_server=Way(loss=0.999, stall_ms=100))
    async with network(echoing, lossy, seed=1) as via, connected(via.target) as ends:
        assert await round_trip_ms(*ends) >= 100
        assert via.counters.stalls == 1


async def test_a_new_bandwidth_counts_for_what_still_waits(echoing: Target) -> None:
    """A line so slow that it would need hours is faster at once when its conditions are lifted."""
    async with network(echoing, Conditions(to_server=Way(kbit_per_s=0.1))) as via, connected(via.target) as ends:
        waiting = asyncio.create_task(round_trip_ms(*ends, noise(50_000)))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        via.set(PERFECT)
        await waiting


async def test_what_a_black_hole_held_back_arrives_when_it_is_lifted(echoing: Target) -> None:
    """TCP sends again what was lost: a hole in the middle of a conversation is a pause of it."""
    async with network(echoing) as via, connected(via.target) as ends:
        await round_trip_ms(*ends)
        via.set(BLACK_HOLE)
        waiting = asyncio.create_task(round_trip_ms(*ends, b"into the hole"))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        assert via.counters.bytes_to_server == 4
        via.set(PERFECT)
        assert await waiting >= 100


async def test_only_one_direction_may_be_held(echoing: Target) -> None:
    """The server hears the client, and the client hears nothing."""
    async with network(echoing) as via, connected(via.target) as ends:
        await round_trip_ms(*ends)
        via.set(replace(PERFECT, to_client=Way(held=True)))
        waiting = asyncio.create_task(round_trip_ms(*ends, b"more"))
        await until(lambda: via.counters.bytes_to_server == 8)
        assert via.counters.bytes_to_client == 4
        via.set(PERFECT)
        await waiting


async def test_slices_are_written_one_by_one(echoing: Target) -> None:
    """With a pause between them, a short message comes in as many pieces as it has bytes."""
    sliced = Conditions(to_client=Way(slice_bytes=1, slice_pause_ms=5))
    async with network(echoing, sliced) as via, connected(via.target) as (reader, writer):
        writer.write(b"abcdefgh")
        pieces = [await reader.read(100)]
        while sum(map(len, pieces)) < 8:
            pieces.append(await reader.read(100))
        assert b"".join(pieces) == b"abcdefgh"
        assert len(pieces) > 1


async def test_a_close_comes_late(echoing: Target) -> None:
    """A slow close passes the end on, later."""
    async with network(echoing, Conditions(close_delay_ms=80)) as via, connected(via.target) as ends:
        await round_trip_ms(*ends)
        started_at = time.monotonic()
        ends[1].write_eof()
        assert await ends[0].read(-1) == b""
        assert time.monotonic() - started_at >= 0.16  # on the way there, and on the way back


@pytest.mark.parametrize("wrong", [{"latency_ms": -1}, {"kbit_per_s": 0}, {"loss": 1.0}, {"slice_bytes": 0}])
def test_numbers_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    """A negative time, no bandwidth at all, or the loss of everything is said to be wrong at once."""
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        Way(**wrong)  # type: ignore[arg-type]
