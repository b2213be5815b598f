"""How fast one core receives: our two clients beside the vendor's two and the floor, in one run.

A process of its own sends the same messages to one receiver after the other; each receiver is a process of its own as
well. What a core can take is told by CPU time: everything that the process used from the first message to the last.
Memory is the slope of the resident size over 1 to 1,000 subscriptions, each on a socket of its own.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import jwt
import msgspec
import psutil

from helpers.node import node_environment, node_executable, npm_parts
from helpers.profiling.statistics import paired_gain, slope
from tests.benchmarks.blaster import MESSAGE_BYTES, Blast
from tests.benchmarks.receivers import LIMIT_S, Client, Order, Receipt

ROUNDS = 5
#: Messages that each receiver gets in a round: about a second for each.
MESSAGES: dict[Client, int] = {
    "workbook": 150_000,
    "load path": 1_000_000,
    "supabase-py": 30_000,
    "supabase-js": 400_000,
    "supabase-js on ws": 400_000,
    "raw websockets": 300_000,
    "raw picows": 2_000_000,
}
STEPS = (1, 10, 100, 400, 700, 1_000)
BASELINE: Client = "supabase-py"
SCRIPT = Path(__file__).with_name("receiver.mjs")


@dataclass(frozen=True, slots=True)
class Goal:
    """`client` at least `times` as fast as the fastest of `others`, and at least so many messages a second."""

    client: Client
    others: tuple[Client, ...]
    times: float
    per_s: float = 0.0


GOALS = (
    Goal("workbook", ("supabase-py",), 6.0),
    Goal("load path", ("supabase-js", "supabase-js on ws"), 1.5, 670_000),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A receiver: medians over the rounds, and the CPU cost of a message in each round (µs)."""

    client: Client
    wall_per_s: float
    costs_us: tuple[float, ...]
    memory_kib: tuple[float, float, float]
    complete: bool

    @property
    def cpu_us(self) -> float:
        return statistics.median(self.costs_us)

    @property
    def core_per_s(self) -> float:
        return 1e6 / self.cpu_us


def main() -> None:
    """Print the table and the goals, and how busy the machine was with other things."""
    before = os.getloadavg()[0]
    asyncio.run(_compare())
    after = os.getloadavg()[0]
    print(f"\nload average {before:.1f} before, {after:.1f} after, {os.cpu_count()} processors;")
    print("the benchmark runs one sender and one receiver at a time, whatever is above 2 is others' work")


async def _compare() -> None:
    parts = str(await asyncio.to_thread(npm_parts))
    key = jwt.encode({"role": "anon", "exp": 4_000_000_000}, "a secret that nobody checks, 32 bytes", "HS256")
    receipts: dict[Client, list[Receipt]] = {client: [] for client in get_args(Client)}
    for _ in range(ROUNDS):
        for client, found in receipts.items():
            found.append(await _received(Order(client, "", key, MESSAGES[client], parts=parts)))
    rows = []
    for client, found in receipts.items():
        memory = await _memory_kib(Order(client, "", key, 1, STEPS, parts))
        rows.append(_row(client, found, memory))
    _print(rows)


async def _received(order: Order) -> Receipt:
    """One receiver and a sender of its own."""
    sender = await _start(sys.executable, "-m", "tests.benchmarks.blaster")
    order.api_url = f"http://127.0.0.1:{int(await _line(sender))}"
    receiver = await _receiver(order)
    try:
        assert await _line(receiver) == b"ready"
        _say(sender, Blast(order.messages))
        return msgspec.json.decode(await _line(receiver), type=Receipt)
    finally:
        await _end(receiver, sender)


async def _memory_kib(order: Order) -> tuple[float, float, float]:
    """For one more subscription, with its 95 % interval."""
    sender = await _start(sys.executable, "-m", "tests.benchmarks.blaster")
    order.api_url = f"http://127.0.0.1:{int(await _line(sender))}"
    receiver = await _receiver(order)
    try:
        process, sizes = psutil.Process(receiver.pid), []
        for _ in order.steps:
            assert await _line(receiver) == b"ready"
            sizes.append(process.memory_info().rss / 1024)
            assert receiver.stdin is not None
            receiver.stdin.write(b"\n")
        return slope(order.steps, sizes)
    finally:
        await _end(receiver, sender)


async def _receiver(order: Order) -> Process:
    if order.client.startswith("supabase-js"):
        receiver = await _start(str(node_executable()), str(SCRIPT), order.parts, environment=node_environment())
    else:
        receiver = await _start(sys.executable, "-m", "tests.benchmarks.receivers")
    _say(receiver, order)
    return receiver


async def _start(*command: str, environment: dict[str, str] | None = None) -> Process:
    return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=environment)


def _say(process: Process, message: msgspec.Struct) -> None:
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(message) + b"\n")


async def _line(process: Process) -> bytes:
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), LIMIT_S)
    if not line:
        raise RuntimeError("a process of the benchmark ended early; its last words are above")
    return line.strip()


async def _end(*processes: Process) -> None:
    for process in processes:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _row(client: Client, receipts: Sequence[Receipt], memory_kib: tuple[float, float, float]) -> Row:
    return Row(
        client,
        wall_per_s=statistics.median(receipt.received / receipt.seconds for receipt in receipts),
        costs_us=tuple(1e6 * receipt.cpu_seconds / receipt.received for receipt in receipts),
        memory_kib=memory_kib,
        complete=all(receipt.complete for receipt in receipts),
    )


def _print(rows: Sequence[Row]) -> None:
    found = {row.client: row for row in rows}
    print(f"Broadcasts of {MESSAGE_BYTES} bytes to one subscription, medians of {ROUNDS} rounds (lowest to highest).")
    print(f"Beside each figure, how many times better it is than that of {BASELINE}.\n")
    print(
        f"{'receiver':<18} {'messages/s':>11} {'':>6} {'µs CPU a message':>23} {'':>6} {'a core: 1/s':>12}"
        f" {'KiB a subscription':>24} {'':>6}  complete"
    )
    for row in rows:
        print(_line_of(row, found[BASELINE]))
    print()
    for goal in GOALS:
        print(_judged(goal, found))


def _line_of(row: Row, base: Row) -> str:
    memory, low, high = row.memory_kib
    cpu = f"{row.cpu_us:.2f} ({min(row.costs_us):.2f} to {max(row.costs_us):.2f})"
    kib = f"{memory:.1f} ({low:.1f} to {high:.1f})"
    return (
        f"{row.client:<18} {row.wall_per_s:>11,.0f} {row.wall_per_s / base.wall_per_s:>5.1f}x {cpu:>23}"
        f" {base.cpu_us / row.cpu_us:>5.1f}x {row.core_per_s:>12,.0f} {kib:>24}"
        f" {base.memory_kib[0] / memory:>5.1f}x  {'yes' if row.complete else 'NO'}"
    )


def _judged(goal: Goal, rows: dict[Client, Row]) -> str:
    """The ratio round by round, and the rate where there is a goal for it; the latter is the machine's as well."""
    ours, best = rows[goal.client], max((rows[other] for other in goal.others), key=lambda row: row.core_per_s)
    gain = paired_gain("CPU", "µs", best.costs_us, ours.costs_us)
    assert gain is not None
    times, low, high = (
        1 / (1 + gain_of / 100) for gain_of in (gain.change_percent, gain.high_percent, gain.low_percent)
    )
    said = f"{goal.client}: {times:.2f} times {best.client} ({low:.2f} to {high:.2f}, n = {gain.n} rounds"
    said += f"; goal {goal.times:g}): {_met(times >= goal.times)}"
    if goal.per_s:
        said += f"; {ours.core_per_s:,.0f} messages/s a core (goal {goal.per_s:,.0f}): "
        said += _met(ours.core_per_s >= goal.per_s)
    return said


def _met(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


if __name__ == "__main__":
    main()
