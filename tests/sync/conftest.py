"""The chat in a schema of its own, a Prisma client for it, and a converter for its messages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from helpers.prisma import Prisma, json_type
from helpers.prisma.datamodel import read_datamodel
from helpers.prisma.generate import SCHEMA
from helpers.sync import Converter
from helpers.target import Target
from tests.chat import chat_in, prisma_for


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chat(target: Target) -> AsyncIterator[Target]:
    """The chat in the schema `sync_chat`."""
    async with chat_in(target, "sync_chat") as chat:
        yield chat


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(chat: Target) -> AsyncIterator[Prisma]:
    """A connected Prisma client."""
    async with prisma_for(chat) as client:
        yield client


@pytest.fixture(scope="session")
def converter(client: Prisma) -> Converter:
    """From changes of `messages` to Prisma."""
    return Converter.of(read_datamodel(SCHEMA), "messages", json_type(client))
