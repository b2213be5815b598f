"""The process that is killed: adds numbered writes to an outbox and sends them."""

from __future__ import annotations

import asyncio
import itertools
import os
from dataclasses import replace
from pathlib import Path

import msgspec

from helpers.prisma import json_type, prisma_client
from helpers.prisma.datamodel import read_datamodel
from helpers.prisma.generate import SCHEMA
from helpers.sync import Converter
from helpers.sync.outbox import Outbox, PrismaWriter, Sender, Write, WriteType
from helpers.target import Target

__all__ = ["ROWS", "Order", "work"]

#: A new row, then so many updates of it, then the next one.
ROWS = 4


class Order(msgspec.Struct):
    """Where to write, which room's messages, and the files: the outbox, and what it promised to do."""

    target: Target
    room: int
    author: str
    file: str
    promises: str


async def work(order: Order) -> None:
    client = await prisma_client(order.target)
    converter = Converter.of(read_datamodel(SCHEMA), "messages", json_type(client))
    async with Outbox(Path(order.file)) as outbox:
        sending = asyncio.create_task(Sender(outbox, {"messages": PrismaWriter(client, converter)}).run())
        adding = asyncio.create_task(_add(outbox, order))
        await asyncio.gather(sending, adding)


async def _add(outbox: Outbox, order: Order) -> None:
    """Numbers go on where the last life ended. What was added is written down, as a user would remember it."""
    promises = os.open(order.promises, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    done = os.read(promises, 1 << 24).decode().split()
    for number in itertools.count(int(done[-1]) + 1 if done else 0):
        await outbox.add(_write(order, number))
        os.write(promises, f"{number}\n".encode())
        while len(await outbox.entries()) > 20:  # noqa: ASYNC110 - the file has no events
            await asyncio.sleep(0.005)


def _write(order: Order, number: int) -> Write:
    """The same again if the promise of the last life was not written down: the id is the number's."""
    name = f"temporary:{number // ROWS}"
    if number % ROWS == 0:
        row = {"id": name, "room_id": order.room, "author": order.author, "body": str(number)}
        write = Write(WriteType.INSERT, (name,), row, table="messages")
    else:
        write = Write(WriteType.UPDATE, (name,), {"body": str(number)}, table="messages")
    return replace(write, id=f"{order.room}/{number}")
