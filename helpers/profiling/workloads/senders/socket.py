"""Broadcasts by a WebSocket."""

from __future__ import annotations

from helpers.client import Channel, RealtimeClient
from helpers.errors import FailureError
from helpers.profiling.workloads.orders import Prepare, Prepared
from helpers.profiling.workloads.senders.sender import Sender
from helpers.profiling.workloads.senders.sql import EVENT
from helpers.profiling.workloads.workload import Encoding
from helpers.wire.join import JoinConfig
from helpers.wire.numbered import STAMP

__all__ = ["SocketSender"]

JOIN_LIMIT_S = 10.0


class SocketSender(Sender):
    """One connection that has joined all channels. The server does not answer, so what was sent counts as accepted."""

    def __init__(self, order: Prepare) -> None:
        super().__init__(order)
        self._client = RealtimeClient(order.target)
        self._channels: list[Channel] = []
        self._body = self.text()

    async def open(self) -> Prepared:
        await self._client.connect()
        try:
            await self._join()
        except BaseException:
            await self._client.close()
            raise
        return Prepared()

    async def send(self, index: int) -> None:
        channel = self._channels[index % len(self._channels)]
        seq = self.first_seq + index
        try:
            if self.workload.encoding is Encoding.BINARY:
                await channel.broadcast(EVENT, STAMP.pack(seq, 0.0) + bytes(self.workload.body_bytes))
            else:
                await channel.broadcast(EVENT, {"seq": seq, "body": self._body})
        except FailureError as closed:
            self._give_up(closed.happened)
        else:
            self.accepted[index] = True

    async def _join(self) -> None:
        for name in self.topics:
            channel = self._client.channel(name, JoinConfig(private=self.workload.private), buffer=1)
            await channel.subscribe(timeout=JOIN_LIMIT_S)
            self._channels.append(channel)

    async def close(self) -> None:
        await self._client.close()
