"""`python -m tests.fuzz --minutes 60 [--seed N]`: attack a lab for long; says what it does, and the seed."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time

from tests.fuzz.siege import Broken, Siege, Toll

_EVERY_S = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Attack a lab that honest clients use.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if arguments.seed is None else arguments.seed
    print(f"seed {seed}, {arguments.minutes:g} minutes", flush=True)
    try:
        asyncio.run(_run(seed, arguments.minutes * 60))
    except Broken as broken:
        print(f"BROKEN with seed {seed}: {broken}", flush=True)
        return 1
    print(f"Everything held (seed {seed}).", flush=True)
    return 0


async def _run(seed: int, seconds: float) -> None:
    began = shown = time.monotonic()

    def progress(toll: Toll) -> None:
        nonlocal shown
        if time.monotonic() - shown > _EVERY_S:
            shown = time.monotonic()
            print(f"{shown - began:6.0f} s  {toll}", flush=True)

    async with Siege(seed) as siege:
        await siege.run(seconds, progress)
        print(siege.toll, flush=True)


if __name__ == "__main__":
    sys.exit(main())
