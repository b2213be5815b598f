"""The canary: sends itself messages on every path, for days, and tells what became of them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from helpers.client.stream import Pulse
from helpers.errors import ConnectionFailed, FailureError
from helpers.experiments.tables import own_table
from helpers.monitoring.canary.link import STATES, Link, Reason, timed_connection
from helpers.monitoring.canary.paths import BroadcastWay, ChangesWay, Way
from helpers.monitoring.canary.resources import Resources
from helpers.monitoring.canary.settings import CanarySettings
from helpers.monitoring.canary.teller import Teller
from helpers.monitoring.exporter import Sink
from helpers.monitoring.service import Service
from helpers.resilience import State
from helpers.target import Target
from helpers.wire.events import Change, Event

__all__ = ["Canary", "Moment", "watching"]

#: Moments that are kept to be shown.
KEPT = 200
#: Messages of one path that may be on their way out at once; a database that hangs would pile them up.
MOST_SENDING = 20


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened.

    Attributes:
        number: each has the next one, whatever the clock does. at: seconds since 1970. channel: whose.
        says: what, in words.
    """

    number: int
    at: float
    channel: str
    says: str

    def __str__(self) -> str:
        return f"{time.strftime('%H:%M:%S', time.localtime(self.at))} {self.channel}: {self.says}"


class Canary:
    """Watches until it is cancelled; made by `watching`.

    Attributes:
        tellers: one for each way, with its ledger. states: of each channel, by name. moments: the latest 200.
    """

    def __init__(self, target: Target, ways: Sequence[Way], sink: Sink, settings: CanarySettings) -> None:
        now = self._started = time.monotonic()
        self._target, self._sink, self._settings = target, sink, settings
        self.tellers = {
            way.name: Teller(way, Service(now, settings.patience_s, settings.forget_s), sink) for way in ways
        }
        self.states = {way.name: State.CONNECTING for way in ways}
        self.moments: deque[Moment] = deque(maxlen=KEPT)
        self._link = Link(target, ways, sink, settings, self._hear, self._tell)
        self._resources = Resources(target, sink, settings, subscriptions=len(ways))
        self._sending: dict[str, set[asyncio.Task[None]]] = {way.name: set() for way in ways}
        self._numbers = dict.fromkeys(self.tellers, 0)
        self._heard = Pulse()

    async def run(self) -> None:
        """Watch, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._link.run())
                tasks.create_task(self._tick())
                tasks.create_task(self._time_connections())
                tasks.create_task(self._resources.run())
        finally:
            for task in chain.from_iterable(self._sending.values()):
                task.cancel()

    async def heard(self) -> None:
        """Until the next of its messages arrives."""
        await self._heard.wait()

    async def wait_serving(self, messages: int = 1, timeout_s: float = 60.0) -> None:
        """Until every channel serves and has received so many messages altogether.

        Raises:
            FailureError: it does not come to that; with what became of each channel.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not all(one.is_serving and one.service.received >= messages for one in self.tellers.values()):
                    await self.heard()
        except TimeoutError:
            tried = f"waiting for {messages:,} messages of the canary on each channel"
            stood = (f"{name} {self.states[name]}, {one.service.received:,}" for name, one in self.tellers.items())
            happened = f"after {timeout_s:g} s: {'; '.join(stood)} received"
            raise FailureError(tried, happened, "Look at the diagnosis: `workbook doctor`") from None

    async def _tick(self) -> None:
        """A message on each way every so often, at times that do not drift."""
        due = time.monotonic()
        while True:
            for teller in self.tellers.values():
                self._send(teller)
            due = max(due + self._settings.every_s, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            self._resources.late(time.monotonic() - due)
            for teller in self.tellers.values():
                self._look(teller)

    def _send(self, teller: Teller) -> None:
        name, now = teller.way.name, time.monotonic()
        due = now
        if not teller.begun:
            if now - self._started < self._settings.join_timeout_s:
                return  # watching begins when the channel stands: nobody fails because it is still coming up
            due = self._started  # it did not come up: it has been down since the start
            teller.begin(due)
        number = self._numbers[name]
        self._numbers[name] += 1
        teller.service.announce(number, due)
        sending = self._sending[name]
        if len(sending) < MOST_SENDING:
            task = asyncio.create_task(self._hand_over(teller, number))
            sending.add(task)
            task.add_done_callback(sending.discard)

    async def _hand_over(self, teller: Teller, number: int) -> None:
        with contextlib.suppress(FailureError, TimeoutError):  # not sent is not served: the ledger sees it
            async with asyncio.timeout(self._settings.forget_s):
                await teller.way.send(self._link.channel(teller.way.name), number)
            teller.sent()

    def _hear(self, way: Way, event: Event) -> None:
        number = way.number_of(event)
        if number is None:
            return
        arrival = self.tellers[way.name].arrived(number, event.received_at, event.size_bytes)
        if isinstance(event, Change) and event.commit_timestamp is not None:
            committed = datetime.fromisoformat(event.commit_timestamp)
            lag_s = max(0.0, time.time() - committed.timestamp())
            self._sink.observe("poll_lag_seconds", lag_s, channel=way.name)
        if arrival.ended is not None:
            self._note(way.name, f"serves again after {arrival.ended.seconds:.1f} s")
        self._heard.beat()

    def _look(self, teller: Teller) -> None:
        was_serving = teller.service.is_serving
        teller.look(time.monotonic())
        if teller.begun and not teller.is_serving:
            self._link.suspect(teller.way.name, teller.service.outage_s or 0.0)
            if was_serving:
                self._note(teller.way.name, "messages do not arrive")

    def _tell(self, name: str, state: State, reason: str) -> None:
        self.states[name] = state
        if state is State.LIVE and not self.tellers[name].begun:
            self.tellers[name].begin(time.monotonic())
        for one in STATES:
            self._sink.set("state", float(one is state), channel=name, state=one)
        if reason:
            self._note(name, f"{state}: {reason}")

    def _note(self, name: str, says: str) -> None:
        number = self.moments[-1].number + 1 if self.moments else 1
        self.moments.append(Moment(number, time.time(), name, says))

    async def _time_connections(self) -> None:
        while True:
            await asyncio.sleep(self._settings.connect_every_s)
            try:
                seconds = await timed_connection(self._target, self._settings.timeout_s)
            except ConnectionFailed:  # the link may not notice: it keeps the socket that it has
                self._sink.add("failed_attempts", reason=Reason.REFUSED)
            else:
                self._sink.observe("connect_seconds", seconds)


@asynccontextmanager
async def watching(target: Target, sink: Sink, settings: CanarySettings | None = None) -> AsyncIterator[Canary]:
    """A canary that watches while its block runs.

    Broadcasts are watched on every target. Database changes need a table of its own, so they are watched where writing
    is allowed; it is dropped at the end.

    Raises:
        FailureError: the table cannot be made.
    """
    settings = settings or CanarySettings()
    async with AsyncExitStack() as stack:
        ways: list[Way] = [BroadcastWay("workbook-canary-broadcast", settings.payload_bytes)]
        if target.writes_allowed and target.database_url:
            table = await stack.enter_async_context(own_table(target))
            changes = ChangesWay(target, table, "workbook-canary-changes", settings.payload_bytes)
            await changes.prepare()
            ways.append(changes)
        for way in ways:
            stack.push_async_callback(way.close)
        made = Canary(target, ways, sink, settings)
        await stack.enter_async_context(_running(made))
        yield made


@asynccontextmanager
async def _running(made: Canary) -> AsyncIterator[None]:
    """A canary that fails takes the block along: nobody is to look at metrics that stand still."""
    try:
        async with asyncio.TaskGroup() as tasks:
            work = tasks.create_task(made.run(), name="the canary")
            yield
            work.cancel()
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
