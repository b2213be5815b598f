"""Which scenarios share a server, how fast each is replayed, and what must have happened before."""

from __future__ import annotations

from helpers.lab.conformance.recording import Recording

__all__ = ["LANES", "SAMPLED", "due_ms", "lead_s", "longest_wait_s", "needs_a_lab", "warm"]

#: One after another on one server, the lanes side by side. Each takes at most about as long as the longest scenario.
LANES: tuple[tuple[str, ...], ...] = (
    ("rate_limit_broadcast",),
    ("idle_timeout", "leave_close", "broadcast", "broadcast_binary"),
    ("access_token", "server_disconnect"),
    ("join_pg_rejected", "handshake_errors", "malformed", "connect_heartbeat"),
    ("private", "presence", "http_broadcast", "db_broadcast", "rate_limit_joins"),
    ("pg_changes_matrix", "pg_changes_filters", "pg_changes_types", "join_pg_accepted", "server_shutdown"),
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
#: The counter of events looks every 5 s, at the mean over the last minute. The genuine server's had run for more than
#: that when the scenario began, and this long after a look it went on to cut the receiver off.
_LEAD_S = {"v1": 61.69, "v2": 62.52}
#: The counter of joins looked between two joins 50 ms apart, only 5 ms from one of them: by this much the joins are
#: moved, so that it looks in the middle.
_JOINS_FROM_MS, _JOINS_LATER_MS = 11_000.0, {"v1": 21.0, "v2": -15.0}


def longest_wait_s(recording: Recording) -> float:
    """The longest pause between two steps."""
    return float("inf") if recording.scenario in _AT_RECORDED_PACE else _LONGEST_WAIT_S


def due_ms(recording: Recording, recorded_ms: float) -> float:
    """When a step is due that came at this time in the recording."""
    moved = recording.scenario == "rate_limit_joins" and recorded_ms > _JOINS_FROM_MS
    return recorded_ms + (_JOINS_LATER_MS[recording.version] if moved else 0.0)


def lead_s(recording: Recording) -> float | None:
    """How long before the first step an event has to start the counters; None if it does not matter."""
    return _LEAD_S[recording.version] if recording.scenario == "rate_limit_broadcast" else None


def warm(recording: Recording) -> bool:
    """Whether somebody had listened to changes shortly before: the first subscription in a while takes seconds."""
    return recording.scenario == "join_pg_rejected"


def needs_a_lab(recording: Recording) -> bool:
    """Whether the server is ended and started meanwhile."""
    return recording.scenario == "server_shutdown"
