"""Faults of the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from helpers.lab.faults.dump import dump, restore
from helpers.lab.faults.scene import Scene

__all__ = ["failover", "operator_disconnects", "rate_limit", "restart"]


#: Between two looks at the counters of events (supabase/realtime, `realtime_channel.ex`).
COUNTED_S = 5.0


@asynccontextmanager
async def operator_disconnects(scene: Scene, _seconds: float) -> AsyncIterator[None]:
    await scene.operate("POST", "/reload")
    yield


@asynccontextmanager
async def rate_limit(scene: Scene, _seconds: float) -> AsyncIterator[None]:
    """One event a second, averaged over a minute: changes are dropped after the first sixty, from the next look on."""
    before = int(scene.events_per_s)
    await scene.operate("PUT", tenant={"max_events_per_second": 1})
    await asyncio.sleep(COUNTED_S)
    try:
        yield
    finally:
        await scene.operate("PUT", tenant={"max_events_per_second": before})


@asynccontextmanager
async def restart(scene: Scene, seconds: float) -> AsyncIterator[None]:
    """Back when the block begins: a start takes its second by itself."""
    await scene.stop_lab()
    await asyncio.sleep(seconds)
    await scene.start_lab()
    yield


@asynccontextmanager
async def failover(scene: Scene, seconds: float) -> AsyncIterator[None]:
    """What was committed is there, on a server that numbers its transactions anew and has no slots."""
    text = await asyncio.to_thread(dump, scene.database_url)
    await scene.stop_lab()
    await asyncio.sleep(seconds)
    await scene.move(lambda database_url: restore(database_url, text))
    yield
