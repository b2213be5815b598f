"""Every number of the change feed, with the real server's values as defaults."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ChangeSettings"]


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    """How changes are read from the database.

    The defaults are those of supabase/realtime (`postgres_cdc_rls/db_settings.ex`, `replication_poller.ex`,
    `subscription_manager.ex`, `subscriptions.ex`); durations are seconds. The last group are defects of the real
    server that a user meets: each setting turns one off.

    Attributes:
        publication: the publication whose tables can be subscribed to.
        slot_name: of the temporary replication slot; one feed of a database server can have it at a time.
        streaming: let the database push changes as they commit in place of polling; the real server never does.
        poll_idle_s: wait before the next look at a slot that did not move.
        poll_busy_s: wait when the slot moved but no subscriber was concerned; after a delivery there is no wait.
        poll_jitter_s: lower and upper bound of what is added to `poll_busy_s`.
        poll_rows: changes fetched per look; a transaction is never split, so a large one comes whole.
        max_record_bytes: a larger row is delivered without its large columns and with "Error 413".
        slot_linger_s: the slot is dropped this long after the last subscription left, so that no log piles up.
        retry_min_s: first wait after the database failed; doubles with each failure.
        retry_max_s: longest wait after the database failed.
        statement_timeout_s: limit of one statement in the database.
        evaluation_connections: connections on which policies are evaluated at the same time when there is much to ask;
            the real server has one. Nothing but the speed hangs on it.
        publication_refresh_s: subscriptions follow the publication's tables at this interval; 0 looks at each poll.
        cold_start_s: lower and upper bound of what the first subscriber waits until the feed runs (measured on the
            real server, whose channels try again after 1 to 3 s, `realtime_channel.ex`); (0, 0) lets nobody wait.
        warm_for_s: so long after the last subscriber has left the next one need not wait (10 minutes).
        drop_failing_batch: a filter or policy that fails drops the whole batch, for all tables and subscribers; when
            off, only whoever's filter or policy failed misses the row.
        drop_above_rate: above the event rate changes are dropped and nobody is told; when off, they are delivered.
        names_are_patterns: ``_`` and ``%`` in the schema's and table's name of a binding are wildcards of LIKE.
    """

    publication: str = "supabase_realtime"
    slot_name: str = "supabase_realtime_replication_slot"
    streaming: bool = False
    poll_idle_s: float = 0.5
    poll_busy_s: float = 0.1
    poll_jitter_s: tuple[float, float] = (0.05, 0.1)
    poll_rows: int = 100
    max_record_bytes: int = 1_048_576
    slot_linger_s: float = 10.0
    retry_min_s: float = 0.1
    retry_max_s: float = 5.0
    statement_timeout_s: float = 10.0
    evaluation_connections: int = 3

    publication_refresh_s: float = 60.0
    cold_start_s: tuple[float, float] = (1.2, 2.7)
    warm_for_s: float = 600.0
    drop_failing_batch: bool = True
    drop_above_rate: bool = True
    names_are_patterns: bool = True
