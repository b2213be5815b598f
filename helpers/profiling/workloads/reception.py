"""The subscribers of a measurement, on their sockets."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from helpers.client import Channel, RealtimeClient
from helpers.errors import FailureError
from helpers.profiling.histogram import Histogram
from helpers.profiling.ledger import Bools
from helpers.profiling.workloads.audience import Audience
from helpers.profiling.workloads.quota import JOINS_PER_S
from helpers.profiling.workloads.recorder import Recorder
from helpers.profiling.workloads.writer import Planned
from helpers.target import Target, TargetKind
from helpers.wire.events import Event
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["READY_LIMIT_S", "Reception", "drained"]

#: After a cold start, "Subscribed to PostgreSQL" may take seconds (field: up to 4.4 s, supabase/realtime#281).
READY_LIMIT_S = 20.0

#: Sockets that connect and join at a time.
AT_ONCE = 20


class Reception:
    """`async with Reception(target, planned, audience) as reception` connects and subscribes everybody.

    Args:
        tokens: of the users that subscribe, in turns over the sockets; none subscribes with the key alone.

    Attributes:
        failures: why subscribers could not come in, and how many.
        present: which subscribers came in.
        joining: how long it took to come back.
    """

    def __init__(self, target: Target, planned: Planned, audience: Audience, tokens: Sequence[str] = ()) -> None:
        self.failures: Counter[str] = Counter()
        self._target, self._planned, self._audience, self._tokens = target, planned, audience, tokens
        self._clients: dict[int, RealtimeClient] = {}
        self._channels: dict[int, Channel] = {}
        self._next_join = 0.0
        self._windows: dict[int, list[tuple[float, float]]] = {}
        self.joining = Histogram()

    async def __aenter__(self) -> Self:
        try:
            await self._gather()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    @property
    def present(self) -> tuple[int, ...]:
        return tuple(sorted(self._channels))

    @property
    def wire_bytes(self) -> int:
        """Everything that came through the sockets."""
        return sum(client.counters.wire_bytes_in for client in self._clients.values())

    def record_into(self, recorder: Recorder) -> None:
        """Enter every message from now on."""
        for subscriber, channel in self._channels.items():
            channel.on_event(_entering(recorder, subscriber))

    @asynccontextmanager
    async def churning(self, recorder: Recorder) -> AsyncIterator[None]:
        """Let the leavers leave and come back, as long as the block runs."""
        leavers = [one for one in self._audience.leavers if one in self._channels]
        comings = [
            asyncio.create_task(self._come_and_go(one, place / len(leavers), recorder))
            for place, one in enumerate(leavers)
        ]
        try:
            yield
        finally:
            for task in comings:
                task.cancel()
            await asyncio.gather(*comings, return_exceptions=True)

    def attendance(self, subscriber: int) -> Sequence[tuple[float, float]] | None:
        """From when to when a leaver was there (monotonic seconds); None for those who stay."""
        return self._windows.get(subscriber)

    def endings(self) -> Counter[str]:
        """Why channels ended before they were asked to, and how many."""
        return Counter(channel.reason for channel in self._channels.values() if channel.reason)

    def name_of(self, subscriber: int) -> tuple[str, str]:
        """Socket and channel, for a reader."""
        socket = self._audience.socket_of(subscriber)
        return f"socket {socket}", f"channel {subscriber // self._audience.connections}"

    async def _gather(self) -> None:
        turns = iter(range(self._audience.connections))

        async def some() -> None:
            for socket in turns:
                await self._add(socket)

        await asyncio.gather(*(some() for _ in range(min(AT_ONCE, self._audience.connections))))
        if not self._channels:
            tried = f"subscribing {self._audience.subscribers:,} subscribers"
            reason = self.failures.most_common(1)[0][0]
            advice = "Check the target's limits and its Realtime logs"
            raise FailureError(tried, f"none of them came in: {reason}", advice)

    async def _add(self, socket: int) -> None:
        """One connection and its channels; who cannot come in does not stop the others."""
        subscribers = range(socket, self._audience.subscribers, self._audience.connections)
        token = self._tokens[socket % len(self._tokens)] if self._tokens else None
        client = RealtimeClient(self._target, token=token, version=self._audience.version)
        try:
            await client.connect()
        except FailureError as error:
            self.failures[error.happened] += len(subscribers)
            return
        self._clients[socket] = client
        for subscriber in subscribers:
            await self._subscribe(client, subscriber)

    async def _come_and_go(self, subscriber: int, turn: float, recorder: Recorder) -> None:
        """The first time a leaver goes at its turn, so that they do not all go at once."""
        churn, client = self._audience.churn, self._clients[self._audience.socket_of(subscriber)]
        assert churn is not None
        windows = self._windows.setdefault(subscriber, [])
        windows.append((0.0, math.inf))
        await asyncio.sleep(churn.stay_s * (0.5 + turn))
        while (channel := self._channels.pop(subscriber, None)) is not None:
            windows[-1] = windows[-1][0], time.monotonic()
            await channel.leave()
            await asyncio.sleep(churn.away_s)
            asked_at = time.monotonic()
            await self._subscribe(client, subscriber, recorder)
            if subscriber in self._channels:
                self.joining.record(time.monotonic() - asked_at)
                windows.append((time.monotonic(), math.inf))
                await asyncio.sleep(churn.stay_s)

    async def _subscribe(self, client: RealtimeClient, subscriber: int, recorder: Recorder | None = None) -> None:
        await self._turn()
        channel = client.channel(self._topic(subscriber), self._config(subscriber), buffer=1)
        if recorder is not None:
            channel.on_event(_entering(recorder, subscriber))
        try:
            await channel.subscribe(timeout=READY_LIMIT_S)
        except FailureError as error:
            self.failures[error.happened] += 1
        else:
            self._channels[subscriber] = channel

    async def _turn(self) -> None:
        """On a target that is not the lab, joins keep well below the quota."""
        if self._target.kind is not TargetKind.LAB:
            self._next_join = max(self._next_join + 1 / JOINS_PER_S, time.monotonic())
            await asyncio.sleep(self._next_join - time.monotonic())

    def _topic(self, subscriber: int) -> str:
        topics = self._planned.topics
        if topics:
            return topics[self._audience.topic_of(subscriber, len(topics))]
        return f"workbook:{secrets.token_hex(4)}"

    def _config(self, subscriber: int) -> JoinConfig:
        workload, audience = self._planned.workload, self._audience
        if workload.is_broadcast:
            return JoinConfig(private=workload.private)
        bindings = [
            ChangeBinding(audience.event, self._target.schema, workload.table, row_filter, audience.select)
            for row_filter in audience.filters_of(subscriber)
        ]
        return JoinConfig(changes=bindings)

    async def _close(self) -> None:
        await asyncio.gather(*(client.close() for client in self._clients.values()), return_exceptions=True)


def _entering(recorder: Recorder, subscriber: int) -> Callable[[Event], None]:
    return lambda event: recorder.on_event(subscriber, event)


async def drained(
    recorder: Recorder, expected: int, quiet_s: float, limit_s: float, wanted: Bools | None = None
) -> bool:
    """Wait until so much has come that should come; False if it has not, and nothing comes any more.

    Args:
        wanted: which messages these are, one row for each subscriber, where others may come as well.
        quiet_s: give up when nothing has come for so long. limit_s: or after so long in any case.
    """
    began = time.monotonic()
    while recorder.wanted < expected or (wanted is not None and (wanted & ~recorder.ledger.seen()).any()):
        now = time.monotonic()
        if now - max(began, recorder.last_at) > quiet_s or now - began > limit_s:
            return False
        await asyncio.sleep(0.005)
    return True
