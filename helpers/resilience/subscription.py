"""One subscription that survives: serves the application through a socket, past it, and over the gaps between sockets.

    async with ResilientClient(target) as client:
        subscription = client.subscribe(ChangeLog(SqlLogReader(database_url), "messages"))
        async for item in subscription:
            ...

Everything goes one way: from the stream or from a read to `_deliver`, which asks the source whether it is new, puts it
into the queue, and marks it. Nothing awaits between the last two, so that whatever is cancelled, an item is
delivered and marked, or neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Hashable
from typing import Protocol, Self

from helpers.client import Channel, ClientState, RealtimeClient
from helpers.errors import ConnectionFailed, FailureError, JoinFailed, WorkbookError
from helpers.pacing import BoundedQueue, batches
from helpers.resilience.backoff import Backoff
from helpers.resilience.lifecycle import Happened, Lifecycle, State, Transition
from helpers.resilience.settings import ResilienceSettings
from helpers.resilience.source import CHECKPOINT, Gap, Item, Origin, Source
from helpers.wire.events import System
from helpers.wire.refusals import is_crowding, is_lasting, is_token_refusal, join_advice

__all__ = ["Host", "Subscription"]

#: Events that wait in the channel while a read is under way. What does not fit is a gap, and read again.
BUFFER = 10_000

#: Items that were read and are remembered, to know whether the stream brings them, too.
REMEMBERED = 10_000

#: How the poll's interval grows while nothing is found.
SLOWER = 1.5

#: How much longer a poll may wait than it would, by chance, so that the clients of a server do not ask all together.
APART = 0.5

#: Fresh tokens that may be refused in a row.
TOKENS = 3

#: The server says this of a table that is not published, and while a publication is being changed.
UNPUBLISHED = "Please check Realtime is enabled"


class Host(Protocol):
    """What a subscription needs of its client."""

    async def may_join(self, socket: RealtimeClient) -> None: ...

    def replace_token(self, refused: str | None) -> bool: ...

    def note_crowd(self) -> None: ...


class Subscription:
    """Made by `ResilientClient.subscribe`. Iterate over it, or over `batches`; one reader.

    Attributes:
        name: of its channel. source: see `Source`.
        life: its `Lifecycle`, with every transition and its reason.
        delivered: items by the way they came.
        repeated: items of the stream that had been delivered before, and were held back. overtaken: those of them that
            a read had brought first. gaps: how often something was missing in the stream.
        queue: what waits for the application, with its counts.
        unaudited: why the last look whether the stream brought everything was not possible; empty if it was.
        error: why it is closed, if it was refused; the iteration raises it.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        settings: ResilienceSettings,
        queue: BoundedQueue[Item],
        backoff: Backoff,
        *,
        worked_before: bool = False,
    ) -> None:
        self.name, self.source, self.queue = name, source, queue
        self.life = Lifecycle(time.monotonic())
        self.delivered: Counter[Origin] = Counter()
        self.repeated = self.overtaken = self.gaps = 0
        self._read_first: OrderedDict[Hashable, None] = OrderedDict()
        self.unaudited = ""
        self._audits_failed = 0
        self.error: WorkbookError | None = None
        self._settings, self._backoff = settings, backoff
        self._poller: asyncio.Task[None] | None = None
        self._server: asyncio.Task[None] | None = None
        self._refused_tokens = 0
        self._reading = asyncio.Lock()
        self._changed = asyncio.Event()
        self._worked_before = worked_before
        self._refused_since: float | None = None
        self.life.on_transition(self._on_transition)

    # What the application uses

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        while not (items := self.queue.take(1)):
            if not await self.queue.wait():
                raise self.error or StopAsyncIteration
        return items[0]

    def batches(self, most: int = 500, within_s: float = 0.05) -> AsyncIterator[list[Item]]:
        """Items together: as soon as there are `most`, or the first one has waited for `within_s`."""
        return batches(self.queue, most=most, within_s=within_s)

    @property
    def lost_by_stream(self) -> int:
        """Items that Realtime did not bring: they were read, and have not come by the stream since."""
        return self.delivered.total() - self.delivered[Origin.STREAM] - self.overtaken

    @property
    def state(self) -> State:
        return self.life.state

    async def wait_for(self, *states: State, timeout: float = 30.0) -> State:
        """Until it is in one of these states.

        Raises:
            FailureError: it is not in time, or never will be, as it was closed.
        """
        try:
            async with asyncio.timeout(timeout):
                while self.state not in states:
                    if self.state is State.CLOSED:
                        raise self.error or self._not(states, "it was closed")
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise self._not(states, f"it is {self.state} after {timeout:g} s") from None
        return self.state

    async def check(self) -> int:
        """Look now whether everything that was committed has been delivered, and deliver what was not.

        Returns:
            How many items that were.

        Raises:
            ConnectionFailed: it cannot be read.
        """
        return await self._read(Origin.AUDIT)

    async def close(self) -> None:
        """End it for good; what waits in the queue can still be read."""
        self._enter(Happened.STOPPED)
        self.queue.close()
        await self._stop_working()

    # What its client calls

    def start(self) -> None:
        self._enter(Happened.STARTED)
        self._start_polling()

    def link_open(self) -> None:
        self._enter(Happened.CONNECTED)

    def link_lost(self, reason: str) -> None:
        self._enter(Happened.LINK_LOST, reason)
        self._start_polling()

    async def refuse(self, error: WorkbookError) -> None:
        """End it with an error that trying again does not change."""
        self.end(error)
        await self._stop_working()

    def end(self, error: WorkbookError) -> None:
        """The same for one that has not begun to work."""
        if self.state is not State.CLOSED:
            self.error = error
        self._enter(Happened.REFUSED, error.happened)
        self.queue.close()

    async def serve(self, socket: RealtimeClient, host: Host) -> None:
        """Join, catch up and deliver, again whenever the channel is lost, until the socket is."""
        self._server = asyncio.current_task()
        while socket.state is ClientState.OPEN and self.state is not State.CLOSED:
            try:
                await host.may_join(socket)
                await self._live_on(socket)
            except (JoinFailed, ConnectionFailed) as error:
                await self._rejoin_later(error, socket, host)
            except WorkbookError as error:
                await self.refuse(error)
            except Exception as error:  # a source of the application's own
                await self.refuse(self._broken(error))

    async def _rejoin_later(self, error: FailureError, socket: RealtimeClient, host: Host) -> None:
        self._backoff.lost(time.monotonic())
        reason = error.reason if isinstance(error, JoinFailed) else error.happened
        if is_crowding(reason):  # the server may close the socket as well, in the same breath
            self._backoff.crowded()
            host.note_crowd()
        if self._is_final(reason, socket.token, host):
            await self.refuse(error)
            return
        if socket.state is not ClientState.OPEN:
            return
        self._enter(Happened.CHANNEL_LOST, error.happened)
        self._start_polling()
        await asyncio.sleep(self._backoff.delay_s())

    def _is_final(self, reason: str, token: str | None, host: Host) -> bool:
        if UNPUBLISHED not in reason:
            self._refused_since = None
            if is_token_refusal(reason):
                self._refused_tokens += 1
                return not host.replace_token(token) or self._refused_tokens > TOKENS
            return is_lasting(reason)
        self._refused_since = self._refused_since or time.monotonic()
        return not self._worked_before or time.monotonic() - self._refused_since > self._settings.patience_s

    # One life on one socket

    async def _live_on(self, socket: RealtimeClient) -> None:
        channel = socket.channel(self.name, self.source.config(), buffer=BUFFER)
        try:
            await channel.subscribe(self._settings.join_timeout_s, on_joined=lambda: self._enter(Happened.JOINED))
            await self._stop_polling()
            if self.state is State.CLOSED:  # by a poll that found out that it will never work
                return
            self._enter(Happened.SUBSCRIBED)
            await self._recover(Origin.CATCH_UP)
            await self._follow(channel)
        finally:
            if socket.state is ClientState.OPEN:
                await channel.leave()

    async def _follow(self, channel: Channel) -> None:
        """Deliver the stream until it ends, with a look now and then whether it brought everything."""
        events, dropped = channel.events(), 0  # what was dropped while it caught up may have been committed late
        audit_at = self._next_audit()
        while True:
            try:
                async with asyncio.timeout_at(audit_at):
                    event = await anext(events)
            except TimeoutError:
                await self._audit()
                audit_at = self._next_audit()
                continue
            except StopAsyncIteration:
                raise self._ended("the channel was left") from None
            if isinstance(event, System) and not event.ok:
                raise self._ended(event.message)
            if channel.dropped > dropped:  # all of them are older than this event, so they go before it
                gap, dropped = channel.dropped - dropped, channel.dropped
                await self._mend(f"{gap} events came faster than they were read")
            try:
                if (item := self.source.item(event)) is not None:
                    await self._deliver(item)
            except Gap as gap_found:
                await self._mend(str(gap_found))

    async def _mend(self, gap: str) -> None:
        self.gaps += 1
        self._enter(Happened.GAP, gap)
        await self._recover(Origin.CATCH_UP)

    async def _audit(self) -> None:
        """Look whether the stream brought everything. If the database cannot be asked now, the stream goes on."""
        try:
            await self._read(Origin.AUDIT)
        except ConnectionFailed as error:
            self.unaudited = error.happened
            self._audits_failed += 1
        else:
            self.unaudited = ""
            self._audits_failed = 0

    def _next_audit(self) -> float | None:
        """Sooner after one that failed: what broke the database's connections broke the stream, perhaps."""
        settings, pause_s = self._settings, self._settings.audit_s
        if pause_s is None:
            return None
        if self._audits_failed:
            pause_s = min(pause_s, settings.poll_min_s * SLOWER ** min(self._audits_failed - 1, 60))
        return asyncio.get_running_loop().time() + pause_s

    async def _recover(self, origin: Origin) -> None:
        """Read what is missing, until that works: without it the application must not believe to be up to date."""
        pause = Backoff(self._settings.backoff)
        while True:
            try:
                await self._read(origin)
            except ConnectionFailed as error:
                self._enter(Happened.GAP, error.happened)
                await asyncio.sleep(pause.delay_s())
            else:
                self._worked_before, self._refused_since, self._refused_tokens = True, None, 0
                self._backoff.went_live(time.monotonic())
                self._enter(Happened.CAUGHT_UP)
                return

    # Reading past the socket

    def _start_polling(self) -> None:
        if self._poller is None and self.state is not State.CLOSED:
            self._poller = asyncio.create_task(self._poll(), name=f"poll of {self.name}")

    async def _stop_polling(self) -> None:
        poller, self._poller = self._poller, None
        await _stop(poller)

    async def _stop_working(self) -> None:
        """Both ways of it; whichever calls this ends by itself."""
        server, self._server = self._server, None
        await self._stop_polling()
        await _stop(server)

    async def _poll(self) -> None:
        settings = self._settings
        await asyncio.sleep(_apart(settings.poll_after_s))
        pause = settings.poll_min_s
        while True:
            try:
                found = await self._read(Origin.POLL)
            except ConnectionFailed as error:
                found = 0
                self._enter(Happened.POLL_FAILED, error.happened)
            except WorkbookError as error:
                await self.refuse(error)
                return
            except Exception as error:
                await self.refuse(self._broken(error))
                return
            else:
                self._enter(Happened.POLLED, "" if self.state is State.POLLING else "the socket is down")
            pause = settings.poll_min_s if found else min(settings.poll_max_s, pause * SLOWER)
            await asyncio.sleep(_apart(pause))

    async def _read(self, origin: Origin) -> int:
        """Deliver everything that is committed and was not delivered; returns how much that was."""
        async with self._reading:
            before = self.delivered.total()
            async with contextlib.aclosing(self.source.read(origin)) as pages:  # type: ignore[type-var]
                async for page in pages:
                    for item in page:
                        await self._deliver(item)
            return self.delivered.total() - before

    async def _deliver(self, item: Item) -> None:
        if (admitted := self.source.admit(item)) is None:
            self._note_repeated(item)
            return
        if await self.queue.put(admitted):  # nothing awaits between the queue and the mark
            self.source.mark(admitted)
            self._note_delivered(item)

    def _note_delivered(self, item: Item) -> None:
        if item.type == CHECKPOINT:
            return
        self.delivered[item.origin] += 1
        if item.origin is not Origin.STREAM:
            self._read_first[item.position] = None
            if len(self._read_first) > REMEMBERED:
                self._read_first.popitem(last=False)

    def _note_repeated(self, item: Item) -> None:
        if item.origin is Origin.STREAM:
            self.repeated += 1
            self.overtaken += self._read_first.pop(item.position, self) is None

    # Its state

    def _enter(self, happened: Happened, reason: str = "") -> None:
        self.life.enter(happened, time.monotonic(), reason)

    def _on_transition(self, _: Transition) -> None:
        self._changed.set()

    def _ended(self, reason: str) -> JoinFailed:
        return JoinFailed(f"following the channel {self.name!r}", reason, join_advice(reason), reason=reason)

    def _broken(self, error: Exception) -> FailureError:
        tried = f"following the subscription {self.name!r}"
        return FailureError(tried, f"{type(error).__name__}: {error}", "Mend the source, or report this as a defect")

    def _not(self, states: tuple[State, ...], happened: str) -> FailureError:
        wanted = " or ".join(states)
        advice = "Look at `life.transitions` of the subscription: each has its reason"
        return FailureError(f"waiting until the subscription {self.name!r} is {wanted}", happened, advice)


async def _stop(task: asyncio.Task[None] | None) -> None:
    """Cancel a task and wait until it has ended, unless it is the one that calls this."""
    if task is not None and task is not asyncio.current_task():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _apart(seconds: float) -> float:
    return seconds * random.uniform(1, 1 + APART)
