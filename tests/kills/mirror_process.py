"""The process that is killed: mirrors a table into a file, until it is gone."""

from __future__ import annotations

from pathlib import Path

import msgspec

from helpers.resilience import BackoffSettings, ResilienceSettings, ResilientClient
from helpers.sync.mirroring import SqliteStore, TableMirror
from helpers.target import Target

__all__ = ["Order", "mirror"]

SETTINGS = ResilienceSettings(backoff=BackoffSettings(base_s=0.05, cap_s=0.5, spread_s=0.01), audit_s=0.5)


class Order(msgspec.Struct):
    """What to mirror, and where to."""

    target: Target
    table: str
    file: str
    most: int = 5


async def mirror(order: Order) -> None:
    """In small batches, so that many of the kills hit one."""
    async with (
        SqliteStore(Path(order.file), order.table) as store,
        ResilientClient(order.target, settings=SETTINGS) as client,
    ):
        await TableMirror(client, order.table, store, most=order.most, within_s=0.001).run()
