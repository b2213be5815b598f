"""That the canary stays small. `python -m tests.canary --minutes 10 --fast` is the same for hours of its life."""

from __future__ import annotations

import asyncio
import random

import pytest

from helpers.lab import Lab
from helpers.lab.network import PERFECT, UNAVAILABLE, Ending, Network, network
from helpers.monitoring.canary import CanarySettings
from helpers.objectives import Objectives
from tests.canary.alone import Held
from tests.canary.apart import CanaryApart
from tests.canary.memory import flatness
from tests.canary.truth import FAST

SETTINGS = CanarySettings(every_s=0.1)


def looks(kib_per_min: float = 0.0, files_per_min: float = 0.0) -> list[Held]:
    """Every five seconds for half an hour: of a process that fills its books for ten minutes, with garbage that is
    collected now and then, and that grows so beside it."""
    chance = random.Random(3)
    return [
        Held(
            at_s=1_000.0 + at,
            private_kib=40_000 + min(at, 600) + chance.choice((0, 4, 120)) + kib_per_min * at / 60,
            resident_kib=0,
            blocks=0,
            heap_kib=0,
            free_kib=0,
            files=16 + chance.choice((0, 1)) + int(files_per_min * at / 60),
            threads=2,
            tasks=9,
            series=200,
            messages=at * 20,
            outages=at // 40,
        )
        for at in range(5, 1_800, 5)
    ]


def test_books_that_are_full_are_flat() -> None:
    """What grew in the first half, and what is collected again, does not count."""
    found = flatness(looks(), SETTINGS)
    assert found.is_flat
    assert found.hastened == 10
    assert found.most_in_a_month_bytes < Objectives().memory_bytes


@pytest.mark.parametrize("kib_per_min", [5.0, 70.0])
def test_a_leak_is_not_flat(kib_per_min: float) -> None:
    """Also a small one, that would come to 20 MB in a month."""
    found = flatness(looks(kib_per_min), SETTINGS)
    assert not found.is_flat
    assert found.private.low <= kib_per_min <= found.private.high


def test_files_that_pile_up_are_not_flat() -> None:
    """One that is left open every two minutes, however small."""
    found = flatness(looks(files_per_min=0.5), SETTINGS)
    assert not found.is_flat
    assert [line.split()[0] for line in found.piled_up] == ["files"]


#: Connections in the time that counts.
LOST = 8
#: Of memory that a lost connection may leave: each of its moments has a few, until there are 200. A connection that
#: is kept has some hundreds.
MOST_BLOCKS = 100


async def test_a_lost_connection_leaves_nothing_behind(lab: Lab) -> None:
    """After some of them, live objects are as many as before, but for what the latest moments and outages take."""
    async with network(lab.target) as via, CanaryApart(via.target, FAST.settings) as canary:
        await _lose(via, canary, 3)
        before = await canary.look(cleared=True)
        await _lose(via, canary, LOST)
        after = await canary.look(cleared=True)
    assert after.blocks - before.blocks < LOST * MOST_BLOCKS
    assert after.series == before.series


async def _lose(via: Network, canary: CanaryApart, times: int) -> None:
    for _ in range(times):
        via.set(UNAVAILABLE)
        via.cut(Ending.CLOSE)
        await asyncio.sleep(0.1)
        via.set(PERFECT)
        assert await canary.serve(Objectives().recovery_s)
