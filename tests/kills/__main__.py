"""Kills as often as it is told, and says what was lost."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from helpers.lab import Lab
from tests.kills.mirror import kill_a_mirror


async def kill(times: int, seed: int) -> int:
    with tempfile.TemporaryDirectory(prefix="workbook-kills-") as folder:
        async with Lab() as lab:
            outcome = await kill_a_mirror(lab.target, Path(folder), times, seed)
    print(f"mirror: {outcome}; {'nothing lost' if outcome.held else 'LOST'}")
    return 0 if outcome.held else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    return asyncio.run(kill(arguments.times, arguments.seed))


if __name__ == "__main__":
    sys.exit(main())
