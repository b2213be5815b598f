"""What is written during a measurement, as data: by which route, when, how much, and with which values."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from helpers.errors import SettingsError
from helpers.profiling.histogram import Floats
from helpers.profiling.workloads.rates import Constant, Rate, due_times

__all__ = ["BROADCAST_ROUTES", "FIRST_ROOM", "ROOM_COLUMN", "TABLE", "Action", "Encoding", "Route", "Value", "Workload"]

#: The workbook's own table for load.
TABLE = "events"

#: The first of the seeded rooms (data/seed/rooms.csv); the next three are seeded as well.
FIRST_ROOM = 123
ROOM_COLUMN = "room_id"

#: What a column may be given.
Value = int | float | bool | str | None

_TRIED = "planning the load"


class Route(StrEnum):
    """How a message gets into Realtime."""

    SQL = "sql"  # a row, by pipelined statements, each a transaction of its own
    PRISMA = "prisma"  # a row, by the generated Prisma client
    REST = "rest"  # a row, by PostgREST
    BROADCAST = "broadcast"  # a broadcast, on a WebSocket
    HTTP = "http"  # a broadcast, by the HTTP endpoint
    DATABASE = "database"  # a broadcast, by realtime.send in SQL


#: Those that send broadcasts; the others write rows, which arrive as changes.
BROADCAST_ROUTES = frozenset({Route.BROADCAST, Route.HTTP, Route.DATABASE})


class Action(StrEnum):
    """What happens to a row."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


class Encoding(StrEnum):
    """How a broadcast carries its payload."""

    JSON = "json"
    BINARY = "binary"


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """Messages that are due at fixed times, whatever became of those before (no coordinated omission).

    Messages are numbered from 0. What there are several of, they take in turns: message `i` goes to channel
    `i % channels`, its column takes value `i % len(values)`, and it is `actions[i % len(actions)]`.

    Attributes:
        rate: when messages are due. seconds: duration of the schedule.
        route: see `Route`.
        body_bytes: size of the text (or of the bytes) in each message.
        table: of the row routes, in the target's schema; with the columns `seq` (bigint) and, unless `body` is None,
            one for the text. UPDATE and DELETE need a column `id` as its key.
        body: name of the column for the text.
        rooms: how many rooms take turns in the column `room_id`, from `first_room` on; 0 for a table without.
        columns: further columns with the values that take turns in them.
        actions: of the SQL route; the others insert.
        rows: how many rows updates take turns on.
        channels: of the broadcast routes.
        private: whether broadcasts go to private channels.
        encoding: of broadcasts by WebSocket or from the database.
    """

    rate: Rate = Constant(100.0)
    seconds: float = 2.0
    route: Route = Route.SQL
    body_bytes: int = 400
    table: str = TABLE
    body: str | None = "body"
    rooms: int = 4
    first_room: int = FIRST_ROOM
    columns: dict[str, tuple[Value, ...]] = {}
    actions: tuple[Action, ...] = (Action.INSERT,)
    rows: int = 100
    channels: int = 1
    private: bool = False
    encoding: Encoding = Encoding.JSON

    def __post_init__(self) -> None:
        self._read_words()
        due_times(self.rate, self.seconds)
        for name, least, most in (
            ("body_bytes", 0, 3_000_000),
            ("rooms", 0, 100_000),
            ("rows", 1, 100_000),
            ("channels", 1, 100),
        ):
            if not least <= getattr(self, name) <= most:
                happened = f"{name} is {getattr(self, name):,}"
                raise SettingsError(_TRIED, happened, f"Choose {name} from {least} to {most:,}")
        self._check_route()

    @property
    def is_broadcast(self) -> bool:
        return self.route in BROADCAST_ROUTES

    @property
    def messages(self) -> int:
        """How many the schedule holds, at least one."""
        return int(self.due_s().size)

    @property
    def mean_per_s(self) -> float:
        """Messages a second, over the whole duration."""
        return self.messages / self.seconds

    @property
    def turns(self) -> dict[str, tuple[Value, ...]]:
        """Columns with the values that take turns in them."""
        rooms = {ROOM_COLUMN: tuple(range(self.first_room, self.first_room + self.rooms))} if self.rooms else {}
        return rooms | self.columns

    def due_s(self) -> Floats:
        """When each message is due, in seconds after the start."""
        return due_times(self.rate, self.seconds)

    def values(self, index: int) -> dict[str, Any]:
        """What message `index` writes into the columns that take turns."""
        return {name: values[index % len(values)] for name, values in self.turns.items()}

    def action(self, index: int) -> Action:
        """What message `index` does to a row."""
        return self.actions[index % len(self.actions)]

    def _read_words(self) -> None:
        """Take words for what they name, as in JSON."""
        try:
            read: dict[str, Any] = {
                "route": Route(self.route),
                "encoding": Encoding(self.encoding),
                "actions": tuple(Action(action) for action in self.actions),
            }
        except ValueError as error:
            words = [*Route, *Encoding, *Action]
            raise SettingsError(_TRIED, str(error), f"The words are {', '.join(words)}") from None
        for name, value in read.items():
            msgspec.structs.force_setattr(self, name, value)

    def _check_route(self) -> None:
        if not self.actions or any(not values for values in self.columns.values()):
            raise SettingsError(_TRIED, "there is nothing to take turns in", "Name at least one action, or value")
        if self.route is not Route.SQL and self.actions != (Action.INSERT,):
            raise SettingsError(_TRIED, f"the route {self.route} only inserts", f"Take the route {Route.SQL}")
        if self.route is Route.PRISMA and (self.table != TABLE or self.columns or self.body != "body"):
            happened = f"Prisma's schema knows {TABLE!r} with the column {ROOM_COLUMN}, and no other table for load"
            raise SettingsError(_TRIED, happened, f"Write into {TABLE!r} without further columns")
        if self.encoding is Encoding.BINARY and self.route not in (Route.BROADCAST, Route.DATABASE):
            raise SettingsError(_TRIED, f"the route {self.route} carries JSON", "Take the route broadcast or database")
