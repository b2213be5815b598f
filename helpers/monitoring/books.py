"""Books that take as much memory on their last day as on their first: all their pages are there from the beginning."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Numbers", "Outage", "Outages"]


@dataclass(frozen=True, slots=True)
class Outage:
    """A time without service, in the seconds of the caller's clock."""

    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Numbers:
    """The latest of numbers that grow by one, from 0.

    Args:
        kept: a number is forgotten when the one that is larger by so many is added. 8 bytes each.
    """

    def __init__(self, kept: int) -> None:
        self._places = array("q", [-1]) * kept

    def add(self, number: int) -> None:
        self._places[number % len(self._places)] = number

    def __contains__(self, number: int) -> bool:
        return number >= 0 and self._places[number % len(self._places)] == number


class Outages:
    """The latest outages.

    Args:
        kept: how many. 16 bytes each.

    Attributes:
        count: of all that there ever were.
    """

    def __init__(self, kept: int) -> None:
        self._began, self._ended = (array("d", bytes(8 * kept)) for _ in range(2))
        self.count = 0

    def add(self, outage: Outage) -> None:
        place = self.count % len(self._began)
        self._began[place], self._ended[place] = outage.began, outage.ended
        self.count += 1

    def __iter__(self) -> Iterator[Outage]:
        """Those that are kept, oldest first."""
        return map(self._get, range(max(0, self.count - len(self._began)), self.count))

    def __reversed__(self) -> Iterator[Outage]:
        return map(self._get, range(self.count - 1, max(0, self.count - len(self._began)) - 1, -1))

    def _get(self, number: int) -> Outage:
        place = number % len(self._began)
        return Outage(self._began[place], self._ended[place])
