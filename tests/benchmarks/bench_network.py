"""What a network does, beside what it is set to, and what it costs by itself."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import replace

from helpers.lab.network import PRESETS, Conditions, Lifetime, Way, network
from helpers.target import Target
from tests.network.echo import Ends, connected, echo_target

QUESTIONS = 20
#: So much that a line needs half a second for it; without a bandwidth, so many bytes.
SECONDS_OF_LINE, FREE_BYTES = 0.5, 20_000_000


def main() -> None:
    asyncio.run(_table())


async def _table() -> None:
    print(f"{'network':<26}{'round trip, ms':>22}{'to the client, Mbit/s':>26}")
    print(f"{'':<26}{'set':>10}{'p50':>12}{'set':>12}{'measured':>14}")
    async with echo_target() as target:
        print(f"{'no proxy at all':<26}{'':>10}{await _round_trip_ms(target):>12.2f}")
        for preset in PRESETS.values():
            # Loss is left out: each stall would count as bandwidth.
            calm = replace(preset, to_server=Way(), to_client=replace(preset.to_client, loss=0.0), lifetime=Lifetime())
            async with network(target, preset) as via:
                trip_ms = await _round_trip_ms(via.target)
            measured = await _throughput(target, calm)
            line = preset.to_client.kbit_per_s
            told = f"{line / 1e3:.1f}" if line else "none"
            print(f"{preset.name:<26}{preset.rtt_ms:>10.0f}{trip_ms:>12.2f}{told:>12}{measured:>14.1f}")


async def _round_trip_ms(target: Target) -> float:
    async with connected(target) as ends:
        await _ask(ends)
        return statistics.median([await _ask(ends) for _ in range(QUESTIONS)])


async def _ask(ends: Ends) -> float:
    began = time.perf_counter()
    ends[1].write(b"question")
    await ends[0].readexactly(8)
    return (time.perf_counter() - began) * 1e3


async def _throughput(target: Target, conditions: Conditions) -> float:
    """Mbit/s from the first byte that arrives to the last."""
    line = conditions.to_client.kbit_per_s
    size = int(line * 1_000 / 8 * SECONDS_OF_LINE) if line else FREE_BYTES
    async with network(target, conditions) as via, connected(via.target) as (reader, writer):
        sending = asyncio.create_task(_send(writer, size))
        first = len(await reader.read(1_000))
        began = time.perf_counter()
        await reader.readexactly(size - first)
        took = time.perf_counter() - began
        await sending
    return (size - first) * 8 / took / 1e6


async def _send(writer: asyncio.StreamWriter, size: int) -> None:
    writer.write(bytes(size))
    await writer.drain()
