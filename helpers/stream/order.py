"""What the sending process is told, and what it answers. JSON carries it."""

from __future__ import annotations

import msgspec

from helpers.errors import SettingsError
from helpers.stream.forms import LEAST_BYTES, MOST_BYTES, Form
from helpers.stream.paces import Pace
from helpers.target import Target

__all__ = ["EVENT", "MAX_BYTES", "Go", "Prepare", "Prepared", "Sent", "Stream"]

#: The name of the broadcast event.
EVENT = "update"

#: Bytes of all bodies of one stream.
MAX_BYTES = 2_000_000_000


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """Numbered messages on one channel.

    Attributes:
        topic: the channel's name, without prefix.
        due_s: when each message is due, in seconds after the start, ascending.
        body_bytes: see `body_of`.
        keys: the messages are about so many things in turn; each supersedes the one before of its key.
        pace: how the sender gathers what is due into messages, each of several (see `together`); None sends each by
            itself, in its form.
    """

    topic: str
    due_s: tuple[float, ...]
    form: Form = Form.JSON_V2
    body_bytes: int = LEAST_BYTES
    keys: int = 1
    pace: Pace | None = None

    @property
    def messages(self) -> int:
        """How many there are."""
        return len(self.due_s)

    @property
    def last_due_s(self) -> float:
        """When the last message is due; 0 where all are due at the start."""
        return self.due_s[-1]

    def check(self) -> None:
        """Raises SettingsError if the stream is out of bounds."""
        tried, total = "planning a stream", self.messages * self.body_bytes
        if not self.due_s or self.keys < 1:
            happened = f"{self.messages:,} messages about {self.keys:,} things are planned"
            raise SettingsError(tried, happened, "Choose at least 1 of each")
        if not LEAST_BYTES <= self.body_bytes <= MOST_BYTES or total > MAX_BYTES:
            happened = f"{self.messages:,} messages of {self.body_bytes:,} bytes are planned"
            advice = f"Choose bodies of {LEAST_BYTES} to {MOST_BYTES:,} bytes, and at most {MAX_BYTES:,} in all"
            raise SettingsError(tried, happened, advice)


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
        messages: that were sent; with a pace, each holds several. seconds: from the start to the last of them.
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
