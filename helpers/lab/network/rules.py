"""Rules about WebSocket messages of one kind: drop them, deliver them late, or more than once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from helpers.wire.frames import BinaryBroadcast, BinaryPush, Frame, Message

__all__ = [
    "FrameRule",
    "broadcasts",
    "changes",
    "delay",
    "drop",
    "everything",
    "heartbeats",
    "named",
    "on_topic",
    "repeat",
    "replies",
    "system",
]

Kind = Callable[[Message], bool]


@dataclass(frozen=True, slots=True)
class FrameRule:
    """Messages that `kind` matches are delivered `copies` times, so much later than those around them (`delay_ms`), or
    dropped where neither is given."""

    kind: Kind
    delay_ms: float | None = None
    copies: int = 0


def drop(kind: Kind) -> FrameRule:
    """These messages are lost without a trace."""
    return FrameRule(kind)


def delay(kind: Kind, ms: float) -> FrameRule:
    """These messages come later, others overtake them; an end of the connection does too, and then they are lost."""
    return FrameRule(kind, ms)


def repeat(kind: Kind, copies: int = 2) -> FrameRule:
    """These messages come as often, one right after the other, as from a server that sends them again."""
    return FrameRule(kind, copies=copies)


def everything(message: Message) -> bool:
    return True


def heartbeats(message: Message) -> bool:
    """A heartbeat, and the reply to one."""
    return message.topic == "phoenix"


def replies(message: Message) -> bool:
    """Replies to joins, leaves, acknowledged broadcasts and heartbeats."""
    return isinstance(message, Frame) and message.event == "phx_reply"


def system(message: Message) -> bool:
    """What the server says about a channel, "Subscribed to PostgreSQL" for one."""
    return isinstance(message, Frame) and message.event == "system"


def changes(message: Message) -> bool:
    """Changes of tables."""
    return isinstance(message, Frame) and message.event == "postgres_changes"


def broadcasts(message: Message) -> bool:
    """Broadcasts, in either form and direction."""
    return isinstance(message, BinaryPush | BinaryBroadcast) or message.event == "broadcast"


def named(event: str) -> Kind:
    """Messages of that protocol event (``phx_join``, ``presence_diff``, ``access_token`` …)."""
    return lambda message: isinstance(message, Frame) and message.event == event


def on_topic(topic: str) -> Kind:
    """Messages of one channel, its name without ``realtime:``."""
    return lambda message: message.topic == f"realtime:{topic}"
