"""The chat in a schema of its own, and a Prisma client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from helpers.prisma import Prisma
from helpers.target import Target
from tests.chat import chat_in, prisma_for


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chat(target: Target) -> AsyncIterator[Target]:
    """The chat in the schema `prisma_chat`."""
    async with chat_in(target, "prisma_chat") as chat:
        yield chat


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(chat: Target) -> AsyncIterator[Prisma]:
    """A connected Prisma client."""
    async with prisma_for(chat) as client:
        yield client
