"""When the server looked for changes, as the database saw it: on the database's clock, without asking the server."""

from __future__ import annotations

import time
from typing import NamedTuple, Self

import numpy as np
import psycopg

from helpers.database_url import libpq_url, reason_of
from helpers.errors import FailureError
from helpers.profiling.histogram import Floats
from helpers.target import Target

__all__ = ["LOOK_EVERY_S", "POLLER", "DatabaseClock", "LookWatch"]

#: The connection on which Realtime reads the slot calls itself so (supabase/realtime, `replication_poller.ex`).
POLLER = "realtime_rls"

#: How often is looked whether the server has begun another look. A look that is followed by one within this time is
#: not seen.
LOOK_EVERY_S = 0.001

#: One look is a statement that is bound and then executed, and the database notes the time of both. Two looks are
#: further apart: in between the server has answered, and asked again.
_SAME_LOOK_S = 0.0015

CONNECT_LIMIT_S = 10

#: So many questions for the time; the one that was answered fastest tells it best.
_QUESTIONS = 20

# The statistics of one backend are asked for, not the view of all: it costs the database some 20 µs each time.
_WATCH = """
create function pg_temp.workbook_looks(poller int, seconds float8, every_s float8) returns setof float8
language plpgsql as $$
declare
    until timestamptz := clock_timestamp() + make_interval(secs => seconds);
    seen timestamptz;
    latest timestamptz;
begin
    loop
        perform pg_stat_clear_snapshot();
        select query_start into latest from pg_stat_get_activity(poller);
        if latest is distinct from seen then
            seen := latest;
            return next extract(epoch from latest)::float8;
        end if;
        exit when clock_timestamp() >= until;
        perform pg_sleep(every_s);
    end loop;
end $$
"""


class DatabaseClock(NamedTuple):
    """The database's clock beside ours.

    Attributes:
        offset_s: what is added to our monotonic clock to get the database's time, in seconds since 1970.
        uncertain_s: by how much that may be wrong: half of the fastest question's round trip.
    """

    offset_s: float
    uncertain_s: float

    @classmethod
    def read(cls, connection: psycopg.Connection) -> Self:
        """Ask for the time (Cristian's algorithm). Blocking, for some 10 ms beside the way."""
        found = []
        for _ in range(_QUESTIONS):
            asked_at = time.monotonic()
            row = connection.execute("select extract(epoch from clock_timestamp())::float8").fetchone()
            answered_at = time.monotonic()
            assert row is not None
            found.append((answered_at - asked_at, row[0] - (asked_at + answered_at) / 2))
        round_trip_s, offset_s = min(found)
        return cls(offset_s, round_trip_s / 2)

    def at(self, monotonic_s: float) -> float:
        """A moment of our monotonic clock, on the database's."""
        return monotonic_s + self.offset_s


class LookWatch:
    """A connection that watches the server's poller. All methods block; use them in a thread.

    It needs to read the statistics of other roles (pg_read_all_stats, which a project's `postgres` has).
    """

    def __init__(self, target: Target) -> None:
        tried = "watching when the server looks for changes"
        try:
            self._connection = psycopg.connect(
                libpq_url(target.database_url or ""), autocommit=True, connect_timeout=CONNECT_LIMIT_S
            )
            self._connection.execute(_WATCH)
        except psycopg.Error as error:
            reason = reason_of(error, target.database_url or "")
            raise FailureError(tried, reason, "Check DATABASE_URL and the rights of its role") from None

    def close(self) -> None:
        self._connection.close()

    def clock(self) -> DatabaseClock:
        """The database's clock beside ours."""
        return DatabaseClock.read(self._connection)

    def watch(self, seconds: float) -> Floats:
        """When looks began, in seconds since 1970, ascending; nothing where the server does not poll.

        The first is the latest one before the watch began.
        """
        rows = self._connection.execute(
            "select pg_temp.workbook_looks(pid, %s, %s) from pg_stat_activity where application_name = %s",
            [seconds, LOOK_EVERY_S, POLLER],
        ).fetchall()
        starts = np.sort(np.array([row[0] for row in rows if row[0] is not None], dtype=np.float64))
        looks: Floats = starts[np.diff(starts, prepend=-np.inf) > _SAME_LOOK_S]
        return looks
