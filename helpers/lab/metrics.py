"""Numbers for monitoring, in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

__all__ = ["CONTENT_TYPE", "Family", "Histogram", "Labels", "render"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]


class Histogram:
    """How many values were at most so large, for each bound. Counting one takes a fraction of a microsecond."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    @property
    def count(self) -> int:
        return sum(self._counts)

    def samples(self, labels: Labels) -> Iterator[tuple[str, Labels, float]]:
        """Suffix, labels and value of each line."""
        limits = [*map(_number, self._bounds), "+Inf"]
        for limit, reached in zip(limits, accumulate(self._counts), strict=True):
            yield "_bucket", {**labels, "le": limit}, reached
        yield "_sum", labels, self._sum
        yield "_count", labels, self.count


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with its values by labels."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    values: tuple[tuple[Labels, float | Histogram], ...]

    @classmethod
    def of(cls, kind: Literal["counter", "gauge"], name: str, help: str, value: float) -> Family:
        """A metric with a single value."""
        return cls(name, kind, help, (({}, value),))

    @classmethod
    def by(cls, label: str, name: str, help: str, counts: Mapping[str, int]) -> Family:
        """A counter for each value of a label."""
        return cls(name, "counter", help, tuple(({label: key}, count) for key, count in sorted(counts.items())))

    def labelled(self, labels: Labels) -> Family:
        """The same with further labels."""
        return Family(self.name, self.kind, self.help, tuple(({**labels, **own}, value) for own, value in self.values))

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {_escape(self.help)}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in self.values:
            samples = value.samples(labels) if isinstance(value, Histogram) else (("", labels, value),)
            for suffix, full, number in samples:
                yield f"{self.name}{suffix}{_label_text(full)} {_number(number)}"


def render(families: Iterable[Family]) -> str:
    """The body of an answer to a scrape."""
    return "".join(f"{line}\n" for family in families for line in family.lines())


def _label_text(labels: Labels) -> str:
    pairs = (f'{name}="{_quoted(value)}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}" if labels else ""


def _quoted(text: str) -> str:
    return _escape(text).replace('"', '\\"')


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
