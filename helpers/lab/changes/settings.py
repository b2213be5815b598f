"""Every number of the change feed, with the real server's values as defaults."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ChangeSettings"]


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    """How changes are read from the database.

    The defaults are those of supabase/realtime (`postgres_cdc_rls/db_settings.ex`, `replication_poller.ex`); durations
    are seconds.

    Attributes:
        publication: the publication whose tables can be subscribed to.
        slot_name: of the temporary replication slot; one feed of a database server can have it at a time.
        poll_idle_s: wait before the next look at a slot that did not move.
        poll_busy_s: wait when the slot moved but no subscriber was concerned; after a delivery there is no wait.
        poll_jitter_s: lower and upper bound of what is added to `poll_busy_s`.
        poll_rows: changes fetched per look; a transaction is never split, so a large one comes whole.
        max_record_bytes: a larger row is delivered without its large columns and with "Error 413".
        publication_refresh_s: wildcard bindings follow the publication's tables at this interval.
        slot_linger_s: the slot is dropped this long after the last subscription left, so that no log piles up.
        retry_min_s: first wait after the database failed; doubles with each failure.
        retry_max_s: longest wait after the database failed.
        statement_timeout_s: limit of one statement in the database.
    """

    publication: str = "supabase_realtime"
    slot_name: str = "supabase_realtime_replication_slot"
    poll_idle_s: float = 0.5
    poll_busy_s: float = 0.1
    poll_jitter_s: tuple[float, float] = (0.05, 0.1)
    poll_rows: int = 100
    max_record_bytes: int = 1_048_576
    publication_refresh_s: float = 60.0
    slot_linger_s: float = 10.0
    retry_min_s: float = 0.1
    retry_max_s: float = 5.0
    statement_timeout_s: float = 10.0
