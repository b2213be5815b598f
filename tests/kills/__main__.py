"""Kills as often as it is told, and says what was lost."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from helpers.lab import Lab
from helpers.target import Target
from tests.kills.mirror import kill_a_mirror
from tests.kills.outbox import kill_an_outbox
from tests.kills.prisma_mirror import kill_a_prisma_mirror


class Verdict(Protocol):
    """What a victim leaves."""

    @property
    def held(self) -> bool: ...


VICTIMS: dict[str, Callable[[Target, Path, int, int], Awaitable[Verdict]]] = {
    "mirror": kill_a_mirror,
    "prisma-mirror": kill_a_prisma_mirror,
    "outbox": kill_an_outbox,
}


async def kill(victim: str, times: int, seed: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="workbook-kills-") as folder:
        async with Lab() as lab:
            outcome = await VICTIMS[victim](lab.target, Path(folder), times, seed)
    print(f"{victim}: {outcome}; {'nothing lost' if outcome.held else 'LOST'}")
    return outcome.held


async def kill_all(victims: list[str], times: int, seed: int) -> int:
    held = [await kill(victim, times, seed) for victim in victims]
    return 0 if all(held) else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("victims", nargs="*", choices=[*VICTIMS, []], default=list(VICTIMS))
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    return asyncio.run(kill_all(arguments.victims, arguments.times, arguments.seed))


if __name__ == "__main__":
    sys.exit(main())
