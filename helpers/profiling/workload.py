"""What is written during a measurement: an open-loop schedule of inserts, bounded in rate, number and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from helpers.errors import SettingsError
from helpers.profiling.histogram import Floats, Ints

__all__ = ["FIRST_ROOM", "MAX_RATE_PER_S", "MAX_ROWS", "MAX_SECONDS", "Workload"]

#: The first of the seeded rooms (data/seed/rooms.csv); the next three are seeded as well.
FIRST_ROOM = 123

#: One value, or many at once.
Numbers = TypeVar("Numbers", float, Floats)
Counts = TypeVar("Counts", int, Ints)

MAX_RATE_PER_S = 5_000.0
MAX_SECONDS = 120.0
MAX_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Workload:
    """Rows that are due at fixed times, whatever became of the rows before (no coordinated omission).

    Row number `i` is due `i / rate_per_s` seconds after the start and goes to room `first_room + i % rooms`.

    Attributes:
        rate_per_s: rows a second, all rooms together.
        seconds: duration of the schedule.
        rooms: number of rooms that take turns.
        first_room: id of the first of them.
        body_bytes: size of the text in each row.
    """

    rate_per_s: float = 100.0
    seconds: float = 2.0
    rooms: int = 4
    first_room: int = FIRST_ROOM
    body_bytes: int = 400

    def __post_init__(self) -> None:
        bounds = (
            ("rate_per_s", self.rate_per_s, MAX_RATE_PER_S),
            ("seconds", self.seconds, MAX_SECONDS),
            ("rows", self.rate_per_s * self.seconds, MAX_ROWS),
            ("rooms", self.rooms, 1_000),
            ("body_bytes", self.body_bytes, 100_000),
        )
        for name, value, most in bounds:
            if not 0 < value <= most:
                advice = f"Choose {name} above 0 and at most {most:g}"
                raise SettingsError("planning the load", f"{name} is {value:g}", advice)

    @property
    def rows(self) -> int:
        """How many rows the schedule holds, at least one."""
        return max(1, round(self.rate_per_s * self.seconds))

    def due_s(self, index: Numbers) -> Numbers:
        """When row `index` is due, in seconds after the start."""
        return index / self.rate_per_s

    def room(self, index: Counts) -> Counts:
        """The room of row `index`."""
        return self.first_room + index % self.rooms

    def rows_of(self, room: int, rows: int | None = None) -> int:
        """How many of the first `rows` rows (all, by default) go to a room."""
        turn = room - self.first_room
        if not 0 <= turn < self.rooms:
            return 0
        return len(range(turn, self.rows if rows is None else rows, self.rooms))
