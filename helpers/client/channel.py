"""A channel of the measuring client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from helpers.client.stream import EventBuffer, EventStream, Pulse
from helpers.errors import ConnectionFailed, FailureError, JoinFailed
from helpers.wire.channel import ChannelMachine, ChannelState
from helpers.wire.events import Broadcast, Change, Event, Metas, Reply
from helpers.wire.frames import Encoding, Message
from helpers.wire.join import JoinConfig
from helpers.wire.refusals import join_advice, push_advice, subscription_advice

__all__ = ["Channel", "JoinTimes", "Socket"]

_ENDED = frozenset({ChannelState.CLOSED, ChannelState.ERRORED})
#: By far the most events, and those that change nothing in the channel's life.
_MESSAGES = (Change, Broadcast)


class Socket(Protocol):
    """What a channel needs of its client."""

    token: str | None

    def next_ref(self) -> str: ...

    async def send(self, message: Message) -> None: ...

    async def request(self, message: Message, ref: str, timeout: float) -> Reply: ...

    def failure(self, tried: str) -> ConnectionFailed | None: ...

    def enlist(self, channel: Channel) -> None: ...

    def forget(self, channel: Channel) -> None: ...


@dataclass(frozen=True, slots=True)
class JoinTimes:
    """How long a subscription took, from sending the join.

    Attributes:
        join_ms: until the server's reply.
        ready_ms: until changes are delivered ("Subscribed to PostgreSQL"); as `join_ms` without bindings.
    """

    join_ms: float
    ready_ms: float


class Channel:
    """One topic on one socket. Made by `RealtimeClient.channel`.

    Args:
        name: without the prefix ``realtime:``.
        config: what to join with.
        socket: the client.
        buffer: how many events are kept for `events()`; the oldest goes when it is full, `dropped` counts them.
    """

    def __init__(self, name: str, config: JoinConfig, socket: Socket, buffer: int) -> None:
        self.name = name
        self._machine = ChannelMachine(name, config)
        self._socket = socket
        self._buffer = EventBuffer(buffer)
        self._changed = Pulse()
        self._callbacks: tuple[Callable[[Event], None], ...] = ()
        self._on_joined: Callable[[], None] | None = None
        self._ended_before = False  # the connection was lost, so what the server said of the channel still counts
        self._joined_at = self._ready_at = 0.0

    @property
    def config(self) -> JoinConfig:
        return self._machine.config

    @property
    def topic(self) -> str:
        """As it travels, with the prefix."""
        return self._machine.topic

    @property
    def state(self) -> ChannelState:
        return self._machine.state

    @property
    def reason(self) -> str:
        """Why the channel is closed or errored, in the server's words; empty if it was left."""
        return self._machine.reason

    @property
    def subscription_error(self) -> str:
        """Why the server delivers no changes to a channel that is joined; empty if it does."""
        return self._machine.subscription_error

    @property
    def binding_ids(self) -> tuple[int, ...]:
        """The numbers by which `Change.ids` names the bindings of `config.changes`, in their order."""
        return self._machine.binding_ids

    @property
    def presence(self) -> Metas:
        """Who is there now: key to metas."""
        return self._machine.presence.state

    @property
    def dropped(self) -> int:
        """Events that nobody read in time."""
        return self._buffer.dropped

    async def subscribe(self, timeout: float = 10.0, *, on_joined: Callable[[], None] | None = None) -> JoinTimes:
        """Join, and wait until the channel delivers what it was joined for.

        Args:
            timeout: seconds for both together. A refused join is answered after 5 s.
            on_joined: called when the server has answered the join with yes.

        Raises:
            JoinFailed: refused, or not in time. A channel whose bindings were refused stays joined: broadcast and
                presence work.
            ConnectionFailed: the connection is not open, or was lost meanwhile.
            InputError: another channel of this client has the topic.
        """
        if (failure := self._socket.failure(f"subscribing to the channel {self.name!r}")) is not None:
            raise failure
        self._socket.enlist(self)
        self._on_joined, self._ended_before = on_joined, False
        sent_at = time.monotonic()
        ref = self._socket.next_ref()
        await self._socket.send(self._machine.join(ref, self._socket.token))
        try:
            async with asyncio.timeout(timeout):
                while not self._is_settled():
                    await self._changed.wait()
        except TimeoutError:
            raise await self._late(timeout) from None
        if self.state is not ChannelState.READY:
            raise self._refused()
        return JoinTimes((self._joined_at - sent_at) * 1e3, (self._ready_at - sent_at) * 1e3)

    async def leave(self, timeout: float = 5.0) -> None:
        """Leave, and wait for the server's word. Does nothing on a channel that is not joined."""
        frame = self._machine.leave(self._socket.next_ref())
        try:
            if frame is not None:
                await self._socket.send(frame)
                async with asyncio.timeout(timeout):
                    while self.state is ChannelState.LEAVING:
                        await self._changed.wait()
        except (TimeoutError, ConnectionFailed):
            self._machine.leave_timed_out()
        finally:
            self._socket.forget(self)
            self._buffer.wake()

    async def broadcast(
        self, event: str, payload: Any, *, encoding: Encoding = Encoding.BINARY, timeout: float = 10.0
    ) -> float | None:
        """Send a message to the others in the channel.

        Args:
            event: its name.
            payload: a JSON value, or `bytes` for a binary broadcast (protocol 2.0.0).
            encoding: what such bytes are; as `Encoding.JSON` they reach others as the JSON value that they hold.
            timeout: seconds that the acknowledgement may take.

        Returns:
            Milliseconds until the acknowledgement; None if the channel was joined without `broadcast_ack`.

        Raises:
            JoinFailed: the channel is not joined.
            ConnectionFailed: no acknowledgement came, or the connection was lost.
        """
        self._check_joined("broadcasting")
        ref = self._socket.next_ref()
        message = self._machine.broadcast(ref, event, payload, encoding)
        if self.config.broadcast_ack:
            return await self._acknowledged(message, ref, "broadcast", timeout)
        await self._socket.send(message)
        return None

    async def track(self, meta: dict[str, Any], *, timeout: float = 10.0) -> float:
        """Be present, with `meta` to show; again to change it. Raises as `broadcast` does.

        The server takes 5 calls per 30 s and closes the channel at the sixth.

        Returns:
            Milliseconds until the acknowledgement.
        """
        return await self._presence({"type": "presence", "event": "track", "payload": meta}, timeout)

    async def untrack(self, *, timeout: float = 10.0) -> float:
        """Be present no longer. Raises and returns as `track` does."""
        return await self._presence({"type": "presence", "event": "untrack"}, timeout)

    def on_event(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call `callback` with each event as it is received, before anything else runs; it must be quick.

        Returns:
            A function that ends this.
        """
        self._callbacks += (callback,)
        return lambda: self._end_callback(callback)

    def events(self) -> EventStream:
        """Each event once, in the order of receipt, for ``async for``; ends when the channel was left. One reader.

        After the events that came before, the stream raises JoinFailed if the server closed the channel or the
        channel crashed, and ConnectionFailed if the connection was lost.
        """
        return EventStream(self._buffer, self._ending)

    # What the client calls

    def accepts(self, message: Message) -> bool:
        return self._machine.accepts(message)

    def receive(self, event: Event) -> None:
        if not isinstance(event, _MESSAGES):
            before = self.state
            self._machine.receive(event)
            self._note(before, event.received_at)
        if not isinstance(event, Reply):
            self._deliver(event)

    def connection_lost(self, reason: str) -> None:
        self._ended_before = self.state in _ENDED and bool(self.reason)
        self._machine.connection_lost(reason)
        self._changed.beat()
        self._buffer.wake()

    async def send_token(self, token: str) -> None:
        """Replace the user's token; the server does not answer."""
        if self._machine.is_joined:
            frame = self._machine.push(self._socket.next_ref(), "access_token", {"access_token": token})
            await self._socket.send(frame)

    def _note(self, before: ChannelState, at: float) -> None:
        if before is ChannelState.JOINING and self._machine.is_joined:
            self._joined_at = at
            if self._on_joined is not None:
                self._on_joined()
        if before is not ChannelState.READY and self.state is ChannelState.READY:
            self._ready_at = at
        self._changed.beat()
        if self.state in _ENDED:
            self._buffer.wake()

    def _deliver(self, event: Event) -> None:
        self._buffer.put(event)
        for callback in self._callbacks:
            try:
                callback(event)
            except Exception as error:
                context = {"message": f"a callback of the channel {self.name!r} failed", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)

    def _end_callback(self, callback: Callable[[Event], None]) -> None:
        self._callbacks = tuple(kept for kept in self._callbacks if kept is not callback)

    def _ending(self) -> Exception | None:
        if self.state not in _ENDED or self._machine.join_ref is None:
            return None
        return self._ended(f"listening to the channel {self.name!r}") if self.reason else StopAsyncIteration()

    def _is_settled(self) -> bool:
        return self.state is ChannelState.READY or self.state in _ENDED or bool(self.subscription_error)

    async def _presence(self, payload: dict[str, Any], timeout: float) -> float:
        self._check_joined("changing the presence")
        ref = self._socket.next_ref()
        return await self._acknowledged(self._machine.push(ref, "presence", payload), ref, "presence", timeout)

    async def _acknowledged(self, message: Message, ref: str, kind: str, timeout: float) -> float:
        tried = f"sending a {kind} message to the channel {self.name!r}"
        sent_at = time.monotonic()
        try:
            reply = await self._socket.request(message, ref, timeout)
        except TimeoutError:
            happened = f"no acknowledgement came within {timeout:g} s"
            raise ConnectionFailed(tried, happened, push_advice(kind)) from None
        if not reply.ok:
            happened = f"the server refused it: {reply.reason}" if reply.reason else "the server refused it"
            raise ConnectionFailed(tried, happened, push_advice(kind))
        return (reply.received_at - sent_at) * 1e3

    def _check_joined(self, doing: str) -> None:
        if not self._machine.is_joined:
            happened = f"the channel is {self.state}" + (f" ({self.reason})" if self.reason else "")
            tried = f"{doing} in the channel {self.name!r}"
            raise JoinFailed(tried, happened, "Wait for subscribe() to return first", reason=self.reason)

    async def _late(self, timeout: float) -> JoinFailed:
        tried = f"subscribing to the channel {self.name!r}"
        if self.state is ChannelState.JOINING:
            await self._socket.send(self._machine.join_timed_out(self._socket.next_ref()))
            happened = f"the server did not answer the join within {timeout:g} s"
            return JoinFailed(tried, happened, "Check the project's load and its Realtime logs, then try again")
        happened = f"joined, but no changes are delivered after {timeout:g} s"
        advice = "Try again with a longer timeout: the first subscription after a pause of 10 minutes starts cold"
        return JoinFailed(tried, happened, advice)

    def _refused(self) -> FailureError:
        tried = f"subscribing to the channel {self.name!r}"
        if self.state in _ENDED:
            return self._ended(tried)
        reason = self.subscription_error
        return JoinFailed(tried, f"the server refused: {reason}", subscription_advice(reason), reason=reason)

    def _ended(self, tried: str) -> FailureError:
        if not self._ended_before and (failure := self._socket.failure(tried)) is not None:
            return failure
        reason = self.reason or "the channel was left"
        return JoinFailed(tried, f"the channel ended: {reason}", join_advice(reason), reason=reason)
