"""A mirror on a disk that fills up. One `Order` on its stdin; then it says what happens, and waits for lines."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import msgspec

from helpers.errors import RunError
from helpers.resilience import ResilienceSettings, ResilientClient
from helpers.sync.mirroring import SqliteStore, TableMirror
from helpers.target import Target

__all__ = ["Order", "Report"]

#: Of the ballast, written until nothing more fits.
_BLOCK = bytes(4096)


class Order(msgspec.Struct):
    """What to mirror, and the folder on the small disk."""

    target: Target
    table: str
    folder: str


class Report(msgspec.Struct):
    """How far it is. error: the parts of the error, if there was one. ids: of the copy's rows."""

    what: str
    error: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()


async def main(order: Order) -> None:
    """Until the disk is full, and after there is room again."""
    file, ballast = Path(order.folder) / "copy.db", Path(order.folder) / "ballast"
    async with ResilientClient(order.target, settings=ResilienceSettings()) as client:
        async with SqliteStore(file, order.table) as store:
            mirror = TableMirror(client, order.table, store)
            running = asyncio.create_task(mirror.run())
            await mirror.caught_up()
            _fill(ballast)
            _say(Report("full"))
            try:
                await asyncio.wait_for(running, 30.0)
            except RunError as error:
                _say(Report("stopped", (error.tried, error.happened, error.advice), await _ids(store)))
        ballast.unlink()
        async with SqliteStore(file, order.table) as store:
            mirror = TableMirror(client, order.table, store)
            running = asyncio.create_task(mirror.run())
            await mirror.caught_up()
            _say(Report("caught up", (f"{mirror.snapshots} snapshots",), await _ids(store)))
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def _ids(store: SqliteStore) -> tuple[int, ...]:
    return tuple(row["id"] for row in await store.rows())


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(_BLOCK)


def _say(report: Report) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)))
    os._exit(0)
