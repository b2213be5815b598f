"""The canary through faults of the lab. `python -m tests.canary --every-fault` has all of them."""

from __future__ import annotations

import asyncio

import pytest

from helpers.lab import Lab
from helpers.lab.faults import FAULTS
from helpers.monitoring.canary import watching
from helpers.monitoring.exporter import Exporter
from tests.canary.survival import UNHARMED, survive

#: One of the database, one of Realtime, and one of the canary's own process; `test_canary` has those of the network.
SOME = ("connections ended", "publication altered", "asleep")


async def test_it_measures_again_after_faults() -> None:
    """Each outage is told by the metrics, no longer and no shorter than it was; no label has values without end."""
    survival = await survive(SOME, lasting_s=1.0)
    assert survival.wrong == []
    assert [one.fault.name for one in survival.ordeals] == list(SOME)


def test_every_exception_is_of_a_fault_that_there_is() -> None:
    """What need not be told is a part of the lab's faults, and the smaller one."""
    assert UNHARMED.keys() < FAULTS.keys()


class Full(Exporter):
    """One that takes nothing."""

    def observe(self, short: str, value: float, **labels: str) -> None:
        raise OSError("full")


async def test_a_canary_that_fails_is_not_silent(lab: Lab) -> None:
    """Whoever watches learns of it at once, with its reason, instead of looking at what stands still."""
    with pytest.raises(ExceptionGroup) as caught:
        async with watching(lab.target, Full(port=None)):
            await asyncio.sleep(30)
    assert caught.group_contains(OSError, match="full")
