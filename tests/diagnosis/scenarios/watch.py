"""Scenarios of a watch: networks that drop, hold, repeat and end, tokens and policies that hide, quotas that drop.

A background task writes to the ward's table all the while, so that there is something to miss.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from helpers.diagnosis.evidence import Evidence
from helpers.diagnosis.evidence.watch import Second
from helpers.diagnosis.probes import probe_database, watch
from helpers.diagnosis.results import Check, Status
from helpers.diagnosis.watching.plan import Patience
from helpers.lab.network import (
    PERFECT,
    Conditions,
    Ending,
    FrameRule,
    Lifetime,
    Network,
    Way,
    changes,
    delay,
    drop,
    heartbeats,
    network,
    repeat,
    replies,
    system,
)
from helpers.wire.frames import Message
from tests.diagnosis.scenarios.scenario import Scenario, run_the_printed_sql
from tests.diagnosis.scenarios.ward import TABLE, Ward

__all__ = ["SCENARIOS"]

CHAT = TABLE.quoted
USER = str(uuid.UUID(int=7))
#: What supabase-js waits seconds for, in a fraction of one; answers have time, should this machine be busy.
QUICK = Patience(
    heartbeat_s=0.5, answer_s=3, join_s=3, return_s=(0.05,), settle_s=0.6, settle_limit_s=2, stretch_s=0.05
)
#: So late the first change of a watch may come (replication_poller.ex:189).
IDLE_POLL_S = 0.5
INSERT = f"insert into {CHAT} (user_id, body) values ('{USER}', 'hello')"


@dataclass
class Attendance:
    """How the ward is watched, and what happens meanwhile."""

    ward: Ward
    via: Network
    seconds: float = 0.4
    token: str | None = None
    patience: Patience = QUICK
    quota_per_s: float | None = None
    statements: tuple[str, ...] = (INSERT,)
    pause_s: float = 0.05
    meanwhile: Callable[[Second], None] | None = None

    async def look(self) -> Evidence:
        """Watch while somebody writes."""
        ward = self.ward
        target = replace(self.via.target, database_url=ward.target.database_url)
        catalogs = await probe_database(ward.target, [ward.table])
        async with self._writing():
            seen = await watch(
                target,
                self.seconds,
                [ward.table],
                token=self.token,
                quota_per_s=self.quota_per_s,
                database=catalogs,
                patience=self.patience,
                progress=self.meanwhile,
            )
        return replace(ward.healthy, watched=seen)

    @contextlib.asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._write())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _write(self) -> None:
        url = self.ward.target.database_url
        assert url is not None
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            while True:
                for statement in self.statements:
                    await connection.execute(statement.encode())
                await asyncio.sleep(self.pause_s)


_attending: dict[int, Attendance] = {}


def watching(breaks: Callable[[Attendance], Any]) -> Callable[[Ward], Awaitable[None]]:
    """Put a network in front of the ward, and break what the function breaks."""

    async def enters(ward: Ward) -> None:
        via = await ward.cleanup.enter_async_context(network(ward.target))
        attendance = _attending[id(ward)] = Attendance(ward, via, token=ward.lab.token(sub=USER))
        ward.cleanup.callback(_attending.pop, id(ward))
        done = breaks(attendance)
        if done is not None:
            await done

    return enters


async def look(ward: Ward) -> Evidence:
    return await _attending[id(ward)].look()


def mending(mends: Callable[[Attendance], Any]) -> Callable[[Ward, Check], Awaitable[None]]:
    """Do to the watch what the fix tells to do to the application."""

    async def mended(ward: Ward, _check: Check) -> None:
        mends(_attending[id(ward)])

    return mended


def to_client(*rules: FrameRule) -> Callable[[Attendance], None]:
    """A network that does this to what the server sends."""

    def breaks(attendance: Attendance) -> None:
        attendance.via.set(Conditions(to_client=Way(frames=rules)))

    return breaks


def some_of(kind: Callable[[Message], bool], numbers: range) -> Callable[[Message], bool]:
    """Messages of that kind, by their number among them, counted from 1."""
    seen = itertools.count(1)
    return lambda message: kind(message) and next(seen) in numbers


def joins_answered(message: Message) -> bool:
    return replies(message) and not heartbeats(message)


def perfect(attendance: Attendance) -> None:
    attendance.via.set(PERFECT)
    attendance.meanwhile = None


def when_changes_arrive(act: Callable[[], Any]) -> Callable[[Second], None]:
    """Do it once, as soon as a change has arrived."""
    once = iter([act])

    def told(second: Second) -> None:
        if second.changes and (act := next(once, None)) is not None:
            act()

    return told


def stall(attendance: Attendance) -> None:
    """The program computes in its event loop for a while."""
    attendance.patience, attendance.seconds = replace(QUICK, heartbeat_s=0.25), IDLE_POLL_S + 1.1
    attendance.meanwhile = when_changes_arrive(lambda: time.sleep(0.7))


def cut(attendance: Attendance) -> None:
    attendance.seconds = IDLE_POLL_S + 0.4
    attendance.meanwhile = when_changes_arrive(attendance.via.cut)


def die(attendance: Attendance) -> None:
    attendance.patience, attendance.seconds = replace(QUICK, heartbeat_s=0.2, answer_s=0.2), IDLE_POLL_S + 0.6
    attendance.meanwhile = when_changes_arrive(lambda: attendance.via.cut(Ending.SERVER_GONE))


def live(attendance: Attendance) -> None:
    perfect(attendance)
    attendance.patience = QUICK


def close_idle(attendance: Attendance) -> None:
    """Something closes after a second of silence, nobody writes, and heartbeats come each 4 s."""
    attendance.via.set(Conditions(lifetime=Lifetime(idle_s=1.0)))
    attendance.patience = replace(QUICK, heartbeat_s=4.0)
    attendance.statements, attendance.pause_s, attendance.seconds = (), 5.0, 2.5


async def beat_as_printed(ward: Ward, check: Check) -> None:
    """With the interval of the fix."""
    found = re.search(r"heartbeatIntervalMs: (\d+)", check.fix)
    assert found is not None
    _attending[id(ward)].patience = replace(QUICK, heartbeat_s=int(found[1]) / 1000)


def expire(attendance: Attendance) -> None:
    attendance.token = attendance.ward.lab.token(sub=USER, lifetime_s=2)
    attendance.seconds = 2.0


def refresh(attendance: Attendance) -> None:
    attendance.token = attendance.ward.lab.token(sub=USER)
    attendance.seconds = 0.3


def answer_no_join(attendance: Attendance) -> None:
    attendance.via.set(Conditions(to_client=Way(frames=(drop(some_of(joins_answered, range(1, 5))),))))
    attendance.patience = replace(QUICK, join_s=0.15)


async def unpublish(attendance: Attendance) -> None:
    await attendance.ward.sql(f"alter publication supabase_realtime drop table {CHAT}")


async def revoke(attendance: Attendance) -> None:
    await attendance.ward.sql(f"revoke all on {CHAT} from authenticated")


async def listen_as_anon_who_may_read(attendance: Attendance) -> None:
    """Granted to anon, with policies for users only; rows come and go.

    A watch does not wait at its end for what nobody may see, so it lasts longer than the first change may take.
    """
    attendance.seconds = IDLE_POLL_S + 0.6
    await attendance.ward.sql(f"grant usage on schema clinic to anon; grant select on {CHAT} to anon")
    attendance.token = None
    newest = f"select ctid from {CHAT} limit 1"
    attendance.statements = (INSERT, INSERT, f"delete from {CHAT} where ctid = ({newest})")


def set_auth(attendance: Attendance) -> None:
    attendance.token = attendance.ward.lab.token(sub=USER)


def write_large(attendance: Attendance) -> None:
    attendance.statements = (f"insert into {CHAT} (user_id, body) values ('{USER}', repeat('x', 1100000))",)
    attendance.pause_s, attendance.seconds = 0.3, 0.8


def overtake(attendance: Attendance) -> None:
    """One change of many comes later than it should."""
    to_client(delay(some_of(changes, range(6, 7)), 700))(attendance)
    attendance.seconds = 1.2


async def write_small(ward: Ward, _check: Check) -> None:
    """The last of the large rows may still be under way, and comes while nobody judges."""
    attendance = _attending[id(ward)]
    attendance.statements = (INSERT,)
    await attendance.look()


def small_plan(attendance: Attendance) -> None:
    attendance.quota_per_s = 10.0


def large_plan(attendance: Attendance) -> None:
    attendance.quota_per_s = 500.0


WARNING, NOTE = Status.WARNING, Status.NOTE

SCENARIOS = (
    Scenario("heartbeat_gap", "the event loop is kept busy", watching(stall), look, mending(perfect), WARNING),
    Scenario("dead_link", "the server is gone, and nobody says so", watching(die), look, mending(live)),
    Scenario("idle_close", "idle connections are closed", watching(close_idle), look, beat_as_printed),
    Scenario("token_expires_in_watch", "a token that ends", watching(expire), look, mending(refresh), WARNING),
    Scenario("reconnecting", "the connection is cut", watching(cut), look, mending(perfect), WARNING),
    Scenario("error_frames", "a table that is not published", watching(unpublish), look, run_the_printed_sql),
    Scenario("rejoin_storm", "joins are not answered", watching(answer_no_join), look, mending(perfect)),
    Scenario("late_ready", "changes late", watching(to_client(delay(system, 1100))), look, mending(perfect), NOTE),
    Scenario("empty_records", "listening without a grant", watching(revoke), look, run_the_printed_sql),
    Scenario("too_large", "rows of more than 1 MiB", watching(write_large), look, write_small),
    Scenario(
        "only_deletes_arrive",
        "listening as anon under policies for users",
        watching(listen_as_anon_who_may_read),
        look,
        mending(set_auth),
    ),
    Scenario("near_event_limit", "as many as allowed", watching(small_plan), look, mending(large_plan), WARNING),
    Scenario("missed_events", "changes are lost", watching(to_client(drop(changes))), look, mending(perfect)),
    Scenario("duplicates", "changes twice", watching(to_client(repeat(changes))), look, mending(perfect), WARNING),
    Scenario(
        "reordered",
        "a change is overtaken",
        watching(overtake),
        look,
        mending(perfect),
        WARNING,
    ),
)
