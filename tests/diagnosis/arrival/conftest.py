"""A lab of its own, as publications are changed and batches dropped."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from helpers.lab import Lab
from tests.diagnosis.arrival.court import SETTINGS, Court, setting


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def court() -> AsyncIterator[Court]:
    """Where answers are compared with what happens."""
    async with Lab(SETTINGS) as lab, setting(lab) as owner:
        yield Court(lab, owner)
