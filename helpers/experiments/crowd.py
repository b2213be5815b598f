"""Subscribers that differ in who they are: each a socket with its own token, all in this process."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Self

from helpers.client import RealtimeClient
from helpers.errors import FailureError
from helpers.target import Target
from helpers.wire.events import Change, Event
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["Crowd", "Receipt", "Seat"]

#: Sockets that are opened at the same time.
AT_ONCE = 50

#: "Subscribed to PostgreSQL" may take seconds after a cold start (supabase/realtime#281: up to 4.4 s).
READY_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Seat:
    """One subscriber: what is asked for, and as whom (None: as the key's role)."""

    bindings: tuple[ChangeBinding, ...]
    token: str | None = field(default=None, repr=False)


class Receipt(NamedTuple):
    """A change, and the place of the seat that received it."""

    seat: int
    change: Change


class Crowd:
    """`async with Crowd(target, seats) as crowd:` everybody is subscribed; leaving it closes all sockets.

    They stay subscribed from one run to the next, so that a run costs nothing but what its changes cost.

    Attributes:
        receipts: in order of arrival, since the last `forget`.
    """

    def __init__(self, target: Target, seats: Sequence[Seat]) -> None:
        self._target = target
        self._seats = seats
        self._clients: list[RealtimeClient] = []
        self._enough: Callable[[], bool] = _never
        self._heard = asyncio.Event()
        self.receipts: list[Receipt] = []

    async def __aenter__(self) -> Self:
        gate = asyncio.Semaphore(AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                for place, seat in enumerate(self._seats):
                    group.create_task(self._take(place, seat, gate))
        except BaseExceptionGroup as failed:
            await self._close()
            raise failed.exceptions[0] from None
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    @property
    def seats(self) -> int:
        return len(self._seats)

    @property
    def wire_bytes_in(self) -> int:
        """What came through all sockets so far."""
        return sum(client.counters.wire_bytes_in for client in self._clients)

    def forget(self) -> None:
        """Begin a new count."""
        self.receipts = []

    async def hear(self, count: int, quiet_s: float) -> bool:
        """Wait until so many changes have arrived since the last `forget`; False if nothing comes for `quiet_s`.

        Raises:
            FailureError: a socket was lost meanwhile.
        """
        return await self._until(lambda: len(self.receipts) >= count, quiet_s)

    async def hear_all(self, wanted: Callable[[Change], bool], quiet_s: float) -> bool:
        """Wait until every seat has a change that is wanted; False if nothing comes for `quiet_s`.

        Raises:
            FailureError: a socket was lost meanwhile.
        """
        return await self._until(
            lambda: len({receipt.seat for receipt in self.receipts if wanted(receipt.change)}) == self.seats, quiet_s
        )

    async def _until(self, enough: Callable[[], bool], quiet_s: float) -> bool:
        self._enough = enough
        self._heard.clear()
        before = -1
        while not enough() and len(self.receipts) > before:
            before = len(self.receipts)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._heard.wait(), quiet_s)
        self._enough = _never
        for client in self._clients:
            if client.reason:
                raise FailureError("listening to changes", f"a socket was lost: {client.reason}", "Try a smaller size")
        return enough()

    async def _take(self, place: int, seat: Seat, gate: asyncio.Semaphore) -> None:
        async with gate:
            client = RealtimeClient(self._target, token=seat.token)
            self._clients.append(client)
            await client.connect()
            channel = client.channel(f"workbook:{secrets.token_hex(6)}", JoinConfig(changes=seat.bindings), buffer=1)
            channel.on_event(lambda event: self._receive(place, event))
            await channel.subscribe(timeout=READY_LIMIT_S)

    async def _close(self) -> None:
        await asyncio.gather(*(client.close() for client in self._clients))

    def _receive(self, place: int, event: Event) -> None:
        if isinstance(event, Change):
            self.receipts.append(Receipt(place, event))
            if self._enough():
                self._heard.set()


def _never() -> bool:
    return False
