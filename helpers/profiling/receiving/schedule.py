"""When numbered messages are due that do not carry it themselves."""

from __future__ import annotations

import math

import numpy as np

from helpers.profiling.histogram import Floats, Ints

__all__ = ["Schedule"]


class Schedule:
    """Message `first_seq + i` is due `due_s[i]` after `start`.

    Attributes:
        start: seconds of the sender's clock; while it is NaN nothing has a due time.
    """

    def __init__(self, first_seq: int, due_s: Floats) -> None:
        self.start = math.nan
        self._first_seq = first_seq
        self._due_s = due_s

    def places(self, seq: Ints) -> tuple[Ints, Floats]:
        """The places of messages in the sequence, from 0, and their due times; NaN for those that are not of it."""
        index = seq - self._first_seq
        ours = (index >= 0) & (index < self._due_s.size)
        due: Floats = np.where(ours, self.start + self._due_s[np.where(ours, index, 0)], np.nan)
        return index, due
