"""A histogram of durations that merges by addition: nanoseconds to three days, each value right to 0.4 %.

The buckets are those of HdrHistogram (Gil Tene): linear at first, then equally many in each power of two. It is our own
because the Python port of HdrHistogram enters one value at a time, in 1.3 µs each, while numpy enters a block of 512 in
0.02 µs each; and because nothing else of that library is needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec
import numpy as np
import numpy.typing as npt

from helpers.profiling.statistics import Z975

__all__ = ["RELATIVE_ERROR", "Counts", "Histogram"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_PER_OCTAVE_BITS = 7
_PER_OCTAVE = 1 << _PER_OCTAVE_BITS
_OCTAVES = 40
_BUCKETS = (_OCTAVES + 2) * _PER_OCTAVE
_MOST_NS = (1 << (_OCTAVES + _PER_OCTAVE_BITS + 1)) - 1

#: Values that are put into buckets together, so that they share the cost of it.
_BLOCK = 4_096

#: How far a percentile may be from the value it stands for: half the width of a bucket, by its lower end.
RELATIVE_ERROR = 1 / (2 * _PER_OCTAVE)


class Counts(msgspec.Struct, frozen=True):
    """A histogram as it travels and is stored: pairs of bucket and count, and what buckets cannot tell."""

    buckets: tuple[tuple[int, int], ...] = ()
    total_s: float = 0.0
    min_s: float = 0.0
    max_s: float = 0.0

    @property
    def count(self) -> int:
        return sum(count for _, count in self.buckets)


class Histogram:
    """Durations in seconds. What is below 0 counts as 0: clocks that differ give such, and whoever enters tells it."""

    def __init__(self) -> None:
        self._counts: Ints = np.zeros(_BUCKETS, dtype=np.int64)
        self._total_s = 0.0
        self._min_s = self._max_s = math.nan
        self._waiting: list[Floats] = []
        self._waiting_count = 0

    @property
    def count(self) -> int:
        """How many values were entered."""
        return int(self._settled().sum())

    @property
    def mean_s(self) -> float:
        """Exactly; NaN for an empty histogram."""
        return self._total_s / count if (count := self.count) else math.nan

    @property
    def min_s(self) -> float:
        """The least value, exactly; NaN for an empty histogram."""
        self._settled()
        return self._min_s

    @property
    def max_s(self) -> float:
        """The greatest value, exactly; NaN for an empty histogram."""
        self._settled()
        return self._max_s

    def record(self, seconds: float) -> None:
        """Enter one value."""
        self.record_many(np.array([seconds]))

    def record_many(self, seconds: Floats) -> None:
        """Enter values; a NaN raises ValueError, as it is no duration."""
        if seconds.size == 0:
            return
        if math.isnan(float(seconds.min())):
            raise ValueError("NaN is no duration")
        self._waiting.append(np.maximum(seconds, 0.0))
        self._waiting_count += seconds.size
        if self._waiting_count >= _BLOCK:
            self._settled()

    def percentile_s(self, percent: float) -> float:
        """The least value that `percent` of the sample do not exceed, within `RELATIVE_ERROR`; NaN for none."""
        return self._ranked(math.ceil(self.count * percent / 100))

    def interval_s(self, percent: float) -> tuple[float, float]:
        """95 % interval of a percentile, by order statistics: for independent values of any distribution.

        Where the sample is too small to bound it from above, the upper end is infinite.
        """
        count, share = self.count, percent / 100
        if count == 0:
            return math.nan, math.nan
        half = Z975 * math.sqrt(count * share * (1 - share))
        low, high = math.floor(count * share - half), math.ceil(count * share + half) + 1
        return self._ranked(low), self._ranked(high) if high <= count else math.inf

    def add(self, other: Histogram) -> None:
        """Take over all values of another histogram: the sum equals one that had entered all of them."""
        self._counts += other._settled()
        self._extend(other._total_s, other._min_s, other._max_s)

    def counts(self) -> Counts:
        """To send or store it."""
        if self.count == 0:
            return Counts()
        filled = np.flatnonzero(self._counts)
        pairs = zip(filled.tolist(), self._counts[filled].tolist(), strict=True)
        return Counts(tuple(pairs), self._total_s, self._min_s, self._max_s)

    @classmethod
    def merged(cls, parts: Iterable[Counts]) -> Histogram:
        """One histogram of what many hold.

        Raises:
            ValueError: a part has a bucket that there is not, or a negative count.
        """
        histogram = cls()
        for part in parts:
            histogram._add_counts(part)
        return histogram

    def _add_counts(self, part: Counts) -> None:
        if not part.buckets:
            return
        pairs = np.array(part.buckets, dtype=np.int64)
        if pairs.min() < 0 or pairs[:, 0].max() >= _BUCKETS:
            raise ValueError("these are no counts of a histogram of this kind")
        np.add.at(self._counts, pairs[:, 0], pairs[:, 1])
        self._extend(part.total_s, part.min_s, part.max_s)

    def _settled(self) -> Ints:
        """The counts, with everything that was entered."""
        if self._waiting:
            seconds = np.concatenate(self._waiting)
            self._waiting, self._waiting_count = [], 0
            np.add.at(self._counts, _bucket(seconds), 1)
            self._extend(float(seconds.sum()), float(seconds.min()), float(seconds.max()))
        return self._counts

    def _extend(self, total_s: float, least_s: float, most_s: float) -> None:
        self._total_s += total_s
        self._min_s = float(np.fmin(self._min_s, least_s))  # fmin and fmax pass over NaN
        self._max_s = float(np.fmax(self._max_s, most_s))

    def _ranked(self, rank: int) -> float:
        """The value of that rank, from 1 on; its bucket's middle, which never lies outside the sample."""
        count = self.count
        if count == 0:
            return math.nan
        rank = min(max(rank, 1), count)
        if rank == count:
            return self._max_s
        bucket = int(np.searchsorted(np.cumsum(self._counts), rank))
        return min(max(_middle_s(bucket), self._min_s), self._max_s)


def _bucket(seconds: Floats) -> Ints:
    nanos = np.minimum(seconds * 1e9, _MOST_NS).astype(np.int64)
    octave = np.maximum(np.frexp(nanos.astype(np.float64))[1] - (_PER_OCTAVE_BITS + 1), 0)
    bucket: Ints = octave * _PER_OCTAVE + (nanos >> octave)
    return bucket


def _middle_s(bucket: int) -> float:
    octave = max(0, bucket // _PER_OCTAVE - 1)
    return ((bucket - octave * _PER_OCTAVE + 0.5) * (1 << octave)) / 1e9
