"""The canary through faults of the lab. `python -m tests.canary --every-fault` has all of them."""

from __future__ import annotations

import asyncio

import pytest

from helpers.lab import Lab
from helpers.lab.faults import FAULTS
from helpers.monitoring.canary import watching
from helpers.monitoring.exporter import Exporter
from tests.canary.survival import UNHARMED, survive

#: What the canary gets over by itself, and what it has to join anew for: `test_canary` has faults of the network.
SOME = ("connections ended", "publication altered")
#: Long enough for a channel to be refused before it is taken.
LASTING_S = 7.0


async def test_it_measures_again_after_faults() -> None:
    """Each outage is told by the metrics as long as it was, and of the path that had it; no label has values without
    end."""
    survival = await survive(SOME, LASTING_S)
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
