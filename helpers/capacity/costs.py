"""Service times: CPU seconds of server, database and client for each thing they do.

Which there are, and how a loop goes that has them; `service` finds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from helpers.capacity.design import Flow
from helpers.capacity.loop import Pace

__all__ = ["MODELS", "POLL_S", "TERMS", "CostModel", "Costs", "Meter", "Times", "Way"]


class Meter(StrEnum):
    """Whose CPU time; and, of polls, the time on the clock, as server and database wait for each other there."""

    SERVER = "server"
    DATABASE = "database"
    CLIENT = "client"
    POLL = "poll"


class Way(StrEnum):
    """The two ways through the server; policies are one more term of the second."""

    BROADCAST = "broadcast"
    CHANGES = "postgres_changes"

    @classmethod
    def of(cls, flow: Flow) -> Way:
        """The way of a flow."""
        return cls.CHANGES if flow.is_change else cls.BROADCAST


#: What is counted, and what a person calls it.
TERMS: Mapping[str, str] = {
    "second": "a second, whatever happens",
    "turn": "a turn of the event loop, or a poll for changes",
    "wake": "a turn after a sleep, for each e-fold of it",
    "write": "a write to a subscriber's socket, or a read of it",
    "commit": "a transaction that writes rows",
    "message": "a message received from a sender, or a row written and read as a change",
    "delivery": "a delivery to a subscriber",
    "kilobyte": "a kilobyte of text delivered (in the database: written)",
    "inquiry": "a question for one set of claims, in each poll",
    "check": "a row of that question",
}

CostModel = tuple[Way, Meter]

#: Which terms each has. Polls go on all the time, so that a second costs nothing beside them.
MODELS: Mapping[CostModel, tuple[str, ...]] = {
    (Way.BROADCAST, Meter.SERVER): ("second", "turn", "write", "message", "delivery", "kilobyte"),
    (Way.BROADCAST, Meter.CLIENT): ("second", "turn", "wake", "write", "delivery", "kilobyte"),
    (Way.CHANGES, Meter.SERVER): ("turn", "write", "message", "delivery", "inquiry", "check"),
    (Way.CHANGES, Meter.DATABASE): ("turn", "commit", "message", "kilobyte", "inquiry", "check"),
    (Way.CHANGES, Meter.CLIENT): ("second", "write", "delivery", "kilobyte"),
    (Way.CHANGES, Meter.POLL): ("turn", "write", "message", "delivery", "inquiry", "check"),
}

#: An idle poller waits so long, and one poll takes so many rows (supabase/realtime: `replication_poller.ex:48`,
#: `db_settings.ex:9`; the lab's `ChangeSettings` has the same).
POLL_S = 0.5
POLL_ROWS = 100


@dataclass(frozen=True, slots=True)
class Times:
    """The times of one meter on one way, in seconds for each term; `cold` and `wake_s` as in `Pace`."""

    of: dict[str, float]
    cold: float = 0.0
    wake_s: float = 0.0

    def __getitem__(self, term: str) -> float:
        return self.of.get(term, 0.0)


@dataclass(frozen=True, slots=True)
class Costs:
    """All times of one fit."""

    broadcast_server: Times
    broadcast_client: Times
    changes_server: Times
    changes_database: Times
    changes_client: Times
    changes_poll: Times

    def of(self, way: Way, meter: Meter) -> Times:
        """Nothing for the database on the way of a broadcast, which does not touch it."""
        if (way, meter) not in MODELS:
            return Times({})
        name = "broadcast" if way is Way.BROADCAST else "changes"
        times: Times = getattr(self, f"{name}_{meter.value}")
        return times

    def pace(self, flow: Flow, subscribers: float, body_bytes: float, channels: int = 1) -> Pace:
        """How the server goes under a load: its event loop, or its polls."""
        way, secured = Way.of(flow), flow is Flow.SECURED
        times = self.of(way, Meter.POLL if flow.is_change else Meter.SERVER)
        each_delivery = times["delivery"] + times["kilobyte"] * body_bytes / 1_000 + times["check"] * secured
        return Pace(
            fixed_s=times["turn"] + subscribers * times["inquiry"] * secured,
            write_s=subscribers * times["write"],
            each_s=times["message"] + subscribers * each_delivery,
            alone_s=times["message"],
            cold=times.cold,
            wake_s=times.wake_s,
            channels=channels,
            pause_s=POLL_S if flow.is_change else 0.0,
            most=POLL_ROWS if flow.is_change else 1_000_000,
        )
