"""The chat in a schema of its own, a Prisma client for it, and a converter for its messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from helpers.prisma import Prisma, deploy_migrations, drop_schema, json_type, prisma_client, seed
from helpers.prisma.datamodel import read_datamodel
from helpers.prisma.generate import SCHEMA
from helpers.sync import Converter
from helpers.target import Target


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chat(target: Target) -> AsyncIterator[Target]:
    """The lab, migrated and seeded in the schema `sync_chat`."""
    chat = replace(target, schema="sync_chat")
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


@pytest.fixture(scope="session")
def converter(client: Prisma) -> Converter:
    """From changes of `messages` to Prisma."""
    return Converter.of(read_datamodel(SCHEMA), "messages", json_type(client))
