"""The capacity model against loads that it was not fitted to: predicted, measured, error. Takes about 10 minutes.

`python -m tests.benchmarks.bench_capacity full 8` takes eight rounds instead of five; `small` takes half a minute, is
less exact, and leaves out the confirmation.
The loads are those of `helpers/capacity/design.py`; the confirmation was not chosen by the model's author.
"""

from __future__ import annotations

import asyncio
import sys

from helpers.capacity import Capacity, design_of, measure_capacity
from helpers.experiments import Size, experiment_size

ROUNDS = {Size.SMALL: 1, Size.FULL: 5}


def show(capacity: Capacity) -> None:
    """Every held-out prediction, the verdict, and what the numbers rest on."""
    frame = capacity.check.to_frame(held_out=True)
    print(frame.to_string(index=False, float_format=lambda value: f"{value:,.1f}"))
    print()
    print(capacity)


def main(size: Size = Size.FULL, rounds: int | None = None) -> None:
    show(asyncio.run(measure_capacity(size=size, design=design_of(size, rounds=rounds or ROUNDS[size]))))


if __name__ == "__main__":
    given = sys.argv[1:]
    main(experiment_size(given[0] if given else Size.FULL), int(given[1]) if len(given) > 1 else None)
