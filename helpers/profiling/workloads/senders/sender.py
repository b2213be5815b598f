"""What all senders have in common: the books of what was accepted, refused and answered."""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections import Counter

import numpy as np

from helpers.profiling.histogram import Floats, Histogram
from helpers.profiling.ledger import Bools
from helpers.profiling.workloads.orders import Prepare, Prepared

__all__ = ["FINISH_LIMIT_S", "UNANSWERED", "Sender"]

#: How long answers may still be under way after the last message was due.
FINISH_LIMIT_S = 30.0

UNANSWERED = "no answer came"

#: Different reasons that are kept; a target that words each refusal in another way must not fill the memory.
_MOST_REASONS = 20

_SENTENCE = "The quick brown fox jumps over the lazy dog. "


class Sender(ABC):
    """Sends the messages of one workload.

    Attributes:
        never_waits: whether `send` returns at once, whatever the target does.
        accepted: which messages the target took. errors: why it did not take others.
        answered_at: when it said so (monotonic seconds); NaN where it said nothing.
        is_over: whether nothing more can be sent.
    """

    never_waits = False

    def __init__(self, order: Prepare) -> None:
        self.workload = order.workload
        self.target = order.target
        self.first_seq = order.first_seq
        self.topics = order.topics
        messages = order.workload.messages
        self.accepted: Bools = np.zeros(messages, dtype=np.bool_)
        self.answered_at: Floats = np.full(messages, np.nan)
        self.errors: Counter[str] = Counter()
        self.is_over = False
        self._unanswered = 0
        self._idle = asyncio.Event()

    @abstractmethod
    async def open(self) -> Prepared:
        """Connect and make ready."""

    @abstractmethod
    async def send(self, index: int) -> None:
        """Send one message. What goes wrong is told to `refused`."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect."""

    async def finish(self) -> None:
        """Until everything is answered; what is not within `FINISH_LIMIT_S` is told so."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FINISH_LIMIT_S):
                while self._unanswered and not self.is_over:
                    self._idle.clear()
                    await self._idle.wait()
        if self._unanswered and not self.is_over:
            self._note(UNANSWERED, self._unanswered)

    def answered(self, due: Floats) -> Histogram:
        """From due to answer, of the messages that were accepted."""
        histogram, known = Histogram(), self.accepted & ~np.isnan(self.answered_at)
        histogram.record_many((self.answered_at - due)[known])
        return histogram

    def text(self) -> str:
        """The text that each message carries."""
        size = self.workload.body_bytes
        return (_SENTENCE * (size // len(_SENTENCE) + 1))[:size]

    def topic(self, index: int) -> str:
        """The channel of a message."""
        return self.topics[index % len(self.topics)]

    def asked(self) -> None:
        """One more answer is awaited."""
        self._unanswered += 1

    def took(self, index: int) -> None:
        """The target has answered: it took the message."""
        self.answered_at[index] = time.monotonic()
        self.accepted[index] = True
        self._has_answer()

    def refused(self, index: int, reason: str) -> None:
        """The target has answered, or has failed to: it did not take the message."""
        self._note(reason or "refused without a reason")
        self._has_answer()

    def _has_answer(self) -> None:
        self._unanswered -= 1
        if self._unanswered <= 0:
            self._idle.set()

    def _note(self, reason: str, count: int = 1) -> None:
        known = reason in self.errors or len(self.errors) < _MOST_REASONS
        self.errors[reason if known else "other reasons"] += count

    def _give_up(self, reason: str) -> None:
        """Nothing more can be sent."""
        self.is_over = True
        self._note(reason)
        self._idle.set()
