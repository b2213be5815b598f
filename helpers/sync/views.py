"""One row, as Realtime sends it and as Prisma returns it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from helpers.client import Channel, RealtimeClient
from helpers.prisma import prisma_client
from helpers.prisma.datamodel import Model, read_datamodel
from helpers.prisma.generate import SCHEMA
from helpers.sync.experiment import SUBSCRIBE_LIMIT_S, TABLE, as_server, why_not
from helpers.sync.load import Load, open_source
from helpers.target import Target
from helpers.wire.events import Change
from helpers.wire.frames import encode_json
from helpers.wire.join import ChangeBinding, JoinConfig

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RowViews", "one_row_twice"]

CHANGE_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True, repr=False)
class RowViews:
    """Both views, column by column: (column, value in the payload, Prisma's field, value of Prisma)."""

    rows: tuple[tuple[str, str, str, str], ...] = ()
    skipped: str = ""

    def to_frame(self) -> pd.DataFrame:
        """One row per column of the table."""
        import pandas as pd

        return pd.DataFrame(self.rows, columns=["column", "payload.new", "Prisma's field", "Prisma's value"])

    def __str__(self) -> str:
        return f"skipped: {self.skipped}" if self.skipped else self.to_frame().to_string(index=False)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"<p>skipped: {self.skipped}</p>" if self.skipped else str(self.to_frame().to_html(index=False))


async def one_row_twice(target: Target) -> RowViews:
    """Insert a message, take its change from Realtime, and read it through Prisma.

    Raises:
        PrismaError, NodeError, ConnectionFailed, JoinFailed: as `compare_strategies`.
        TimeoutError: the change did not come within 10 s.
    """
    skipped = why_not(target)
    if skipped:
        return RowViews(skipped=skipped)
    model = read_datamodel(SCHEMA).model_of_table(TABLE)
    client = await prisma_client(target)
    try:
        async with open_source(target, "one row") as source, as_server(target) as realtime:
            channel = await _subscribed(realtime, target, source.room)
            *_, identity = await source.insert(Load(inserts=4))  # the fourth has a price that no double can hold
            record = await _record_of(identity, channel)
            row = await getattr(client, model.accessor).find_unique(where={"id": identity})
    finally:
        await client.disconnect()
    return RowViews(_side_by_side(model, record, row))


async def _subscribed(realtime: RealtimeClient, target: Target, room: int) -> Channel:
    binding = ChangeBinding("INSERT", target.schema, TABLE, f"room_id=eq.{room}")
    channel = realtime.channel("one-row", JoinConfig(changes=(binding,)))
    await channel.subscribe(timeout=SUBSCRIBE_LIMIT_S)
    return channel


async def _record_of(identity: int, channel: Channel) -> dict[str, Any]:
    async with asyncio.timeout(CHANGE_LIMIT_S):
        async for event in channel.events():
            if isinstance(event, Change) and event.record["id"] == identity:
                return event.record
    raise TimeoutError("the channel ended before a change came")


def _side_by_side(model: Model, record: dict[str, Any], row: Any) -> tuple[tuple[str, str, str, str], ...]:
    """The payload's values as they stand in its JSON, Prisma's as Python shows them."""
    return tuple(
        (column, encode_json(record[column]).decode(), field.name, repr(getattr(row, field.name)))
        for column, field in model.columns.items()
    )
