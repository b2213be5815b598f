"""The chat in a schema of its own, and a Prisma client for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio

from helpers.prisma import Prisma, deploy_migrations, drop_schema, prisma_client, seed
from helpers.target import Target


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chat(target: Target) -> AsyncIterator[Target]:
    """The lab, migrated and seeded in the schema `prisma_chat`."""
    chat = replace(target, schema="prisma_chat")
    assert chat.database_url
    deploy_migrations(chat.database_url, chat.schema)
    await seed(chat)
    yield chat
    drop_schema(chat.database_url, chat.schema)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(chat: Target) -> AsyncIterator[Prisma]:
    """A connected Prisma client."""
    client = await prisma_client(chat)
    yield client
    await client.disconnect()
