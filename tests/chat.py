"""The workbook's chat in a schema of its own, for the tests that write in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from helpers.prisma import Prisma, deploy_migrations, drop_schema, prisma_client, seed
from helpers.target import Target

__all__ = ["chat_in", "prisma_for"]


@asynccontextmanager
async def chat_in(target: Target, schema: str) -> AsyncIterator[Target]:
    """The lab, migrated and seeded in that schema, which is dropped at the end."""
    chat = replace(target, schema=schema)
    assert chat.database_url
    deploy_migrations(chat.database_url, schema)
    await seed(chat)
    yield chat
    drop_schema(chat.database_url, schema)


@asynccontextmanager
async def prisma_for(chat: Target) -> AsyncIterator[Prisma]:
    """A connected Prisma client."""
    client = await prisma_client(chat)
    yield client
    await client.disconnect()
