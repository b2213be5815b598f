"""The Python clients behind one form: what a cycle of each habit is for them."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any, Protocol

from helpers.client import Channel, RealtimeClient
from helpers.probes.habits import Client, Habit, Order
from helpers.target import Target, TargetKind
from helpers.wire.events import Event

__all__ = ["Subject", "fill_caches", "open_subject"]

#: Enough to fill each place of the cache, wherever a string's hash puts it.
CACHED_STRINGS = 80_000

#: For a connection and a join, which may wait behind others.
PATIENCE_S = 20.0


class Subject(Protocol):
    """A connected client that is on one channel throughout."""

    async def cycle(self, habit: Habit, number: int) -> None:
        """Do it once."""

    @property
    def channels(self) -> int:
        """How many it has, by its own count."""


async def open_subject(order: Order) -> Subject:
    """Connect, and join the channel that stays."""
    topic = f"workbook:leaks:{secrets.token_hex(4)}"
    if order.client is Client.WORKBOOK:
        return await _Workbook.start(order, topic)
    return await _Official.start(order, topic)


class _Workbook:
    """The measuring client of this package."""

    def __init__(self, client: RealtimeClient, topic: str) -> None:
        self._client = client
        self._topic = topic
        self._stays = client.channel(topic)
        self._kept: list[Channel] = []

    @classmethod
    async def start(cls, order: Order, topic: str) -> _Workbook:
        target = Target(TargetKind.HOSTED, order.api_url, order.key)
        client = RealtimeClient(target, timeout_s=PATIENCE_S)
        await client.connect()
        subject = cls(client, topic)
        await subject._stays.subscribe(PATIENCE_S)
        return subject

    @property
    def channels(self) -> int:
        return 1 + len(self._kept)

    async def cycle(self, habit: Habit, number: int) -> None:
        match habit:
            case Habit.REMOVE:
                channel = self._client.channel(f"{self._topic}:{number}")
                channel.on_event(_heard)
                await channel.subscribe(PATIENCE_S)
                await channel.leave()
            case Habit.KEEP:
                channel = self._client.channel(f"{self._topic}:{number}")
                await channel.subscribe(PATIENCE_S)
                self._kept.append(channel)
            case Habit.DUPLICATE:
                await self._client.channel(self._topic).subscribe(PATIENCE_S)
            case Habit.HANDLER:
                self._stays.on_event(lambda _: None)
            case Habit.SEND:
                raise NotImplementedError("this client sends on channels that are joined, and nowhere else")


class _Official:
    """`supabase.AsyncClient`, the vendor's."""

    def __init__(self, client: Any, topic: str) -> None:
        self._client = client
        self._topic = topic

    @classmethod
    async def start(cls, order: Order, topic: str) -> _Official:
        import supabase

        realtime: Any = {"timeout": order.timeout_s, "auto_reconnect": False}
        options = supabase.AsyncClientOptions(realtime=realtime, auto_refresh_token=False)
        subject = cls(await supabase.acreate_client(order.api_url, order.key, options), topic)
        await subject._join(topic)
        return subject

    @property
    def channels(self) -> int:
        return len(self._client.get_channels())

    async def cycle(self, habit: Habit, number: int) -> None:
        topic = f"{self._topic}:{number}"
        match habit:
            case Habit.REMOVE:
                await self._client.remove_channel(await self._join(topic))
            case Habit.KEEP:
                await self._join(topic)
            case Habit.DUPLICATE:
                await self._join(self._topic)
            case Habit.HANDLER:
                self._client.channel(self._topic).on_broadcast("tick", lambda _: None)
            case Habit.SEND:
                await self._client.channel(topic).http_send("tick", {})

    async def _join(self, topic: str) -> Any:
        channel = self._client.channel(topic).on_broadcast("tick", _heard)
        await asyncio.wait_for(channel.subscribe(), PATIENCE_S)
        return channel


def fill_caches(client: Client) -> None:
    """Pydantic keeps short strings that it has read from JSON, up to 16,384 (`py_string_cache.rs` of jiter), and each
    reference number is a new one. What is bounded is no leak, so we fill it first."""
    if client is not Client.PYTHON:
        return
    from pydantic_core import from_json

    names = ",".join(f'"cached-{number:06}"' for number in range(CACHED_STRINGS))
    from_json(f"[{names}]", cache_strings="all")


def _heard(_: Event | Any) -> None:
    """Nobody sends."""
