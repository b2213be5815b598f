"""Faults of the connection between client and server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from helpers.lab.faults.scene import Scene
from helpers.lab.network import BLACK_HOLE, PERFECT, Conditions, Ending, Way

__all__ = ["black_hole", "half_open", "latency_spike", "proxy_closes", "refused", "reset", "sliced"]


@asynccontextmanager
async def reset(scene: Scene, _seconds: float) -> AsyncIterator[None]:
    scene.via.cut(Ending.RESET)
    yield


@asynccontextmanager
async def proxy_closes(scene: Scene, _seconds: float) -> AsyncIterator[None]:
    scene.via.cut(Ending.CLOSE)
    yield


@asynccontextmanager
async def half_open(scene: Scene, _seconds: float) -> AsyncIterator[None]:
    scene.via.cut(Ending.SERVER_GONE)
    yield


@asynccontextmanager
async def _under(scene: Scene, conditions: Conditions) -> AsyncIterator[None]:
    scene.via.set(conditions)
    try:
        yield
    finally:
        scene.via.set(PERFECT)


def black_hole(scene: Scene, _seconds: float) -> AbstractAsyncContextManager[None]:
    return _under(scene, BLACK_HOLE)


def refused(scene: Scene, _seconds: float) -> AbstractAsyncContextManager[None]:
    return _under(scene, Conditions(name="refused", refuses=True))


def latency_spike(scene: Scene, _seconds: float) -> AbstractAsyncContextManager[None]:
    slow = Way(latency_ms=1_500)
    return _under(scene, Conditions(name="latency spike", to_server=slow, to_client=slow))


def sliced(scene: Scene, _seconds: float) -> AbstractAsyncContextManager[None]:
    drops = Way(slice_bytes=7, slice_pause_ms=1)
    return _under(scene, Conditions(name="sliced", to_server=drops, to_client=drops))
