"""How long a full diagnosis of the lab takes, and of which parts."""

from __future__ import annotations

import asyncio
import statistics
import time

from helpers import workspace
from helpers.diagnosis import Diagnosis, diagnose
from helpers.lab import Lab, LabSettings
from helpers.target import Target

RUNS = 5


async def measure() -> None:
    """Diagnose one lab several times."""
    async with Lab(LabSettings()) as lab:
        await workspace.fill(lab.target)
        results = [await timed(lab.target) for _ in range(RUNS)]
    seconds = [took for took, _ in results]
    print(f"full diagnosis of the lab, 3 repeats: {statistics.median(seconds):.2f} s", end=" ")
    print(f"({min(seconds):.2f}–{max(seconds):.2f}), n = {RUNS}")
    for number, layer in enumerate(results[0][1].layers):
        samples = [sample for _, result in results for sample in result.layers[number].samples_ms]
        if samples:
            spread = f"({min(samples):.1f}–{max(samples):.1f}), n = {len(samples)}"
            print(f"  {layer.name:<14} {statistics.median(samples):>7.1f} ms {spread}")


async def timed(target: Target) -> tuple[float, Diagnosis]:
    started = time.monotonic()
    diagnosis = await diagnose(target)
    return time.monotonic() - started, diagnosis


def main() -> None:
    asyncio.run(measure())
