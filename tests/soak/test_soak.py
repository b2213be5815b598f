"""A short soak of a lab; `python -m tests.soak` is the long one."""

from __future__ import annotations

import pytest

from tests.soak.plan import Plan
from tests.soak.soak import Soak
from tests.soak.visitors import VISITS


@pytest.mark.parametrize("streaming", [False, True], ids=["polling", "streaming"])
async def test_who_stays_misses_nothing(streaming: bool) -> None:
    """Nothing is lost, doubled, reordered or wrong for those who stay, and nothing is kept of those who went."""
    plan = Plan(seconds=15, seed=1, streaming=streaming, visits_per_s=12, idle_timeout_s=6, rest_s=5)
    outcome = await Soak(plan).run()
    assert outcome.problems == []
    assert all(kind in outcome.done["visits"] for kind in VISITS)
