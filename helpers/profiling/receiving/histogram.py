"""A histogram of durations that merges: from a microsecond to days, each value right to 0.8 %.

Buckets as in HdrHistogram (Gil Tene): linear to 256 µs, then 128 to each power of two.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ["Counts", "Histogram"]

_LINEAR = 256
_PER_OCTAVE = 128
_OCTAVES = 32
_BLOCK = 8_192
_BUCKETS = _LINEAR + _OCTAVES * _PER_OCTAVE


class Counts(msgspec.Struct, frozen=True):
    """A histogram as it travels between processes: pairs of bucket and count, and what buckets cannot tell."""

    buckets: tuple[tuple[int, int], ...] = ()
    total_s: float = 0.0
    min_s: float = float("inf")
    max_s: float = 0.0


class Histogram:
    """Durations in seconds; what is below 0 counts as 0, as clocks that differ give such."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BUCKETS, dtype=np.int64)
        self._total_s, self._min_s, self._max_s = 0.0, float("inf"), 0.0
        self._waiting: list[npt.NDArray[np.float64]] = []  # to be entered together, as each time costs the same
        self._waiting_count = 0

    @property
    def count(self) -> int:
        self._enter()
        return int(self._counts.sum())

    @property
    def mean_s(self) -> float:
        count = self.count
        return self._total_s / count if count else float("nan")

    @property
    def min_s(self) -> float:
        self._enter()
        return self._min_s

    @property
    def max_s(self) -> float:
        self._enter()
        return self._max_s

    def record_many(self, seconds: npt.NDArray[np.float64]) -> None:
        """Enter values."""
        self._waiting.append(seconds)
        self._waiting_count += seconds.size
        if self._waiting_count >= _BLOCK:
            self._enter()

    def _enter(self) -> None:
        if not self._waiting_count:
            return
        seconds = np.maximum(np.concatenate(self._waiting), 0.0)
        self._waiting.clear()
        self._waiting_count = 0
        self._total_s += float(seconds.sum())
        self._min_s = min(self._min_s, float(seconds.min()))
        self._max_s = max(self._max_s, float(seconds.max()))
        self._counts += np.bincount(_bucket(seconds), minlength=_BUCKETS)

    def percentile_s(self, percent: float) -> float:
        """The value that `percent` of the sample do not exceed (its bucket's middle); NaN for an empty sample."""
        count = self.count
        if count == 0:
            return float("nan")
        rank = max(1, int(np.ceil(count * percent / 100)))
        bucket = int(np.searchsorted(np.cumsum(self._counts), rank))
        return min(max(_middle_s(bucket), self._min_s), self._max_s)

    def counts(self) -> Counts:
        """To send it elsewhere."""
        self._enter()
        filled = np.flatnonzero(self._counts)
        pairs = zip(filled.tolist(), self._counts[filled].tolist(), strict=True)
        return Counts(tuple(pairs), self._total_s, self._min_s, self._max_s)

    @classmethod
    def merged(cls, parts: Sequence[Counts]) -> Histogram:
        """As if everything had been entered into one."""
        histogram = cls()
        for part in parts:
            for bucket, count in part.buckets:
                histogram._counts[bucket] += count
            histogram._total_s += part.total_s
            histogram._min_s = min(histogram._min_s, part.min_s)
            histogram._max_s = max(histogram._max_s, part.max_s)
        return histogram


def _bucket(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    micros = (seconds * 1e6).astype(np.int64)
    octave = np.maximum(np.frexp(micros.astype(np.float64))[1] - 8, 0)  # 0 below 256 µs
    bucket = octave * _PER_OCTAVE + (micros >> octave)
    clipped: npt.NDArray[np.int64] = np.minimum(bucket, _BUCKETS - 1)
    return clipped


def _middle_s(bucket: int) -> float:
    octave = max(0, bucket // _PER_OCTAVE - 1)
    return ((bucket - octave * _PER_OCTAVE + 0.5) * (1 << octave)) / 1e6
