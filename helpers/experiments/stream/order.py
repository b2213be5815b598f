"""What the sending process is told, and what it answers. JSON carries it."""

from __future__ import annotations

import msgspec

from helpers.errors import SettingsError
from helpers.experiments.stream.forms import LEAST_BYTES, MOST_BYTES, Form
from helpers.target import Target

__all__ = ["EVENT", "MAX_BYTES", "MAX_MESSAGES", "MAX_SECONDS", "Go", "Prepare", "Prepared", "Sent", "Stream"]

#: The name of the broadcast event.
EVENT = "update"

#: Bounds of one stream.
MAX_MESSAGES, MAX_BYTES, MAX_SECONDS = 100_000, 2_000_000_000, 120.0


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """Numbered messages on one channel.

    Attributes:
        topic: the channel's name, without prefix.
        rate_per_s: message *i* is due *i*/rate after the start; 0 makes all due at the start.
        body_bytes: see `body_of`.
        keys: the messages are about so many things in turn; each supersedes the one before of its key.
    """

    topic: str
    messages: int
    rate_per_s: float = 0.0
    form: Form = Form.JSON_V2
    body_bytes: int = LEAST_BYTES
    keys: int = 1

    @property
    def seconds(self) -> float:
        """From the first due to the last."""
        return (self.messages - 1) / self.rate_per_s if self.rate_per_s else 0.0

    def due_s(self, seq: int) -> float:
        """When a message is due, after the start."""
        return seq / self.rate_per_s if self.rate_per_s else 0.0

    def check(self) -> None:
        """Raises SettingsError if the stream is out of bounds."""
        if (
            not 1 <= self.messages <= MAX_MESSAGES
            or not 0 <= self.rate_per_s < float("inf")
            or not self.seconds <= MAX_SECONDS
            or not LEAST_BYTES <= self.body_bytes <= MOST_BYTES
            or not self.messages * self.body_bytes <= MAX_BYTES
            or self.keys < 1
        ):
            happened = f"{self.messages:,} messages of {self.body_bytes:,} bytes at {self.rate_per_s:g}/s are planned"
            advice = (
                f"Choose at most {MAX_MESSAGES:,} messages of {LEAST_BYTES} to {MOST_BYTES:,} bytes, "
                f"{MAX_BYTES:,} bytes and {MAX_SECONDS:g} s in all"
            )
            raise SettingsError("planning a stream", happened, advice)


class Prepare(msgspec.Struct, frozen=True, kw_only=True):
    """First line of an order: connect, join, and be ready."""

    target: Target
    stream: Stream


class Prepared(msgspec.Struct, frozen=True):
    """It is, or it is not."""

    error: str = ""


class Go(msgspec.Struct, frozen=True):
    """Second line: the first message is due at that moment (monotonic seconds, which all processes share)."""

    start: float


class Sent(msgspec.Struct, frozen=True):
    """What became of it.

    Attributes:
        messages: that were sent. seconds: from the start to the last of them.
        cpu_s: of the sending thread meanwhile. late_p99_ms, late_max_ms: after they were due.
        at_s: when each was sent, after the start.
        error: what stopped it early.
    """

    messages: int
    seconds: float
    cpu_s: float
    late_p99_ms: float
    late_max_ms: float
    at_s: tuple[float, ...]
    error: str = ""
