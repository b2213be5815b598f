"""Faults of whoever uses the lab: its process, its clock, its disk, its tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from helpers.lab.network import Ending

if TYPE_CHECKING:
    from helpers.lab.faults.scene import Scene

__all__ = ["Application", "asleep", "clock_back", "disk_full", "killed", "token_expires"]

#: What a laptop's clock says to have passed when its lid is opened again.
_SLEPT_S = 600.0

#: For so long its process really does not run, at least.
_NAP_S = 1.0

#: By so much a clock is set back.
_BACK_S = 3_600.0

#: How long a token lives that is to expire.
_TOKEN_LIFE_S = 2


class Application(Protocol):
    """A process that uses a scene's `service`, as far as something can happen to it and not to the server."""

    async def stop(self) -> None:
        """None of its steps is done any more, until `go_on`: SIGSTOP."""

    async def go_on(self) -> None:
        """From where it was stopped: SIGCONT."""

    async def kill(self) -> None:
        """End it at whatever step it is, with -9."""

    async def start(self) -> None:
        """Begin anew, with what is on its disk."""

    def set_clock(self, ahead_s: float) -> None:
        """Its wall clock is so far ahead of the true time; its monotonic one is not touched."""

    def fill_disk(self) -> None:
        """No byte more fits onto its disk, until `free_disk`."""

    def free_disk(self) -> None:
        """There is room again."""

    async def outlive_token(self, life_s: float) -> None:
        """Give it a token that lives so long, and no other until `give_tokens`; return when that one has expired."""

    def give_tokens(self) -> None:
        """It gets fresh ones again, which live long."""


@asynccontextmanager
async def asleep(scene: Scene, seconds: float) -> AsyncIterator[None]:
    """The process does not run, its connections go without its knowledge, and its clock has gone on by 10 minutes.

    What of it is not real is that the 10 minutes pass in a second: the clock is right again at the end of the block.
    """
    application = scene.application
    await application.stop()
    scene.via.cut(Ending.SERVER_GONE)
    await asyncio.sleep(max(seconds, _NAP_S))
    application.set_clock(_SLEPT_S)
    await application.go_on()
    try:
        yield
    finally:
        application.set_clock(0.0)


@asynccontextmanager
async def clock_back(scene: Scene, _seconds: float) -> AsyncIterator[None]:
    """By an hour, and right again at the end."""
    scene.application.set_clock(-_BACK_S)
    try:
        yield
    finally:
        scene.application.set_clock(0.0)


@asynccontextmanager
async def disk_full(scene: Scene, _seconds: float) -> AsyncIterator[None]:
    scene.application.fill_disk()
    try:
        yield
    finally:
        scene.application.free_disk()


@asynccontextmanager
async def killed(scene: Scene, seconds: float) -> AsyncIterator[None]:
    """Somewhere between two writes, or within one."""
    await scene.application.kill()
    await asyncio.sleep(seconds)
    await scene.application.start()
    yield


@asynccontextmanager
async def token_expires(scene: Scene, _seconds: float) -> AsyncIterator[None]:
    """While it is in use, and whoever gives fresh ones cannot be reached."""
    await scene.application.outlive_token(_TOKEN_LIFE_S)
    try:
        yield
    finally:
        scene.application.give_tokens()
