"""Runs many trials, and prints what became of them."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from helpers.lab.faults import FAULTS
from tests.faults.trial import Run, drawn, new_scene, play


async def many(runs: int, minutes: float | None, seed: int, names: Sequence[str]) -> list[Run]:
    """On one lab, one after the other, until there are as many, or the time is over."""
    faults = [FAULTS[name] for name in names]
    done: list[Run] = []
    scene = await new_scene()
    began = time.monotonic()
    try:
        while (len(done) < runs) if minutes is None else (time.monotonic() - began < 60 * minutes):
            run = await play(scene, seed + len(done), drawn(seed + len(done), faults))
            done.append(run)
            print(f"{time.monotonic() - began:7.1f} s  {run}", flush=True)
            if not run.held:
                break
    finally:
        await scene.aclose()
    return done


def summary(runs: Sequence[Run]) -> str:
    recovered: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        for name, seconds in run.recovered_s:
            recovered[name].append(seconds)
    changes, lost = sum(run.changes for run in runs), sum(run.lost for run in runs)
    failed = sum(count for run in runs for kind, count in run.written.items() if kind.startswith("failed"))
    lines = [
        f"{len(runs)} runs, {sum(not run.held for run in runs)} of them wrong; {failed:,} writes failed",
        f"{changes:,} changes, of which Realtime lost {lost:,}",
        f"the mirror lost {sum(run.missing for run in runs)}, applied {sum(run.twice for run in runs)} twice and "
        f"{sum(run.disordered for run in runs)} out of order, and read {sum(run.snapshots - 1 for run in runs)} "
        "snapshots anew",
        f"{'recovery (s)':<24}{'n':>6}{'p50':>8}{'p95':>8}{'p99':>8}{'max':>8}",
    ]
    everything = [seconds for values in recovered.values() for seconds in values]
    for name, values in [*sorted(recovered.items()), ("all", everything)]:
        p50, p95, p99 = np.percentile(values, (50, 95, 99))
        lines.append(f"{name:<24}{len(values):>6}{p50:>8.2f}{p95:>8.2f}{p99:>8.2f}{max(values):>8.2f}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--minutes", type=float, help="go on for so long, instead of a number of runs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fault", action="append", choices=FAULTS, help="this one only; may be given again")
    arguments = parser.parse_args()
    runs = asyncio.run(many(arguments.runs, arguments.minutes, arguments.seed, arguments.fault or list(FAULTS)))
    print("\n" + summary(runs))
    return 0 if all(run.held for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
