"""The life of a channel, seen from the client, without any I/O.

States and what leads from one to the next:

    closed, errored   join()                                        joining
    joining           reply ok, no bindings of postgres_changes     ready
    joining           reply ok, with bindings                       joined
    joining           reply error                                   errored
    joining           join_timed_out()                              errored, and the join is taken back
    joined            system ok of postgres_changes                 ready
    joined            system error of postgres_changes              joined; `subscription_error` says why
    joining … ready   leave()                                       leaving
    leaving           phx_close, leave_timed_out()                  closed
    joining … ready   phx_close                                     closed; `reason` says why if the server did
    all but closed    phx_error                                     errored
    all but closed    connection_lost()                             errored; closed if it was leaving, or
                                                                    if the client closed the connection

Only in `ready` are changes delivered: a row written between the join's reply and "Subscribed to PostgreSQL" never
arrives. Broadcast and presence work from `joined` on.

A channel can be joined many times. Each join has its own `join_ref`, and whatever the server still sends for an older
one is stale. The server answers a second join of a topic first and closes the first one afterwards, so a client that
does not compare join_refs would take that for its own end.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from helpers.wire._types import BinaryPush, Encoding, Frame, Message
from helpers.wire.events import Closed, Errored, Event, PresenceDiff, PresenceState, Reply, System
from helpers.wire.join import TOPIC_PREFIX, JoinConfig
from helpers.wire.presence import PresenceMap

__all__ = ["ChannelMachine", "ChannelState", "heartbeat"]

_POSTGRES_CHANGES = "postgres_changes"
_ENDINGS = ("phx_close", "phx_error")


class ChannelState(StrEnum):
    """Where a channel is in its life; the module's head shows the transitions."""

    CLOSED = "closed"
    JOINING = "joining"
    JOINED = "joined"
    READY = "ready"
    LEAVING = "leaving"
    ERRORED = "errored"


_ON_SERVER = frozenset({ChannelState.JOINED, ChannelState.READY})
_ALIVE = _ON_SERVER | {ChannelState.JOINING, ChannelState.LEAVING}


def heartbeat(ref: str) -> Frame:
    """The frame that asks the server for a sign of life."""
    return Frame("phoenix", "heartbeat", {}, ref)


class ChannelMachine:
    """Commands and received events in, state and frames to send out.

    Commands take the `ref` of the frame that they make: refs are numbered for the whole socket.

    Attributes:
        topic: with the prefix, as it travels.
        config: what each join asks for.
        state: see the module's head.
        join_ref: of the present join, None before the first.
        reason: why the channel is closed or errored, in the server's words; empty if it ended as asked.
        subscription_error: why no changes are delivered although the channel is joined; empty if they are.
        binding_ids: the server's number of each binding of `config.changes`, in their order.
        presence: who is there.
    """

    def __init__(self, name: str, config: JoinConfig) -> None:
        self.topic = TOPIC_PREFIX + name
        self.config = config
        self.state = ChannelState.CLOSED
        self.join_ref: str | None = None
        self.reason = ""
        self.subscription_error = ""
        self.binding_ids: tuple[int, ...] = ()
        self.presence = PresenceMap()
        self._complaint = ""

    @property
    def is_joined(self) -> bool:
        """Whether the server would take a push."""
        return self.state in _ON_SERVER

    # Commands

    def join(self, ref: str, access_token: str | None = None) -> Frame:
        """Begin a new life of the channel."""
        self.state = ChannelState.JOINING
        self.join_ref = ref
        self.reason = self.subscription_error = self._complaint = ""
        self.binding_ids = ()
        self.presence.reset()
        return Frame(self.topic, "phx_join", self.config.payload(access_token), ref, ref)

    def leave(self, ref: str) -> Frame | None:
        """Ask for the end; None if there is nothing to leave."""
        if self.state not in _ON_SERVER and self.state is not ChannelState.JOINING:
            return None
        self.state = ChannelState.LEAVING
        return self._frame(ref, "phx_leave", {})

    def push(self, ref: str, event: str, payload: Any) -> Frame:
        """Any message of the channel, for example ``presence`` or ``access_token``."""
        return self._frame(ref, event, payload)

    def broadcast(self, ref: str, event: str, payload: Any, encoding: Encoding = Encoding.BINARY) -> Frame | BinaryPush:
        """A message for the others in the channel; `bytes` travel as a binary frame, that says what they hold."""
        if isinstance(payload, bytes):
            return BinaryPush(self.topic, event, payload, encoding, ref, self.join_ref)
        return self._frame(ref, "broadcast", {"type": "broadcast", "event": event, "payload": payload})

    # What happens to it

    def join_timed_out(self, ref: str) -> Frame:
        """Give up the join; the frame takes it back on the server, should it still be working on it."""
        self._end(ChannelState.ERRORED, "the server did not answer the join in time")
        return self._frame(ref, "phx_leave", {})

    def leave_timed_out(self) -> None:
        """Count as left, answered or not."""
        self._end(ChannelState.CLOSED, "")

    def connection_lost(self, reason: str) -> None:
        """The socket is gone, and all channels with it; `reason` is empty if the client closed it."""
        if self.state is ChannelState.LEAVING or (self.state in _ALIVE and not reason):
            self._end(ChannelState.CLOSED, "")
        elif self.state in _ALIVE:
            self._end(ChannelState.ERRORED, reason)

    def accepts(self, message: Message) -> bool:
        """Whether a message of this topic belongs to the present life of the channel.

        Broadcasts and changes carry no join_ref: those that come before the join's reply are an older life's.
        Version 1.0.0 never carries one, but an ending has it as its ref.
        """
        if self.state not in _ALIVE:
            return False
        if not isinstance(message, Frame):
            return self.state is not ChannelState.JOINING
        if message.join_ref is not None:
            return bool(message.join_ref == self.join_ref)
        if message.event in _ENDINGS:
            return bool(message.ref == self.join_ref)
        return self.state is not ChannelState.JOINING or message.event == "phx_reply"

    def receive(self, event: Event) -> None:
        """Let an event of an accepted frame change the state."""
        match event:
            case Reply():
                self._receive_reply(event)
            case System():
                self._receive_system(event)
            case PresenceState() | PresenceDiff():
                self.presence.receive(event)
            case Closed() if self.state is ChannelState.LEAVING:
                self._end(ChannelState.CLOSED, "")
            case Closed():
                self._end(ChannelState.CLOSED, self._complaint or "the server closed the channel")
            case Errored():
                self._end(ChannelState.ERRORED, self._complaint or event.reason or "the channel crashed on the server")

    def _receive_reply(self, reply: Reply) -> None:
        if self.state is not ChannelState.JOINING or reply.ref != self.join_ref:
            return
        if not reply.ok:
            self._end(ChannelState.ERRORED, reply.reason or "the server refused the join and gave no reason")
            return
        self.binding_ids = _binding_ids(reply.response)
        self.state = ChannelState.JOINED if self.config.changes else ChannelState.READY

    def _receive_system(self, system: System) -> None:
        if not system.ok:
            self._complaint = system.message
        if system.extension != _POSTGRES_CHANGES:
            return
        self.subscription_error = "" if system.ok else system.message
        if system.ok and self.state is ChannelState.JOINED:
            self.state = ChannelState.READY

    def _end(self, state: ChannelState, reason: str) -> None:
        self.state = state
        self.reason = reason

    def _frame(self, ref: str, event: str, payload: Any) -> Frame:
        return Frame(self.topic, event, payload, ref, self.join_ref)


def _binding_ids(response: Any) -> tuple[int, ...]:
    entries = response.get(_POSTGRES_CHANGES) if isinstance(response, dict) else None
    return tuple(entry["id"] for entry in entries or () if isinstance(entry, dict) and "id" in entry)
