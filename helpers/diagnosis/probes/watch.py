"""Attaches to a target for some time and watches what arrives, what is lost, and what comes twice."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import jwt

from helpers.diagnosis.evidence import Database, Missing, Table, TableName
from helpers.diagnosis.evidence.watch import Second, Watched
from helpers.diagnosis.probes.database import probe_database
from helpers.diagnosis.probes.run import access_token
from helpers.diagnosis.watching.attendance import Attendance
from helpers.diagnosis.watching.committed import After, Before, look_after, look_before
from helpers.diagnosis.watching.comparison import Comparison
from helpers.diagnosis.watching.journal import Journal
from helpers.diagnosis.watching.meanwhile import Meanwhile, interrupts_call
from helpers.diagnosis.watching.plan import Patience, Subject, plan_subjects, quota_of
from helpers.results import utc_now
from helpers.target import Target

__all__ = ["WatchProgress", "watch"]

#: Told of each stretch of time (a second) when it is over.
WatchProgress = Callable[[Second], None]

#: Where a table is looked for when no schema is named.
DEFAULT_SCHEMA = "public"
#: Of many published tables, so many are watched when none is named.
MOST_TABLES = 20
#: How often something is looked at that nobody announces.
GLANCE_S = 0.01


async def watch(
    target: Target,
    seconds: float = 60.0,
    tables: Sequence[str | TableName] | None = None,
    topics: Sequence[str] = (),
    *,
    token: str | None = None,
    private: bool = False,
    sequence: str | None = None,
    quota_per_s: float | None = None,
    database: Database | Missing | None = None,
    patience: Patience | None = None,
    progress: WatchProgress | None = None,
) -> Watched:
    """Watch for some seconds: connect and join as supabase-js does, come back after each loss, and count.

    Nothing is written, and nothing sent but joins and heartbeats. With a database URL, what was committed meanwhile is
    compared with what arrived, by reading. Ctrl-C ends the watch early, and it tells what was seen so far. It needs as
    much memory after a day as after a minute.

    Args:
        target: which Supabase.
        seconds: from when everything is subscribed; connecting (up to 20 s) and late arrivals (up to 10 s) come on top.
        tables: names such as ``messages`` or ``chat.messages``; all published ones when None (needs a database URL).
        topics: channels whose broadcasts are watched.
        token: a user's, as whom to watch; without it the target's user, if it has one, or else the key's role.
        private: whether the topics are private channels.
        sequence: a field of the broadcasts' payloads that counts 1, 2, 3 …, by which losses are found.
        quota_per_s: events per second that the plan allows; 100 when not given (the free plan's).
        database: its catalogs, where they have been read already.
        patience: intervals and limits of time.
        progress: called once a second with the numbers of that second.

    Returns:
        What was seen, also of a target that cannot be reached: nothing that the world does raises.
    """
    catalogs = await probe_database(target, _names(tables)) if database is None else database
    named = _names(tables) or _published(catalogs)
    subjects = plan_subjects(named, topics, private, secrets.token_hex(4))
    return await _Watch(
        target=target,
        seconds=seconds,
        token=token or target.user_token or access_token(target),
        subjects=subjects,
        private=private,
        sequence=sequence,
        quota_per_s=quota_per_s or quota_of(target),
        database=catalogs,
        tables=_known(catalogs, named),
        patience=patience or Patience(),
        progress=progress or _silent,
    ).run()


@dataclass(kw_only=True)
class _Watch:
    """One watch, from begin to end."""

    target: Target
    seconds: float
    token: str | None
    subjects: tuple[Subject, ...]
    private: bool
    sequence: str | None
    quota_per_s: float
    database: Database | Missing
    tables: tuple[Table, ...]
    patience: Patience
    progress: WatchProgress
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    taken_at: str = field(default_factory=utc_now)
    not_compared: str = ""
    after: After | None = None

    def __post_init__(self) -> None:
        self.claims = _claims(self.token)
        self.role = str(self.claims.get("role", "anon"))
        self.token_left_s = _left_s(self.claims)
        keys = {str(table.name): table.primary_key for table in self.tables}
        self.journal = Journal(time.monotonic(), self.seconds, self.subjects, self.patience, keys, self.sequence)

    async def run(self) -> Watched:
        attendance = Attendance(self.target, self.token, self.subjects, self.patience, self.journal)
        with interrupts_call(self.stopped.set):
            async with Meanwhile(attendance.run(), self._tell()):
                await self._until(lambda: self.journal.settled, self.patience.answer_s + self.patience.join_s)
                before = await self._look_before()
                self.journal.open_window(time.monotonic())
                interrupted = await self._stopped_within(self.seconds)
                if before is not None:
                    await self._look_after(before)
        return self._result(interrupted)

    async def _stopped_within(self, limit_s: float) -> bool:
        """Wait so long, but no longer than the watch may go on; True when it was stopped."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self.stopped.wait()
        return self.stopped.is_set()

    async def _until(self, reached: Callable[[], bool], limit_s: float) -> None:
        """Wait for it, but not longer than the limit, nor than the watch may go on."""
        end = time.monotonic() + limit_s
        while not reached() and (left := end - time.monotonic()) > 0:
            if await self._stopped_within(min(GLANCE_S, left)):
                return

    async def _look_before(self) -> Before | None:
        """The database at the begin; None, and a word why, when there is nothing to compare."""
        if isinstance(self.database, Missing):
            self.not_compared = self.database.reason
        elif not self.journal.settled:
            self.not_compared = "not everything was subscribed when the watch began"
        else:
            before = await look_before(self.target, self.tables)
            if isinstance(before, Before):
                return before
            self.not_compared = before.reason
        return None

    async def _look_after(self, before: Before) -> None:
        """The database at the end, and then a while for what is still under way."""
        topics = list(self.journal.topics)
        after = await look_after(self.target, before, self.role, self.claims, topics, self.private)
        if isinstance(after, Missing):
            self.not_compared = after.reason
            return
        self.after, looked_at = after, time.monotonic()

        def complete() -> bool:
            quiet_s = time.monotonic() - max(looked_at, self.journal.last_at)
            return quiet_s > self.patience.settle_s or not self._comparison(after).lacks()

        await self._until(complete, self.patience.settle_limit_s)

    def _comparison(self, after: After) -> Comparison:
        operations = () if isinstance(self.database, Missing) else self.database.publication.operations
        journal = self.journal
        return Comparison(after, journal.tables, journal.topics, journal.subscriptions(), operations)

    async def _tell(self) -> None:
        """Call `progress` after each stretch."""
        while True:
            await asyncio.sleep(self.journal.timeline.stretch_s)
            self.journal.timeline.reach(time.monotonic(), self.journal.connected)
            self.progress(self.journal.timeline.stretches[-2])

    def _result(self, interrupted: bool) -> Watched:
        journal, now = self.journal, time.monotonic()
        comparison = self._comparison(self.after) if self.after is not None else None
        topics = tuple(ledger.seen(now) for ledger in journal.topics.values())
        return Watched(
            asked_s=self.seconds,
            lasted_s=now - journal.began,
            taken_at=self.taken_at,
            heartbeats=journal.heartbeats_seen(),
            interrupted=interrupted,
            role=self.role,
            token_left_s=self.token_left_s,
            connects=journal.connects,
            drop_count=journal.drop_count,
            drops=journal.drops,
            subscriptions=journal.subscriptions(),
            tables=tuple(ledger.seen(now) for ledger in journal.tables.values()),
            topics=topics if comparison is None else tuple(map(comparison.completed, topics)),
            errors=journal.errors,
            committed=() if comparison is None else comparison.committed(),
            not_compared=self.not_compared,
            quota_per_s=self.quota_per_s,
            timeline=journal.timeline.stretches,
            stretch_s=journal.timeline.stretch_s,
            latest=tuple(journal.latest),
            unread=journal.unread,
            took_ms=(now - journal.began) * 1000,
        )


def _names(tables: Sequence[str | TableName] | None) -> list[TableName] | None:
    if tables is None:
        return None
    return [name if isinstance(name, TableName) else TableName.parse(name, DEFAULT_SCHEMA) for name in tables]


def _published(database: Database | Missing) -> list[TableName]:
    if isinstance(database, Missing):
        return []
    return [table.name for table in database.tables if table.published][:MOST_TABLES]


def _known(database: Database | Missing, names: Sequence[TableName]) -> tuple[Table, ...]:
    if isinstance(database, Missing):
        return ()
    return tuple(table for table in database.tables if table.name in names and table.exists)


def _claims(token: str | None) -> dict[str, Any]:
    """What the token says, unverified; nothing for a key that is no token."""
    try:
        return dict(jwt.decode(token, options={"verify_signature": False})) if token else {}
    except jwt.InvalidTokenError:
        return {}


def _left_s(claims: dict[str, Any]) -> float | None:
    expires_at = claims.get("exp")
    return expires_at - time.time() if isinstance(expires_at, int | float) else None


def _silent(second: Second) -> None:
    """Tell nobody."""
