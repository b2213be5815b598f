"""Broadcasts by WebSocket and by HTTP, to a public and to a private topic."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack
from typing import Any

import aiohttp

from helpers.client import RealtimeClient
from helpers.lab import Lab
from helpers.wire.join import JoinConfig
from tests.soak.ledger import Ledger
from tests.soak.plan import Plan
from tests.soak.writers import PRIVATE_TOPIC, paced

__all__ = ["PUBLIC_TOPIC", "HttpSender", "SocketSender"]

PUBLIC_TOPIC = "soak:public"


class _Sender:
    def __init__(self, lab: Lab, plan: Plan, ledger: Ledger, name: str, topic: str) -> None:
        self.lab, self.topic, self.name = lab, topic, name
        self.private = topic == PRIVATE_TOPIC
        self._plan, self._ledger = plan, ledger
        self._chance = random.Random(f"{plan.seed} {name}")
        self._number = 0

    async def run(self, deadline: float) -> None:
        """Send until then; what the server has taken goes into the ledger."""
        async for _ in paced(self._plan.sends_per_s, deadline, self._chance):
            self._number += 1
            payload = self._payload()
            await self._send(payload)
            self._ledger.said(self.topic, self.name, self._number, payload)

    def _payload(self) -> Any:
        text = "é" * self._chance.randint(1, 1500)
        return {"from": self.name, "id": self._number, "text": text}

    async def _send(self, payload: Any) -> None:
        raise NotImplementedError


class SocketSender(_Sender):
    """One that has joined. One in five of its messages is bytes, which clients of protocol 1.0.0 do not receive."""

    async def connect(self, stack: AsyncExitStack) -> None:
        client = RealtimeClient(self.lab.target, token=self.lab.token(), heartbeat_s=self._plan.heartbeat_s)
        await stack.enter_async_context(client)
        self._channel = client.channel(self.topic, JoinConfig(private=self.private, broadcast_ack=True))
        await self._channel.subscribe()

    def _payload(self) -> Any:
        if self._chance.random() < 0.2:
            return f"{self.name} {self._number} ".encode() + self._chance.randbytes(200)
        return super()._payload()

    async def _send(self, payload: Any) -> None:
        await self._channel.broadcast("said", payload)


class HttpSender(_Sender):
    """One that only posts."""

    async def connect(self, stack: AsyncExitStack) -> None:
        headers = {"apikey": self.lab.info["secret_key"]}
        self._session = await stack.enter_async_context(aiohttp.ClientSession(headers=headers))

    async def _send(self, payload: Any) -> None:
        message = {"topic": self.topic, "event": "said", "payload": payload, "private": self.private}
        url = f"{self.lab.info['api_url']}/realtime/v1/api/broadcast"
        async with self._session.post(url, json={"messages": [message]}) as response:
            response.raise_for_status()
