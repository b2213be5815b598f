"""The process that is killed: mirrors the messages into their second table through Prisma, until it is gone."""

from __future__ import annotations

import asyncio

import msgspec

from helpers.errors import RunError
from helpers.prisma import json_type, prisma_client
from helpers.prisma.datamodel import read_datamodel
from helpers.prisma.generate import SCHEMA
from helpers.resilience import ResilientClient
from helpers.sync import Converter
from helpers.sync.mirroring import PrismaStore, TableMirror
from helpers.target import Target
from tests.kills.mirror_process import SETTINGS

__all__ = ["COPY", "Order", "mirror"]

#: The model of the copy, as Prisma's client names it.
COPY = "mirroredmessage"

#: The engine of a process that was killed may still commit what it was given: then this one has to begin anew.
_ANEW_S = 0.1


class Order(msgspec.Struct):
    """Whose messages to mirror."""

    target: Target
    most: int = 5


async def mirror(order: Order) -> None:
    """In small batches, so that many of the kills hit one."""
    while True:
        try:
            await _live(order)
        except RunError:
            await asyncio.sleep(_ANEW_S)


async def _live(order: Order) -> None:
    client = await prisma_client(order.target)
    converter = Converter.of(read_datamodel(SCHEMA), "messages", json_type(client))
    try:
        async with (
            PrismaStore(client, converter, COPY) as store,
            ResilientClient(order.target, settings=SETTINGS) as realtime,
        ):
            mirror = TableMirror(
                realtime, "messages", store, schema=order.target.schema, most=order.most, within_s=0.001
            )
            await mirror.run()
    finally:
        await client.disconnect()
