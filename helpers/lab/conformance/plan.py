"""Which scenarios share a server, how fast each is replayed, and what must have happened before.

The server looks at its counters of events and of joins every 5 s since their first one, and what it decides then hangs
on how far a replay has come. Where a recorded step lies within a hair of such a look, its replay keeps a distance of
more than a second instead, on the same side: so a busy machine, on which both come late, changes nothing.
"""

from __future__ import annotations

from helpers.lab.conformance.recording import Recording

__all__ = ["LANES", "SAMPLED", "comes_back", "due_ms", "lead_s", "longest_wait_s", "warm"]

#: One after another on one server, the lanes side by side; in each, about as much time as the longest scenario takes.
LANES: tuple[tuple[str, ...], ...] = (
    ("rate_limit_broadcast", "connect_heartbeat", "pg_changes_types", "join_pg_accepted"),
    ("idle_timeout", "leave_close", "broadcast_binary"),
    ("access_token", "broadcast", "rate_limit_joins"),
    ("private", "presence", "server_disconnect"),
    ("join_pg_rejected", "handshake_errors"),
    ("pg_changes_matrix", "pg_changes_filters", "db_broadcast", "http_broadcast", "malformed", "server_shutdown"),
)

#: Scenarios in which time itself is what matters: rates, expiry, idleness, the server's coming and going.
_AT_RECORDED_PACE = frozenset(
    ("access_token", "idle_timeout", "rate_limit_broadcast", "rate_limit_joins", "server_disconnect", "server_shutdown")
)
#: In the others a wait may be shortened to this: longer than the poll of an idle slot, so that what should not come
#: would have come.
_LONGEST_WAIT_S = 0.7

#: Recordings that keep only a sample of the messages of their sending.
SAMPLED = frozenset(("rate_limit_broadcast",))
#: The first event, which starts the counter's clock, comes so long before the first step. The look that finds too many
#: events is then 14.3 s (v1) or 16.2 s (v2) after the first step, when there are 13 % and 28 % more than allowed, in
#: place of 13.3 s and 17.5 s; at the look before it there are 27 % and 12 % less.
_LEAD_S = {"v1": 0.7, "v2": 3.8}
#: The third look after the first join finds too many. Those before it are counted from 11 s on; they come between these
#: two times, so that the look before finds 32 fewer than too many. What follows it comes later by this much.
_LOOK_MS, _JOINS_FROM_MS = 15_000.0, 11_000.0
_JOINS_MS, _AFTER_LOOK_MS = (11_500.0, 16_700.0), 1_500.0


def longest_wait_s(recording: Recording) -> float:
    """The longest pause between two steps."""
    return float("inf") if recording.scenario in _AT_RECORDED_PACE else _LONGEST_WAIT_S


def due_ms(recording: Recording, recorded_ms: float) -> float:
    """When a step is due that came at this time in the recording."""
    if recording.scenario != "rate_limit_joins" or recorded_ms < _JOINS_FROM_MS:
        return recorded_ms
    looked_ms: float = next(row["t_ms"] for row in recording.rows if row["dir"] == "out") + _LOOK_MS
    if recorded_ms > looked_ms:
        return recorded_ms + _AFTER_LOOK_MS
    begin_ms, end_ms = _JOINS_MS
    return begin_ms + (recorded_ms - _JOINS_FROM_MS) / (looked_ms - _JOINS_FROM_MS) * (end_ms - begin_ms)


def lead_s(recording: Recording) -> float | None:
    """How long before the first step an event has to start the counters; None if it does not matter."""
    return _LEAD_S[recording.version] if recording.scenario == "rate_limit_broadcast" else None


def warm(recording: Recording) -> bool:
    """Whether somebody had listened to changes shortly before: the first subscription in a while takes seconds."""
    return recording.scenario in ("join_pg_rejected", "server_disconnect")


def comes_back(scenario: str) -> bool:
    """Whether the server is ended and started meanwhile."""
    return scenario == "server_shutdown"
