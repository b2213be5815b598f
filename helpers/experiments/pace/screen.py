"""What a user sees: for each thing the value that was shown last, and how old it is."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from helpers.profiling.histogram import Floats
from helpers.profiling.statistics import slope

__all__ = ["Screen"]

#: Moments at which it is looked at, a second.
LOOKS_PER_S = 500

#: A line through fewer turns says nothing of a trend.
FEWEST = 5


class Screen:
    """Books on what was shown when. No I/O and no clock: times are given, in seconds of one monotonic clock.

    The *age* of what is shown, at some moment, is how long ago that value was due at its source (the "age of
    information" of Kaul, Yates and Gruteser, 2012). It grows by a second a second until a newer value is shown, so
    that it holds everything that a user could mind: the way, the waiting, and updates that were left out.
    """

    def __init__(self) -> None:
        self._shown_at: dict[int, list[float]] = defaultdict(list)
        self._due: dict[int, list[float]] = defaultdict(list)

    def show(self, key: int, due: float, at: float) -> None:
        """A value of a key that was due then is seen from now on."""
        self._shown_at[key].append(at)
        self._due[key].append(due)

    def ages_s(self, first_due: dict[int, float], begin: float, end: float) -> Floats:
        """The age of each key's value, looked at again and again between two moments.

        Args:
            first_due: when each key's first value was due; a key that shows nothing yet is as old as that.
        """
        moments = np.arange(begin, end, 1 / LOOKS_PER_S)
        return np.concatenate([np.empty(0), *(self._ages_of(key, due, moments) for key, due in first_due.items())])

    def growth(self, begin: float, end: float) -> float | None:
        """By how many seconds a second the delay of what is shown grows, from due to shown, of the newest value of
        each turn that was due between two moments: 0 where the application keeps up, however slow it is.

        The older values of a turn waited for the newer ones, so that within a turn the delay falls, whether the
        application keeps up or not. None from fewer than `FEWEST` turns.
        """
        due = np.concatenate([np.empty(0), *map(np.asarray, self._due.values())])
        turns, turn = np.unique(
            np.concatenate([np.empty(0), *map(np.asarray, self._shown_at.values())]), return_inverse=True
        )
        newest = np.full(turns.size, -np.inf)
        np.maximum.at(newest, turn, due)
        within = (newest >= begin) & (newest < end)
        if np.unique(newest[within]).size < FEWEST:
            return None
        return slope(newest[within].tolist(), (turns - newest)[within].tolist())[0]

    def latest(self, key: int) -> float | None:
        """When the value of a key that is shown in the end was due; None if it never showed one."""
        return self._due[key][-1] if key in self._due else None

    def _ages_of(self, key: int, first_due: float, moments: Floats) -> Floats:
        due = np.array([first_due, *self._due.get(key, ())])
        place = np.searchsorted(np.array(self._shown_at.get(key, ())), moments, side="right")
        ages: Floats = moments - due[place]
        return ages[moments >= first_due]
