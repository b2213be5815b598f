"""Subscribers of Realtime: a socket each."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial

from helpers.client import Channel, RealtimeClient
from helpers.experiments.paths.catalog import Kind
from helpers.experiments.paths.readers.reader import Plan, Reader
from helpers.wire.events import Broadcast, Change, Event
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["RealtimeReader"]

#: After a cold start, "Subscribed to PostgreSQL" may take seconds (field: up to 4.4 s, supabase/realtime#281).
READY_LIMIT_S = 20.0

#: Of a message that is none of ours.
_NO_NUMBER = -1


class RealtimeReader(Reader):
    """Changes of the table, or broadcasts of the topic."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._clients: list[RealtimeClient] = []
        self._channels: list[Channel] = []

    @property
    def wire_bytes(self) -> int:
        return sum(client.counters.wire_bytes_in for client in self._clients)

    async def add(self, subscriber: int) -> None:
        client = RealtimeClient(self.plan.target)
        await client.connect()
        self._clients.append(client)
        channel = client.channel(self.plan.name, self._config(), buffer=1)
        await channel.subscribe(timeout=READY_LIMIT_S)
        channel.on_event(partial(self._hear, subscriber))
        self._channels.append(channel)

    async def close(self) -> None:
        await asyncio.gather(*(client.close() for client in self._clients), return_exceptions=True)

    def endings(self) -> Counter[str]:
        return Counter(channel.reason for channel in self._channels if channel.reason)

    def _config(self) -> JoinConfig:
        path = self.plan.path
        if path.kind is Kind.CHANGES:
            binding = ChangeBinding("INSERT", self.plan.target.schema, self.plan.table)
            return JoinConfig(changes=(binding,))
        return JoinConfig(private=path.private)

    def _hear(self, subscriber: int, event: Event) -> None:
        if isinstance(event, Change):
            record = event.record
        elif isinstance(event, Broadcast):
            record = event.payload.get("record", event.payload)
        else:
            return
        self.enter(subscriber, record.get("seq", _NO_NUMBER), event.received_at, event.size_bytes)
