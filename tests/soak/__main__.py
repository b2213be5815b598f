"""`python -m tests.soak --minutes 10 [--seed N] [--mode streaming]`: use a lab for long, and see what remains of it."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys

from tests.soak.plan import Plan
from tests.soak.report import growths, lines, memory_held
from tests.soak.soak import Soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Mixed load on a lab of its own.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--mode", choices=("polling", "streaming"), default="polling", help="how changes are read")
    arguments = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if arguments.seed is None else arguments.seed
    print(f"seed {seed}, {arguments.minutes:g} minutes, {arguments.mode}", flush=True)
    plan = Plan(seconds=arguments.minutes * 60, seed=seed, streaming=arguments.mode == "streaming")
    outcome = asyncio.run(Soak(plan, lambda line: print(line, flush=True)).run())
    grown = growths(outcome)
    print(*lines(outcome, grown), sep="\n")
    held = not outcome.problems and memory_held(grown)
    print("Everything held." if held else f"Something did not hold (seed {seed}).")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
