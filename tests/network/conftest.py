"""Fixtures of the network's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from helpers.target import Target
from tests.network.echo import echo_target


@pytest_asyncio.fixture
async def echoing() -> AsyncIterator[Target]:
    """A server that sends everything back."""
    async with echo_target() as target:
        yield target
