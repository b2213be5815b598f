"""Who listens for a fleet: members that are asked twice, wherever they run."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from helpers.profiling.clocks import Skew
from helpers.profiling.receiving.listener import Listening
from helpers.profiling.receiving.received import Received

__all__ = ["Crew", "Member", "Ready", "Report", "Start", "settle_memory"]


class Ready(msgspec.Struct, frozen=True):
    """So many subscriptions stand; or what went wrong, and the member is out."""

    joined: int = 0
    pid: int = 0
    error: str = ""


class Start(msgspec.Struct, frozen=True):
    """From when on messages may be sent (monotonic seconds of the member's machine)."""

    at: float


class Report(msgspec.Struct, frozen=True):
    """What was received; or what went wrong."""

    received: Received | None = None
    error: str = ""


class Member(Protocol):
    """A process that listens. Every method raises `WorkerGone` when there is no answer.

    Attributes:
        name: as people are told of it.
        notes: what they must know of it beforehand.
    """

    name: str
    notes: tuple[str, ...]

    async def skew(self) -> Skew:
        """Of its clock against ours, as of now."""

    async def ready(self, order: Listening, limit_s: float) -> Ready:
        """Have it join."""

    async def report(self, start: Start, limit_s: float) -> Report:
        """Have it receive."""


class Crew(Protocol):
    """Makes members, and sees that nothing is left of them."""

    def members(self, most: int) -> AbstractAsyncContextManager[Sequence[Member]]:
        """As many as it was made for, but not more than `most`.

        Raises:
            WorkbookError: there can be none at all.
        """


def settle_memory() -> None:
    """Thousands of sockets, none of which is garbage, are looked through no more, until `gc.unfreeze`."""
    gc.collect()
    gc.freeze()
