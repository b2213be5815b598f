"""The lab that service times are measured in, with all that belongs to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from helpers.capacity.crowd import Crowd
from helpers.capacity.design import Flow
from helpers.capacity.observe import DUE, Bench
from helpers.experiments.tables import own_table
from helpers.lab import Lab, LabSettings
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings

__all__ = ["POLICY", "capacity_bench"]

#: The policy that is asked for every subscriber and row. It is true for all who have a token.
POLICY = "(select auth.uid()) is not null"

#: The machine is to be the limit, not a quota. The first subscriber need not wait for a cold start.
_SETTINGS = LabSettings(
    realtime=RealtimeSettings(limits=Limits.of("lab", users=20_000, events_per_s=1e9, joins_per_s=1e9)),
    changes=ChangeSettings(cold_start_s=(0.0, 0.0)),
)


@asynccontextmanager
async def capacity_bench() -> AsyncIterator[Bench]:
    """A lab of its own without quotas, a table with and one without policies, and processes that receive."""
    async with (
        Lab(_SETTINGS) as lab,
        Crowd() as crowd,
        own_table(lab.target, columns=DUE) as plain,
        own_table(lab.target, columns=DUE, policies=[POLICY]) as secured,
    ):
        yield Bench(lab, crowd, {Flow.CHANGES: plain, Flow.SECURED: secured})
