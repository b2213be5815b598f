"""One lab for all replays of the tests, which waits less than the real server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from helpers.lab import Lab
from helpers.review.plan import replay_lab


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def quiet_lab() -> AsyncIterator[Lab]:
    """A lab without quotas that looks for changes often."""
    async with replay_lab(poll_idle_s=0.03) as lab:
        yield lab
