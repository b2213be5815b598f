"""The lab with the workbook's tables in it."""

from __future__ import annotations

import pytest_asyncio

from helpers import workspace
from helpers.target import Target


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tables(target: Target) -> Target:
    """The lab, migrated and seeded."""
    await workspace.fill(target)
    return target
