"""Compare as many generated cases as asked: ``python -m tests.diagnosis.arrival --cases 2000 --seed 1``."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from helpers.lab import Lab
from tests.diagnosis.arrival.court import SETTINGS, Court, setting
from tests.diagnosis.arrival.scenes import scenes


async def compare(cases: int, seed: int, most: int) -> int:
    """Print what was compared; returns how many cases differ."""
    began = time.monotonic()
    async with Lab(SETTINGS) as lab, setting(lab) as owner:
        court = Court(lab, owner)
        for scene in scenes(seed, cases):
            await court.try_scene(scene)
            if len(court.disagreements) >= most:
                break
    for disagreement in court.disagreements[:most]:
        print(disagreement, "\n")
    for cause, count in court.causes.most_common():
        print(f"{count:6}  {cause}")
    seconds = time.monotonic() - began
    print(f"seed {seed}: {court.cases} cases, {len(court.disagreements)} disagreements, {seconds:.0f} s")
    return len(court.disagreements)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=10, help="stop after so many disagreements")
    asked = parser.parse_args()
    return 1 if asyncio.run(compare(asked.cases, asked.seed, asked.most)) else 0


if __name__ == "__main__":
    sys.exit(main())
