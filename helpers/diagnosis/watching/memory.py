"""The latest of something: what a watch of hours may keep."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from dataclasses import replace
from typing import Generic, TypeVar

from helpers.diagnosis.evidence.watch import Second

__all__ = ["BusiestMinute", "Recent", "Timeline"]

K = TypeVar("K")
#: An hour in seconds; longer watches have longer stretches.
MOST_STRETCHES = 3600
#: More joins than a client makes in a minute if it waits at all.
MOST_TIMES = 1000


class Recent(Generic[K]):
    """The latest `size` different keys. `overflowed`: some were forgotten."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._keys: OrderedDict[K, None] = OrderedDict()
        self.overflowed = False

    def add(self, key: K) -> bool:
        """Whether it was not there yet."""
        if key in self._keys:
            self._keys.move_to_end(key)
            return False
        self._keys[key] = None
        if len(self._keys) > self._size:
            self._keys.popitem(last=False)
            self.overflowed = True
        return True

    def __contains__(self, key: K) -> bool:
        return key in self._keys

    def __len__(self) -> int:
        return len(self._keys)


class BusiestMinute:
    """The most times within any 60 s."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=MOST_TIMES)
        self.most = 0

    def add(self, at: float) -> None:
        self._times.append(at)
        while self._times[0] <= at - 60:
            self._times.popleft()
        self.most = max(self.most, len(self._times))


class Timeline:
    """What happened in each stretch of time."""

    def __init__(self, began: float, asked_s: float, stretch_s: float) -> None:
        self._began = began
        self.stretch_s = stretch_s * max(1, math.ceil(asked_s / stretch_s / MOST_STRETCHES))
        self._stretches: deque[Second] = deque([Second(0.0)], maxlen=MOST_STRETCHES)

    def add(self, at: float, *, changes: int = 0, broadcasts: int = 0, errors: int = 0) -> None:
        """Count in the stretch of that moment, which is the latest one."""
        self.reach(at, self._stretches[-1].connected)
        last = self._stretches[-1]
        self._stretches[-1] = replace(
            last, changes=last.changes + changes, broadcasts=last.broadcasts + broadcasts, errors=last.errors + errors
        )

    def reach(self, at: float, connected: bool) -> None:
        """Begin stretches up to that moment; those in between were quiet."""
        while at - self._began >= self._stretches[-1].at_s + self.stretch_s:
            self._stretches.append(Second(self._stretches[-1].at_s + self.stretch_s, connected=connected))
        self._stretches[-1] = replace(self._stretches[-1], connected=connected)

    @property
    def stretches(self) -> tuple[Second, ...]:
        return tuple(self._stretches)
