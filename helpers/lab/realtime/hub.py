"""What all sockets of the server share: settings, keys, topics, counters, the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from helpers.lab.changes import BroadcastFeed, ChangeFeed, DatabaseBroadcast
from helpers.lab.realtime.broadcast import Broadcast, UserBroadcast
from helpers.lab.realtime.counts import Counts
from helpers.lab.realtime.joins import TOPIC_PREFIX, JoinRefused, JoinRequest
from helpers.lab.realtime.limits import RateCounter
from helpers.lab.realtime.outbox import Mailroom
from helpers.lab.realtime.policies import PolicyReader
from helpers.lab.realtime.settings import RealtimeSettings
from helpers.lab.realtime.tokens import KeyRing
from helpers.lab.realtime.topics import Topic, Topics
from helpers.wire.frames import Encoding

if TYPE_CHECKING:
    from helpers.lab.realtime.channel import Channel
    from helpers.lab.realtime.socket import Socket

__all__ = ["Hub"]

_STOP_TIMEOUT_S = 5.0

_log = logging.getLogger(__name__)


class Hub:
    """The state of one server.

    Attributes:
        sockets: all that are open.
        users: those among them that have joined a channel; they count against the limit of users.
        deserted: set while no socket is open.
        counts: for monitoring only.
        events: sends and deliveries; `changes_sent`, `joins` and `presence_events` count their own.
    """

    def __init__(
        self, settings: RealtimeSettings, keys: KeyRing, database: str, changes: ChangeFeed, mailroom: Mailroom
    ) -> None:
        limits = settings.limits
        self.settings = settings
        self.keys = keys
        self.database = database
        self.changes = changes
        self.mailroom = mailroom
        self.counts = Counts()
        self.policies = PolicyReader(database, self.counts, connections=settings.authorization_connections)
        self.broadcasts = BroadcastFeed(database, self.on_database_broadcast, settings.broadcast_slot)
        self.topics: Topics[Channel] = Topics(mailroom)
        self.sockets: set[Socket] = set()
        self.users: set[Socket] = set()
        self.deserted = asyncio.Event()
        self.deserted.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweep = asyncio.get_running_loop().call_later(settings.no_channel_timeout_s, self._end_deserters)
        self.events = self._counter(limits.events_per_s)
        self.changes_sent = self._counter(limits.events_per_s)
        changes.limit(self.changes_sent)
        self.joins = self._counter(limits.joins_per_s)
        self.presence_events = self._counter(limits.presence_events_per_s)

    def _counter(self, limit_per_s: float) -> RateCounter:
        settings = self.settings
        return RateCounter(
            limit_per_s, tick_s=settings.rate_tick_s, ticks=settings.rate_ticks, warm=settings.rates_warm
        )

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something in the background; `stop` waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("background work of Realtime failed", exc_info=task.exception())

    def add(self, socket: Socket) -> None:
        """A socket has opened."""
        self.sockets.add(socket)
        self.deserted.clear()

    def remove(self, socket: Socket) -> None:
        """A socket has ended."""
        self.sockets.discard(socket)
        self.users.discard(socket)
        if not self.sockets:
            self.deserted.set()

    def _end_deserters(self) -> None:
        """End the sockets that have left all their channels, without a word, as the genuine server kills them."""
        timeout_s = self.settings.no_channel_timeout_s
        self._sweep = asyncio.get_running_loop().call_later(timeout_s, self._end_deserters)
        for socket in [user for user in self.users if not user.channels]:
            socket.abort()

    async def stop(self) -> None:
        """Let background work end, stop the counters and close the database connections."""
        self._sweep.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_TIMEOUT_S)
        for counter in (self.events, self.changes_sent, self.joins, self.presence_events):
            counter.stop()
        await self.policies.stop()

    def adjust(self, settings: RealtimeSettings) -> None:
        """Go on with other limits or switches. A counter whose limit is another begins anew."""
        before, limits = self.settings.limits, settings.limits
        self.settings = settings
        if limits.events_per_s != before.events_per_s:
            self.events.restart(limits.events_per_s)
            self.changes_sent.restart(limits.events_per_s)
        if limits.joins_per_s != before.joins_per_s:
            self.joins.restart(limits.joins_per_s)

    @property
    def full(self) -> bool:
        return len(self.users) >= self.settings.limits.users

    def admit_join(self, socket: Socket, request: JoinRequest) -> None:
        """Check a join against the quotas, in the order of the genuine server, and count it.

        Raises:
            JoinRefused: one of them is used up.
        """
        if self.settings.private_only and not request.private:
            raise JoinRefused("PrivateOnly", "This project only allows private channels")
        if self.full and socket not in self.users:
            raise JoinRefused("ConnectionRateLimitReached", "Too many connected users")
        if self.joins.exceeded:
            raise JoinRefused("ClientJoinRateLimitReached", "Too many joins per second", closes_socket=True)
        self.joins.add()
        if len(socket.channels) >= self.settings.limits.channels_per_client:
            raise JoinRefused("ChannelRateLimitReached", "Too many channels")

    def publish(self, topic: Topic[Channel], broadcast: Broadcast, sender: Channel | None = None) -> None:
        """Send to a topic, but not to `sender`. Receivers' channels are shut when there were too many events."""
        self.counts.broadcast_bytes.add(broadcast.size_bytes)
        delivered = topic.send(broadcast, sender)
        self.events.add(1 + delivered)
        if self.events.exceeded:
            for channel in topic.receivers(but=sender):
                channel.shut("Too many messages per second")

    def publish_to(self, name: str, broadcast: Broadcast, *, private: bool) -> None:
        """Send to the topic of that name (with prefix), if anybody joined it."""
        topic = self.topics.find(name, private=private)
        if topic is None:
            self.events.add()
        else:
            self.publish(topic, broadcast)

    def on_database_broadcast(self, row: DatabaseBroadcast) -> None:
        """Send a row that was inserted into realtime.messages."""
        encoding = Encoding.BINARY if row.binary else Encoding.JSON
        name = TOPIC_PREFIX + row.topic
        self.publish_to(name, UserBroadcast(name, row.event, row.payload, encoding, row.id), private=row.private)
