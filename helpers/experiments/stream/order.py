"""What the sending process is told, and what it answers. JSON carries it."""

from __future__ import annotations

import msgspec

from helpers.errors import SettingsError
from helpers.experiments.stream.forms import LEAST_BYTES, MOST_BYTES, Form
from helpers.profiling.histogram import Floats
from helpers.profiling.workloads import Rate
from helpers.profiling.workloads.rates import due_times
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
        rate: when messages are due. seconds: duration of the schedule.
        body_bytes: see `body_of`.
        keys: the messages are about so many things in turn; each supersedes the one before of its key.
    """

    topic: str
    rate: Rate
    seconds: float = 1.0
    form: Form = Form.JSON_V2
    body_bytes: int = LEAST_BYTES
    keys: int = 1

    @property
    def due_s(self) -> Floats:
        """When each message is due, after the start.

        Raises:
            SettingsError: the schedule is out of bounds.
        """
        return due_times(self.rate, self.seconds)

    @property
    def messages(self) -> int:
        """How many there are."""
        return int(self.due_s.size)

    @property
    def last_due_s(self) -> float:
        """When the last message is due; 0 where all are due at the start."""
        return float(self.due_s[-1])

    def check(self) -> None:
        """Raises SettingsError if the stream is out of bounds."""
        total = self.messages * self.body_bytes
        if not LEAST_BYTES <= self.body_bytes <= MOST_BYTES or total > MAX_BYTES or self.keys < 1:
            happened = f"{self.messages:,} messages of {self.body_bytes:,} bytes are planned"
            advice = f"Choose bodies of {LEAST_BYTES} to {MOST_BYTES:,} bytes, and at most {MAX_BYTES:,} in all"
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
