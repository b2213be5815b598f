"""Ways to bring the changes of a log into a second store, from the obvious one to the quickest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from helpers.prisma import Prisma
from helpers.resilience import Item, ResilientClient
from helpers.sync import BatchWriter, Converter, PrismaTable
from helpers.sync.mirroring import MemoryStore, PrismaStore, SqliteStore, Store, TableMirror
from helpers.target import Target

__all__ = ["Arm", "Stage", "arms_of"]

COPY = "mirroredmessage"
TABLE = "mirrored_messages"


@dataclass(slots=True)
class Stage:
    """What the arms of a round share.

    Attributes:
        items: of the log, in its order. behind: stores that have a snapshot of before these.
        errors: of the arm that runs.
    """

    target: Target
    client: Prisma
    converter: Converter
    folder: Path
    items: Sequence[Item] = ()
    behind: dict[str, Store] = field(default_factory=dict)
    errors: int = 0


@dataclass(frozen=True, slots=True)
class Arm:
    """`writes_copy`: into the second table of the database, which can be compared there."""

    name: str
    run: Callable[[Stage], Awaitable[None]]
    writes_copy: bool = True


async def naive(stage: Stage) -> None:
    """The handler that everybody writes first: one call of Prisma per change, and nobody waits for it."""
    table = getattr(stage.client, COPY)

    async def handle(item: Item) -> None:
        try:
            await _one_call(table, item, stage.converter)
        except Exception:
            stage.errors += 1

    await asyncio.gather(*map(handle, stage.items))


async def awaited(stage: Stage) -> None:
    """The same, one after the other, so that the order is kept."""
    table = getattr(stage.client, COPY)
    for item in stage.items:
        await _one_call(table, item, stage.converter)


async def _one_call(table: Any, item: Item, converter: Converter) -> None:
    [identity] = item.key if isinstance(item.key, tuple) else (item.key,)
    if item.type == "INSERT":
        await table.create(data=converter.data(item.record))
    elif item.type == "UPDATE":
        await table.update(where={"id": identity}, data=converter.data(item.record))
    else:
        await table.delete(where={"id": identity})


async def official(stage: Stage) -> None:
    """As the official clients' examples have it: an awaited call of the Data API in the handler of each change."""
    key = stage.target.secret_key or ""
    headers = {"apikey": key, "Authorization": f"Bearer {key}", "Prefer": "resolution=merge-duplicates,return=minimal"}
    address = f"{stage.target.rest_url}/{TABLE}"
    async with aiohttp.ClientSession(headers=headers) as session:
        for item in stage.items:
            if item.record:
                record = {name: _told(value) for name, value in item.record.items()}
                call = session.post(address, json=record)
            else:
                [identity] = item.key if isinstance(item.key, tuple) else (item.key,)
                call = session.delete(address, params={"id": f"eq.{identity}"})
            async with call as answer:
                stage.errors += answer.status >= 300


def _told(value: Any) -> Any:
    """`numeric` as a text: a JSON number of Python's would lose digits."""
    return value if isinstance(value, str | int | float | dict | list | None) else str(value)


def in_batches(most: int) -> Callable[[Stage], Awaitable[None]]:
    async def run(stage: Stage) -> None:
        writer = BatchWriter(PrismaTable(stage.client, stage.converter, COPY).apply)
        for first in range(0, len(stage.items), most):
            await writer(stage.items[first : first + most])
        stage.errors += len(writer.set_aside)

    return run


def mirrored(store: str) -> Callable[[Stage], Awaitable[None]]:
    """A mirror that was away, and catches up: it connects, joins, reads the log and writes its store."""

    async def run(stage: Stage) -> None:
        async with ResilientClient(stage.target.as_service()) as realtime:
            mirror = TableMirror(realtime, "messages", stage.behind[store], schema=stage.target.schema)
            task = asyncio.create_task(mirror.run())
            try:
                await mirror.caught_up()
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        stage.errors += mirror.snapshots

    return run


async def stores_behind(stage: Stage, number: int) -> dict[str, Store]:
    """One of each kind, open, and empty yet."""
    file = SqliteStore(stage.folder / f"round{number}.db", "messages")
    through_prisma = PrismaStore(stage.client, stage.converter, COPY)
    await file.__aenter__()
    await through_prisma.__aenter__()
    return {"memory": MemoryStore(), "sqlite": file, "prisma": through_prisma}


def arms_of() -> Sequence[Arm]:
    return (
        Arm("naive: a call of Prisma per change", naive),
        Arm("the same, each awaited", awaited),
        Arm("official: Data API call per change", official),
        *(Arm(f"batches of {most:,}", in_batches(most)) for most in (10, 100, 1_000)),
        Arm("TableMirror, PrismaStore", mirrored("prisma")),
        Arm("TableMirror, SqliteStore", mirrored("sqlite"), writes_copy=False),
        Arm("TableMirror, MemoryStore", mirrored("memory"), writes_copy=False),
    )
