"""Sentences of the server, wherever they were heard: in this diagnosis, by a client of the user, on a watch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Heard", "Place"]


class Place(StrEnum):
    """Where the server says something."""

    HANDSHAKE = "handshake"  # the HTTP answer to the upgrade, which browsers hide
    JOIN = "join"  # the reply to phx_join
    SYSTEM = "system"  # a `system` message, or the reply to another message
    LOG = "log"  # given by the user, who has it from somewhere


@dataclass(frozen=True, slots=True)
class Heard:
    """One sentence. `status` is the HTTP status of an answer to the upgrade."""

    place: Place
    sentence: str
    status: int | None = None
    took_ms: float = 0.0
