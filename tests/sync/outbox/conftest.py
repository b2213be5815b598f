"""The chat with a memory of idempotency keys, a room of its own for each test, and somebody else who writes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest_asyncio
from psycopg.rows import dict_row

from helpers.prisma import SEED_USERS, Prisma
from helpers.sync import Converter
from helpers.sync.outbox import Outbox, Write, WriteType, install_done_writes
from helpers.target import Target

AUTHOR = next(iter(SEED_USERS.values()))


@dataclass
class Chat:
    """A room."""

    client: Prisma
    converter: Converter
    connection: psycopg.AsyncConnection[Any]
    room: int

    async def messages(self) -> list[dict[str, Any]]:
        query = "select id, body, kind::text, price, meta from messages where room_id = %s order by id"
        return await (await self.connection.execute(query, [self.room])).fetchall()

    async def bodies(self) -> list[str]:
        return [row["body"] for row in await self.messages()]

    async def message(self, body: str = "first") -> dict[str, Any]:
        """One that is there already, as Realtime would tell it."""
        query = (
            "insert into messages as m (room_id, author, body, updated_at) values (%s, %s, %s, now()) "
            "returning to_jsonb(m) as row"
        )
        found = await (await self.connection.execute(query, [self.room, str(AUTHOR), body])).fetchone()
        assert found is not None
        row: dict[str, Any] = found["row"]
        return row

    async def run(self, statement: str, *values: object) -> None:
        """What somebody else does."""
        await self.connection.execute(statement.encode(), values)

    def insert(self, body: str, key: object = "temporary:new", **values: Any) -> Write:
        row = {"id": key, "room_id": self.room, "author": str(AUTHOR), "body": body} | values
        return Write(WriteType.INSERT, (key,), row, table="messages")

    def update(self, row: dict[str, Any], **values: Any) -> Write:
        return Write(WriteType.UPDATE, (row["id"],), values, row, table="messages")


@pytest_asyncio.fixture(loop_scope="session")
async def room(chat: Target, client: Prisma, converter: Converter) -> AsyncIterator[Chat]:
    """A new room, and a connection past Prisma."""
    assert chat.database_url is not None
    options = f"-c search_path={chat.schema}"
    async with await psycopg.AsyncConnection.connect(
        chat.database_url, autocommit=True, row_factory=dict_row, options=options
    ) as connection:
        await install_done_writes(connection, schema=chat.schema)
        made = await client.room.create(data={"name": "outbox"})
        yield Chat(client, converter, connection, made.id)


@pytest_asyncio.fixture(loop_scope="session")
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    """An empty one, in a file."""
    async with Outbox(tmp_path / "outbox.db") as outbox:
        yield outbox
