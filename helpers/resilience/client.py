"""One socket after the other, shared by subscriptions that survive them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from helpers.client import ClientState, RealtimeClient
from helpers.errors import ConnectionFailed, FailureError, InputError, WorkbookError
from helpers.pacing import BoundedQueue, WhenFull
from helpers.resilience.backoff import Backoff
from helpers.resilience.clocks import ClockWatch, Jump, JumpKind
from helpers.resilience.rate import RateLimit
from helpers.resilience.settings import ResilienceSettings
from helpers.resilience.source import Item, Source
from helpers.resilience.subscription import Subscription
from helpers.resilience.tokens import Tokens, TokenSource
from helpers.target import Target
from helpers.wire.refusals import is_crowding, is_lasting

__all__ = ["ResilientClient"]

#: Items that wait for the application, if nothing else is said. When they are as many, the stream waits.
QUEUE = 10_000

#: HTTP statuses of a handshake that will be the same next time: key, path, a paused project (540).
LASTING_STATUSES = frozenset({401, 403, 404, 540})

#: And the one that says that there are too many.
CROWDED_STATUS = 429


class ResilientClient:
    """Connects, and connects again, as long as it is open.

    Args:
        target: which Supabase.
        token: of a user, or how to get fresh ones; None acts as the key's role.
        settings: see `ResilienceSettings`.
        seed: of the chance in delays.
        monotonic, wall: clocks, by which the machine's sleep, clocks that were set and the age of tokens are told.

    Attributes:
        sockets: how many have been opened. reason: why the last one is gone.
        jumps: of the clock, or of the machine, that were noticed.
    """

    def __init__(
        self,
        target: Target,
        *,
        token: str | TokenSource | None = None,
        settings: ResilienceSettings | None = None,
        seed: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.target = target
        self.settings = settings or ResilienceSettings()
        self.subscriptions: list[Subscription] = []
        self.sockets = 0
        self.reason = ""
        self.jumps: list[Jump] = []
        self._monotonic, self._wall = monotonic, wall
        self._tokens = Tokens(token, wall=wall)
        self._backoff = Backoff(self.settings.backoff, seed)
        self._joins = RateLimit(self.settings.joins_per_s)
        self._socket: RealtimeClient | None = None
        self._serving: dict[Subscription, asyncio.Task[None]] = {}
        self._hurry = asyncio.Event()
        self._crowded_socket = -1
        self._ended: WorkbookError | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def __aenter__(self) -> Self:
        self._tasks = (
            asyncio.create_task(self._supervise(), name="sockets"),
            asyncio.create_task(self._watch(), name="clocks and token"),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def subscribe(
        self,
        source: Source,
        *,
        name: str | None = None,
        queue: BoundedQueue[Item] | None = None,
        worked_before: bool = False,
    ) -> Subscription:
        """Keep a source's changes coming.

        Args:
            source: of this subscription alone.
            name: of the channel, one of its own by default.
            queue: what waits for the application; by default 10,000 items, and the stream waits when it is full.
            worked_before: then it is tried again for `patience_s` although the server says that the table is not
                published; else that is taken for a mistake in its name.

        Raises:
            InputError: the client is closed.
        """
        if isinstance(self._ended, InputError):
            raise self._ended
        subscription = Subscription(
            name or f"resilient:{secrets.token_hex(4)}",
            source,
            self.settings,
            BoundedQueue(QUEUE, when_full=WhenFull.BLOCK) if queue is None else queue,  # an empty one is false
            Backoff(self.settings.backoff),
            worked_before=worked_before,
        )
        self.subscriptions.append(subscription)
        if self._ended is not None:  # what the others were refused for will last
            subscription.end(self._ended)
            return subscription
        subscription.start()
        if self._socket is not None and self._is_open:
            subscription.link_open()
            self._serve(subscription, self._socket)
        return subscription

    async def unsubscribe(self, subscription: Subscription) -> None:
        """End one subscription, and leave its channel."""
        if subscription in self.subscriptions:  # first of all, or the next socket would serve it again
            self.subscriptions.remove(subscription)
        if (serving := self._serving.pop(subscription, None)) is not None:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
        await subscription.close()

    def retry_now(self) -> None:
        """Do not wait for the next attempt, as something has changed: the machine woke up, the network is back."""
        if not self._is_open:
            self._hurry.set()

    async def close(self) -> None:
        """Close the socket and all subscriptions, for good."""
        self._ended = InputError("subscribing", "this client is closed", "Make a new ResilientClient")
        tasks = (*self._tasks, *self._serving.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        for subscription in tuple(self.subscriptions):
            await subscription.close()

    @property
    def spread_s(self) -> float:
        """Over how many seconds the next attempt is spread: more than the settings say while the server is crowded."""
        return self._backoff.spread_s

    # What subscriptions call

    async def may_join(self, socket: RealtimeClient) -> None:
        """Wait for a turn to join, and give the socket a fresh token if it has an old one."""
        await self._joins.turn()
        token = await self._tokens.current()
        if token is not None and token != socket.token:
            await socket.set_token(token)

    def replace_token(self, refused: str | None) -> bool:
        """The server refused a token: take a fresh one for the next join. Whether there is a way to one."""
        self._tokens.refuse(refused)
        return self._tokens.can_refresh

    def note_crowd(self) -> None:
        """The server has too many clients: come back later. One socket counts once, however many channels it has."""
        if self._crowded_socket != self.sockets:
            self._crowded_socket = self.sockets
            self._backoff.crowded()

    # Sockets

    @property
    def _is_open(self) -> bool:
        return self._socket is not None and self._socket.state is ClientState.OPEN

    async def _supervise(self) -> None:
        while True:
            try:
                await self._use_one_socket()
            except WorkbookError as error:
                if self._is_final(error):
                    await self._refuse_all(error)
                    return
                if _status(error) == CROWDED_STATUS or is_crowding(error.happened):
                    self._backoff.crowded()
                self.reason = error.happened
            except Exception as error:  # without this the subscriptions would wait for ever, and nobody knew why
                happened = f"{type(error).__name__}: {error}"
                await self._refuse_all(FailureError("keeping a socket open", happened, "Report this as a defect"))
                return
            self._backoff.lost(time.monotonic())
            for subscription in self.subscriptions:
                subscription.link_lost(self.reason)
            await self._pause(self._backoff.delay_s())

    async def _use_one_socket(self) -> None:
        settings = self.settings
        token = await self._tokens.current()
        self._socket = socket = RealtimeClient(
            self.target,
            token=token,
            heartbeat_s=settings.heartbeat_s,
            timeout_s=settings.timeout_s,
            connect_timeout_s=settings.connect_timeout_s,
        )
        await socket.connect()
        self._hurry.clear()
        self.sockets += 1
        self._backoff.went_live(time.monotonic())
        try:
            for subscription in self.subscriptions:  # in their order; each waits for its turn to join
                subscription.link_open()
                self._serve(subscription, socket)
            await socket.wait_closed()
            self.reason = socket.reason
        finally:
            await socket.close()
            await self._end_serving()

    def _serve(self, subscription: Subscription, socket: RealtimeClient) -> None:
        task = asyncio.create_task(subscription.serve(socket, self), name=f"serving {subscription.name}")
        self._serving[subscription] = task

    async def _end_serving(self) -> None:
        """A subscription that is catching up goes on with that on the next socket."""
        serving, self._serving = tuple(self._serving.values()), {}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _pause(self, seconds: float) -> None:
        """Not at all if something has changed while the last attempt was under way."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        self._hurry.clear()

    def _is_final(self, error: WorkbookError) -> bool:
        lasting = _status(error) in LASTING_STATUSES or is_lasting(error.happened)
        return lasting or not isinstance(error, FailureError)

    async def _refuse_all(self, error: WorkbookError) -> None:
        self._ended = error
        for subscription in tuple(self.subscriptions):
            await subscription.refuse(error)

    # Clocks and token

    async def _watch(self) -> None:
        watch = ClockWatch(monotonic=self._monotonic, wall=self._wall)
        expected_s = self.settings.tick_s
        while True:
            await asyncio.sleep(self.settings.tick_s)
            jump, looked_at = watch.look(expected_s), self._monotonic()
            if jump is not None:
                await self._after(jump)
            if self._tokens.is_due:
                await self._renew_token()
            expected_s = self.settings.tick_s + self._monotonic() - looked_at

    async def _after(self, jump: Jump) -> None:
        """The socket may be dead, and nobody knows: ask it at once. By a clock that was set back a token looks younger
        than it is."""
        self.jumps.append(jump)
        if jump.kind is JumpKind.BACK:
            self._tokens.refuse()
        elif self._socket is not None and self._is_open:
            with contextlib.suppress(ConnectionFailed):  # then it counts as lost, which is what was to be found out
                await self._socket.heartbeat()
        self.retry_now()

    async def _renew_token(self) -> None:
        """A token that cannot be had now is asked for again at the next tick; the old one may still serve."""
        with contextlib.suppress(WorkbookError):
            token = await self._tokens.current()
            if token is not None and self._socket is not None and self._is_open:
                await self._socket.set_token(token)


def _status(error: WorkbookError) -> int | None:
    """Of the refused handshake, if it is one."""
    return error.status if isinstance(error, ConnectionFailed) else None
