"""What the tests ask of an official client, in one form for both: the clients themselves stay as they are published."""

from __future__ import annotations

import abc
import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = [
    "LIMIT_S", "Binding", "Change", "Channel", "Client", "ClientError", "Presence", "Status", "Wanted", "eventually"
]  # fmt: skip

#: Seconds that a test waits for anything.
LIMIT_S = 30.0


async def eventually(ask: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    """Wait until an answer is the wanted one."""
    async with asyncio.timeout(LIMIT_S):
        while await ask() != wanted:  # noqa: ASYNC110 - the clients do not tell when it has changed
            await asyncio.sleep(0.01)


class ClientError(Exception):
    """A client raised an exception, or its promise was rejected; the text is the client's."""


class Status(NamedTuple):
    """What a channel's status callback was called with."""

    state: str
    message: str = ""


class Binding(NamedTuple):
    """Which changes a channel listens to."""

    event: str = "*"
    schema: str = "public"
    table: str | None = None
    filter: str | None = None
    select: Sequence[str] | None = None


class Change(NamedTuple):
    """A change as a client hands it over; `binding` counts the channel's bindings from 0."""

    binding: int
    type: str
    new: dict[str, Any]
    old: dict[str, Any]


class Presence(NamedTuple):
    """A presence event: "sync" has neither key nor metas."""

    event: str
    key: str = ""
    before: Sequence[dict[str, Any]] = ()
    metas: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a channel is made with: the client's own `config`, and what to listen to."""

    config: dict[str, Any]
    changes: Sequence[Binding] = ()
    broadcasts: Sequence[str] = ("*",)
    presence: bool = False


class Channel(abc.ABC):
    """One channel of a client. What its callbacks are called with is kept, each kind in a queue of its own."""

    def __init__(self) -> None:
        self._heard: defaultdict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)

    def hear(self, kind: str, value: Any) -> None:
        """Keep what a callback was called with."""
        self._heard[kind].put_nowait(value)

    async def next(self, kind: str) -> Any:
        """The next call: of "status", "change", "broadcast", "presence" or "system"."""
        async with asyncio.timeout(LIMIT_S):
            return await self._heard[kind].get()

    async def take(self, kind: str, count: int) -> list[Any]:
        """The next calls."""
        return [await self.next(kind) for _ in range(count)]

    async def until(self, kind: str, wanted: Any) -> None:
        """Pass over calls up to the first that equals `wanted`."""
        while await self.next(kind) != wanted:
            pass

    def is_quiet(self, kind: str) -> bool:
        """Whether every call of that kind has been taken."""
        return self._heard[kind].empty()

    async def closed(self) -> str:
        """Why the server closes it: to Python's status callback that is an error, to JavaScript's a system message."""
        state, message = await self.next("status")
        if state == "CHANNEL_ERROR":
            state = (await self.next("status")).state
        else:
            message = (await self.next("system"))["message"]
        assert state == "CLOSED"
        return str(message)

    async def joined(self) -> Channel:
        """Subscribe; the server has answered with ok."""
        status = await self.subscribe()
        assert status == Status("SUBSCRIBED"), status
        return self

    async def ready(self) -> Channel:
        """Subscribe, and wait until changes are delivered."""
        await self.joined()
        told = await self.next("system")
        assert told["message"] == "Subscribed to PostgreSQL", told
        return self

    async def subscribe(self) -> Status:
        """Subscribe; returns the first status."""
        await self._subscribe()
        status: Status = await self.next("status")
        return status

    @abc.abstractmethod
    async def _subscribe(self) -> None: ...

    @abc.abstractmethod
    async def send(self, event: str, payload: Any) -> str:
        """Broadcast; "ok" once it is sent, or with `ack` the server's answer: "ok", "error" or "timed out"."""

    @abc.abstractmethod
    async def http_send(self, event: str, payload: Any) -> None:
        """Broadcast without the socket. Raises ClientError with the server's reason."""

    @abc.abstractmethod
    async def track(self, meta: dict[str, Any]) -> None:
        """Be present. Raises ClientError if the server refuses and the client tells."""

    @abc.abstractmethod
    async def untrack(self) -> None:
        """Be present no longer."""

    @abc.abstractmethod
    async def presence_state(self) -> dict[str, list[dict[str, Any]]]:
        """Who is present."""

    @abc.abstractmethod
    async def leave(self) -> None:
        """Leave the topic."""


class Client(abc.ABC):
    """One client with a socket of its own."""

    async def channel(
        self,
        topic: str,
        *,
        changes: Sequence[Binding] = (),
        broadcasts: Sequence[str] = ("*",),
        presence: bool = False,
        presence_config: dict[str, Any] | None = None,
        **config: Any,
    ) -> Channel:
        """A channel with its callbacks.

        Args:
            topic: its name.
            changes, broadcasts, presence: what to listen to.
            presence_config: the section "presence" of the channel's configuration.
            config: its other sections, as the official documentation has them.
        """
        if presence_config is not None:
            config["presence"] = presence_config
        return await self._channel(
            topic, Wanted(config=config, changes=changes, broadcasts=broadcasts, presence=presence)
        )

    @abc.abstractmethod
    async def _channel(self, topic: str, wanted: Wanted) -> Channel: ...

    @abc.abstractmethod
    async def set_auth(self, token: str | None) -> None:
        """Speak as the user of that token from now on."""

    @abc.abstractmethod
    async def topics(self) -> list[str]:
        """Of the channels that the client has."""

    @abc.abstractmethod
    async def is_connected(self) -> bool:
        """Whether the socket is open."""

    @abc.abstractmethod
    async def remove(self, channel: Channel) -> None:
        """Leave a channel and forget it."""

    @abc.abstractmethod
    async def remove_all(self) -> None:
        """Leave all channels, and close the socket."""

    @abc.abstractmethod
    async def sign_up(self, email: str, password: str) -> str:
        """Make an account and sign in; returns the user's id."""

    @abc.abstractmethod
    async def insert(self, table: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Write rows through the REST API; returns them as they are now."""
