"""The postgres_changes of one channel: subscribes, tells the client, keeps the claims current, forwards changes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from helpers.lab.changes import ChangeBatch, ChangeDelivery, Subscription, SubscriptionRefused
from helpers.lab.realtime.broadcast import splice
from helpers.lab.realtime.joins import JoinRefused
from helpers.lab.realtime.outbox import TEXT, ws_frame
from helpers.wire.frames import encode_json

if TYPE_CHECKING:
    from helpers.lab.realtime.channel import Channel

__all__ = ["ChangesLink"]

_MARK = b"\0"  # where a payload goes; JSON holds no such byte
_SUBSCRIBED = "Subscribed to PostgreSQL"
_JOIN_RETRY_S = (0.1, 1.0)  # the same while a join waits
_RETRY_S = (5.0, 10.0)  # between these the server waits at random after a refusal that may pass


class ChangesLink:
    """Lives as long as its channel.

    Args:
        channel: whose identity is looked with, and to which changes go.
        bindings: at least one.
        legacy: whether events are named INSERT, UPDATE, DELETE and carry no ids.
    """

    def __init__(self, channel: Channel, bindings: Sequence[Mapping[str, Any]], *, legacy: bool) -> None:
        self._channel = channel
        self._bindings = bindings
        self._legacy = legacy
        self._subscription: Subscription | None = None
        self._task: asyncio.Task[None] | None = None

    async def establish(self, limit_s: float) -> None:
        """Subscribe, trying again what may pass.

        Raises:
            JoinRefused: a binding is refused for good, or `limit_s` have passed.
        """
        try:
            async with asyncio.timeout(max(limit_s, 0)):
                while True:
                    if await self._established():
                        return
                    await asyncio.sleep(random.uniform(*_JOIN_RETRY_S))
        except TimeoutError as error:
            waited = f"Timed out after {limit_s * 1000:.0f}ms waiting for the postgres_changes subscription"
            raise JoinRefused("PostgresChangesSubscribeTimeout", waited) from error

    async def _established(self) -> bool:
        try:
            await self._ask()
        except SubscriptionRefused as refusal:
            if not refusal.retriable:
                raise JoinRefused("RealtimeDisabledForConfiguration", refusal.message) from refusal
            return False
        return True

    def open(self) -> None:
        """Subscribe in the background, if not yet done; a `system` message tells the outcome."""
        if self._subscription is None:
            self._start(self._subscribe())
        else:
            self._tell("ok", _SUBSCRIBED)

    def renew(self) -> None:
        """Look with the channel's new identity, after the server's wait; until then the old claims hold."""
        self._start(self._resubscribe())

    def close(self) -> None:
        """Unsubscribe."""
        self._start(self._unsubscribe())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        previous = self._task
        if previous is not None:
            previous.cancel()
        self._task = self._channel.hub.spawn(work)

    async def _subscribe(self) -> None:
        while True:
            try:
                await self._ask()
            except SubscriptionRefused as refusal:
                self._tell("error", refusal.message)
                if not refusal.retriable:
                    return
                await asyncio.sleep(random.uniform(*_RETRY_S))
            else:
                self._tell("ok", _SUBSCRIBED)
                return

    async def _ask(self) -> None:
        identity = self._channel.identity
        self._subscription = await self._channel.hub.changes.subscribe(
            self._bindings, dict(identity.claims), identity.role, self._deliver, self._republished
        )

    async def _resubscribe(self) -> None:
        await asyncio.sleep(random.uniform(*self._channel.hub.settings.resubscribe_delay_s))
        if self._subscription is None:
            await self._subscribe()
            return
        identity = self._channel.identity
        self._channel.hub.changes.update_claims(self._subscription, dict(identity.claims), identity.role)
        self._tell("ok", _SUBSCRIBED)

    async def _unsubscribe(self) -> None:
        if self._subscription is not None:
            subscription, self._subscription = self._subscription, None
            await self._channel.hub.changes.unsubscribe(subscription)

    def _tell(self, status: str, message: str) -> None:
        self._channel.tell(message, status=status, extension="postgres_changes")

    def _republished(self, refusal: SubscriptionRefused | None) -> None:
        """The publication's tables have changed: the genuine server subscribes anew, and says so for each binding."""
        if refusal is not None:
            self._subscription = None  # so that a new token asks again
        for _ in self._bindings:
            if refusal is None:
                self._tell("ok", _SUBSCRIBED)
            else:
                self._tell("error", refusal.message)

    def _deliver(self, batch: ChangeBatch) -> None:
        """Forward changes, framed once for all channels of this name, version and form."""
        channel = self._channel
        if not channel.closed:
            form = (channel.topic.name, channel.version, self._legacy)
            channel.outbox.put(batch.form(form, self._framed))

    def _framed(self, changes: Sequence[ChangeDelivery]) -> bytes:
        name, version = self._channel.topic.name, self._channel.version
        if self._legacy:
            return b"".join([ws_frame(TEXT, splice(version, name, change.type, change.data)) for change in changes])
        before, after = splice(version, name, "postgres_changes", _MARK).split(_MARK)
        return b"".join(
            [
                ws_frame(TEXT, b"".join((before, b'{"data":', data, b',"ids":', encode_json(ids), b"}", after)))
                for ids, data, _ in changes
            ]
        )
