"""Rules about WebSocket messages of one kind: drop them, or deliver them late."""

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
    "replies",
    "system",
]

Kind = Callable[[Message], bool]


@dataclass(frozen=True, slots=True)
class FrameRule:
    """Messages that `kind` matches are dropped (`delay_ms` None), or delivered so much later than those around them."""

    kind: Kind
    delay_ms: float | None = None


def drop(kind: Kind) -> FrameRule:
    """These messages are lost without a trace."""
    return FrameRule(kind)


def delay(kind: Kind, ms: float) -> FrameRule:
    """These messages come later; others overtake them."""
    return FrameRule(kind, ms)


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
