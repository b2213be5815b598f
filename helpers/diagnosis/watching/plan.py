"""What is watched, and how patiently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from helpers.diagnosis.evidence import TableName
from helpers.target import Target, TargetKind
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["Patience", "Subject", "plan_subjects", "quota_of"]

#: A socket holds 100 channels; so many leave room for the application's own habits.
MOST_SUBJECTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long things may take. The defaults are those of supabase-js (realtime-js, `lib/constants.ts`).

    Attributes:
        heartbeat_s: between two heartbeats.
        answer_s: for the answer to a heartbeat and for opening a connection.
        join_s: for a join and for its changes to be delivered.
        return_s: pauses before each attempt to connect, or to join, again; the last one goes on.
        settle_s: how long after the end changes may still arrive, counted from the last one that did. An idle server
            polls every 0.5 s (replication_poller.ex:189).
        settle_limit_s: and how long in all.
        stretch_s: how often `progress` is called, and the grain of the timeline.
    """

    heartbeat_s: float = 25.0
    answer_s: float = 10.0
    join_s: float = 10.0
    return_s: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0)
    settle_s: float = 2.0
    settle_limit_s: float = 10.0
    stretch_s: float = 1.0

    def pause(self, failures: int) -> float:
        """Before the next attempt after so many (1 or more) that failed."""
        return self.return_s[min(failures, len(self.return_s)) - 1]


@dataclass(frozen=True, slots=True)
class Subject:
    """One channel: the changes of a table, or the broadcasts of a topic. `shown` is its name in the result."""

    shown: str
    topic: str
    config: JoinConfig
    table: TableName | None = None


def plan_subjects(tables: Sequence[TableName], topics: Sequence[str], private: bool, mark: str) -> tuple[Subject, ...]:
    """A channel for each table, because one bad binding silences all of its channel (subscriptions.ex:27-52).

    Without any table or topic, all changes in `public` are watched. `mark` makes the tables' topics the watch's own.
    """
    changes = [
        Subject(str(table), f"watch:{mark}:{number}", _changes_of(table.schema, table.table), table)
        for number, table in enumerate(tables)
    ]
    if not changes and not topics:
        changes = [Subject("all tables in public", f"watch:{mark}", _changes_of("public", None))]
    broadcasts = [Subject(topic, topic, JoinConfig(private=private)) for topic in topics]
    return tuple(changes + broadcasts)[:MOST_SUBJECTS]


def quota_of(target: Target) -> float:
    """Events per second that a project of this kind has when nobody says: the free plan's, but for the lab."""
    return 2500.0 if target.kind is TargetKind.LAB else 100.0


def _changes_of(schema: str, table: str | None) -> JoinConfig:
    return JoinConfig(changes=(ChangeBinding("*", schema, table),))
