"""A lab for thousands of sockets, and a server that does to its messages what networks and servers do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from helpers.lab import Lab, LabSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.target import Target


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def wide() -> AsyncIterator[Target]:
    """A lab whose quotas of users, joins and events are out of the way."""
    limits = Limits(users=20_000, joins_per_s=1e9, events_per_s=1e12)
    async with Lab(LabSettings(realtime=RealtimeSettings(limits=limits))) as lab:
        yield lab.target
