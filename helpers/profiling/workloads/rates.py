"""When messages are due: rates as data, each a function from a duration to due times."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from helpers.errors import SettingsError
from helpers.profiling.histogram import Floats, Ints

__all__ = [
    "MAX_MESSAGES",
    "MAX_RATE_PER_S",
    "MAX_SECONDS",
    "Burst",
    "Constant",
    "Poisson",
    "Ramp",
    "Rate",
    "Trace",
    "due_times",
    "peak_per_s",
]

#: Bounds of every schedule. One sender of the real server's kind reaches 30,000/s (1 to 1, without loss).
MAX_RATE_PER_S = 50_000.0
MAX_SECONDS = 300.0
MAX_MESSAGES = 500_000

_TRIED = "planning the load"

#: Due times are quotients; two that are a second apart may differ from that by so much.
_ROUNDING_S = 1e-9


class Constant(msgspec.Struct, frozen=True, tag="constant"):
    """Evenly spaced: message `i` is due `i / per_s` seconds after the start."""

    per_s: float

    def messages(self, seconds: float) -> float:
        """How many there will be, about."""
        return self.per_s * seconds

    def due_s(self, seconds: float) -> Floats:
        """Seconds after the start, ascending."""
        due: Floats = np.arange(max(1, round(self.per_s * seconds))) / self.per_s
        return due

    def __str__(self) -> str:
        return f"{self.per_s:g}/s"


class Ramp(msgspec.Struct, frozen=True, tag="ramp"):
    """From one rate to another, growing evenly."""

    from_per_s: float
    to_per_s: float

    def messages(self, seconds: float) -> float:
        """How many there will be, about."""
        return (self.from_per_s + self.to_per_s) / 2 * seconds

    def due_s(self, seconds: float) -> Floats:
        """Seconds after the start, ascending: where the integral of the rate reaches 0, 1, 2 …"""
        count = np.arange(max(1, round(self.messages(seconds))), dtype=np.float64)
        begin, growth = self.from_per_s, (self.to_per_s - self.from_per_s) / seconds
        # The smaller root of growth/2·t² + begin·t = count, in the form that is exact for no growth as well.
        root = np.sqrt(np.maximum(begin * begin + 2 * growth * count, 0.0))
        due: Floats = np.divide(2 * count, begin + root, out=np.zeros_like(count), where=begin + root > 0)
        return due

    def __str__(self) -> str:
        return f"{self.from_per_s:g} to {self.to_per_s:g}/s"


class Burst(msgspec.Struct, frozen=True, tag="burst"):
    """Several messages at one moment, again and again."""

    size: int
    every_s: float

    def messages(self, seconds: float) -> float:
        """How many there will be, about."""
        return self.size * math.ceil(seconds / self.every_s) if self.every_s > 0 else math.inf

    def due_s(self, seconds: float) -> Floats:
        """Seconds after the start, ascending."""
        due: Floats = np.repeat(np.arange(math.ceil(seconds / self.every_s)) * self.every_s, self.size)
        return due

    def __str__(self) -> str:
        return f"{self.size} every {self.every_s:g} s"


class Poisson(msgspec.Struct, frozen=True, tag="poisson"):
    """Independent users: gaps are exponential. Equal seeds give equal schedules."""

    per_s: float
    seed: int = 0

    def messages(self, seconds: float) -> float:
        """How many there will be, about."""
        return self.per_s * seconds

    def due_s(self, seconds: float) -> Floats:
        """Seconds after the start, ascending."""
        mean = self.per_s * seconds
        enough = math.ceil(mean + 6 * math.sqrt(mean) + 10)
        due: Floats = np.cumsum(np.random.default_rng(self.seed).exponential(1 / self.per_s, enough))
        return due[due < seconds]

    def __str__(self) -> str:
        return f"{self.per_s:g}/s at random"


class Trace(msgspec.Struct, frozen=True, tag="trace"):
    """Due times that were recorded, in seconds after the start; those beyond a workload's duration are left out."""

    times_s: tuple[float, ...]

    def messages(self, seconds: float) -> float:
        """How many there will be."""
        return sum(time < seconds for time in self.times_s)

    def due_s(self, seconds: float) -> Floats:
        """Seconds after the start, ascending."""
        due = np.array(self.times_s, dtype=np.float64)
        return due[due < seconds]

    def __str__(self) -> str:
        return f"a trace of {len(self.times_s):,} messages"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a text file with one moment in each line: seconds, or a time of ISO 8601; the first one is the start.

        Empty lines and lines that begin with ``#`` are passed over.

        Raises:
            SettingsError: there is no such file, a line holds no time, or one that is before its predecessor.
        """
        tried = f"reading the trace {path}"
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise SettingsError(tried, error.strerror or str(error), "Name a file that can be read") from None
        except UnicodeDecodeError:
            raise SettingsError(tried, "it is no text file", _TRACE_FORM) from None
        return cls(_moments(lines, tried))


#: Every kind of rate; the tag tells them apart in JSON.
Rate = Constant | Ramp | Burst | Poisson | Trace

_TRACE_FORM = "Write one moment in each line: seconds such as 0.25, or a time such as 2026-01-31T12:00:00.250Z"


def due_times(rate: Rate, seconds: float) -> Floats:
    """The due times of a rate, checked.

    Raises:
        SettingsError: beyond the bounds in rate, number or time; or nothing is due.
    """
    if not isinstance(rate, Rate):
        raise SettingsError(_TRIED, f"the rate is {rate!r}", "Write it as Constant(100.0), or as another rate")
    _check("seconds", seconds, MAX_SECONDS)
    for name in ("per_s", "from_per_s", "to_per_s"):
        if hasattr(rate, name):
            _check(name, getattr(rate, name), MAX_RATE_PER_S, zero=isinstance(rate, Ramp))
    _check("messages", rate.messages(seconds), MAX_MESSAGES)
    due = rate.due_s(seconds)
    if due.size == 0:
        raise SettingsError(_TRIED, f"nothing is due within {seconds:g} s", "Choose a longer time or a higher rate")
    if not (np.isfinite(due).all() and due[0] >= 0 and (np.diff(due) >= 0).all()):
        raise SettingsError(_TRIED, "the due times are not in order, or below 0", "Give seconds that ascend from 0")
    _check("messages in one second", float(peak_per_s(due)), MAX_RATE_PER_S)
    return due


def peak_per_s(due: Floats, weight: Ints | None = None) -> int:
    """The most messages that are due within one second, wherever it begins; each counts as its weight says."""
    total = np.concatenate(([0], np.cumsum(np.ones(due.size, dtype=np.int64) if weight is None else weight)))
    ends = np.searchsorted(due, due + (1.0 - _ROUNDING_S))
    return int((total[ends] - total[:-1]).max(initial=0))


def _check(name: str, value: float, most: float, *, zero: bool = False) -> None:
    if not (0 < value <= most or (zero and value == 0)):
        advice = f"Choose {name} above 0 and at most {most:,.0f}"
        raise SettingsError(_TRIED, f"{name} is {value:,g}", advice)


def _moments(lines: list[str], tried: str) -> tuple[float, ...]:
    """The moments of a trace, from its first one on."""
    moments: list[float] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        moment = _moment(text)
        if moment is None or not math.isfinite(moment):
            raise SettingsError(tried, f"line {number} holds no time: {text[:40]!r}", _TRACE_FORM)
        if moments and moment < moments[-1]:
            happened = f"line {number} is before the line above it, as if the clock had gone back"
            raise SettingsError(tried, happened, "Sort the trace, or cut it where the clock was set")
        moments.append(moment)
        if len(moments) > MAX_MESSAGES:
            raise SettingsError(tried, f"it has more than {MAX_MESSAGES:,} moments", "Cut it to what is to be replayed")
    if not moments:
        raise SettingsError(tried, "it holds no moments", _TRACE_FORM)
    return tuple(moment - moments[0] for moment in moments)


def _moment(text: str) -> float | None:
    """Seconds, of a number or of a point in time."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None
