"""Rules about replication slots and what holds them back."""

from __future__ import annotations

from helpers.diagnosis.evidence import Database, Held, Slot
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning
from helpers.diagnosis.rules.sql import literal

__all__ = ["RULES"]

SLOT_ISSUE = "https://github.com/supabase/realtime/issues/61"
SLOT_DOC = "https://www.postgresql.org/docs/current/view-pg-replication-slots.html"
#: Realtime restarts its slot at this share of max_slot_wal_keep_size (ERROR_CODES.md, ReplicationSlotLagTooHigh).
LAG_SHARE = 0.5
#: Without a limit a forgotten slot fills the disk; a gibibyte is more than a healthy consumer leaves behind.
LAG_WITHOUT_LIMIT = 1 << 30
#: Transactions of an application end within seconds; one that is open for a minute waits for somebody.
LONG_S = 60.0


@rule(
    "No replication slot is lost",
    needs.database,
    SLOT_DOC,
    symptom="Changes stop for good, or have a hole; the log says that a slot cannot be read any more.",
    remedy="Drop the lost slot. Realtime makes its own anew; another consumer has to copy its tables anew.",
    verify="No slot in pg_replication_slots has wal_status lost or unreserved",
    notes=(33,),
)
def slot_lost(database: Database) -> Verdict:
    """A slot that lags behind more than max_slot_wal_keep_size loses the log that it still needs. PostgreSQL then
    marks it as lost: nobody can read from it ever again, and it takes up one of max_replication_slots."""
    lost = [slot for slot in database.slots if slot.wal_status in ("lost", "unreserved")]
    if not lost:
        return ok(_lags(database))
    cause = f"The slot {_named(lost)} has lost WAL that it needs; what reads it stops or misses changes"
    return failure(_lags(database), cause, _drop(lost))


@rule(
    "Replication slots keep up",
    needs.database,
    SLOT_ISSUE,
    symptom="The disk fills up with WAL, or Realtime restarts its replication (ReplicationSlotLagTooHigh).",
    remedy="Find out what reads the slot: restart it, or drop the slot if nobody does.",
    verify="The lag in pg_replication_slots shrinks, and no slot that nobody reads is left",
    follows=("long_transactions", "prepared_transactions"),
    notes=(33,),
)
def slot_lag(database: Database) -> Verdict:
    """A slot keeps all WAL since the place that its reader has confirmed. One that nobody reads, left by a finished
    experiment or another tool, keeps it for ever: until the disk is full or the limit makes it lose its place."""
    limit = database.keep_bytes * LAG_SHARE if database.keep_bytes > 0 else LAG_WITHOUT_LIMIT
    late = [slot for slot in database.slots if slot.lag_bytes > limit]
    if not late:
        return ok(_lags(database))
    cause = f"The slot {_named(late)} keeps WAL that nobody reads: the disk fills, or the slot is invalidated"
    return warning(_lags(database), cause, _drop(late))


@rule(
    "Slots cannot fill the disk",
    needs.database,
    "https://github.com/supabase/postgres/pull/2130",
    symptom="Nothing, until the disk is full and the database stops taking writes.",
    remedy="Limit the WAL that slots may keep; hosted projects have a limit.",
    verify="`show max_slot_wal_keep_size;` is not -1",
    notes=(33,),
)
def slot_limit(database: Database) -> Verdict:
    """Without max_slot_wal_keep_size PostgreSQL keeps WAL for a slot without end. With a limit, a slot that is left
    behind is given up before the disk is."""
    if database.keep_bytes >= 0:
        return ok(f"max_slot_wal_keep_size = {database.keep_bytes / (1 << 20):.0f} MB")
    fix = "alter system set max_slot_wal_keep_size = '4GB';\nselect pg_reload_conf();"
    return note("max_slot_wal_keep_size = -1", "A slot that nobody reads fills the disk: it has no limit", fix)


@rule(
    "No transaction is open for long",
    needs.database,
    SLOT_ISSUE,
    symptom="WAL piles up although Realtime reads, and a new slot is not made: the first subscriber waits.",
    remedy="End the session, then find the code that begins a transaction and waits for something else in it.",
    verify="pg_stat_activity shows no transaction that is older than a minute",
    notes=(33, 43),
)
def long_transactions(database: Database) -> Verdict:
    """A slot can move on only past transactions that have ended, and a new one waits until all that were open have.
    A session that is idle in a transaction (a debugger, a console, a request that awaits another) holds them all."""
    held = [each for each in database.held if not each.prepared and each.age_s > LONG_S]
    if not held:
        return ok(f"none older than {LONG_S:g} s")
    fix = "\n".join(f"select pg_terminate_backend({each.pid});  -- {_whose(each)}" for each in held)
    seen = listed(f"{_whose(each)}, for {each.age_s:.0f} s" for each in held)
    return warning(seen, "An open transaction keeps replication slots from moving on, and new ones from starting", fix)


@rule(
    "No prepared transaction is forgotten",
    needs.database,
    "https://www.postgresql.org/docs/current/sql-prepare-transaction.html",
    symptom="As with an open transaction, and no session is to be seen that could be ended.",
    remedy="Commit or roll back the prepared transaction; see that the transaction manager finishes what it prepares.",
    verify="pg_prepared_xacts is empty, or holds young ones only",
    notes=(33,),
)
def prepared_transactions(database: Database) -> Verdict:
    """A transaction that was prepared for a two-phase commit outlives its session, and even a restart. Until somebody
    finishes it, slots do not move past it, and its locks stay."""
    held = [each for each in database.held if each.prepared and each.age_s > LONG_S]
    if not held:
        return ok(f"none older than {LONG_S:g} s")
    fix = "\n".join(f"rollback prepared {literal(each.prepared)};  -- or: commit prepared" for each in held)
    seen = listed(f"{each.prepared} of {each.role}, for {each.age_s:.0f} s" for each in held)
    return warning(seen, "A prepared transaction that nobody finishes keeps replication slots from moving on", fix)


def _whose(held: Held) -> str:
    where = f", {held.application}" if held.application else ""
    return " ".join(f"{held.role} ({held.state}{where})".split())


def _lags(database: Database) -> str:
    if not database.slots:
        return "no replication slot at this moment"
    return listed(f"{slot.name}: {slot.lag_bytes / 1e6:.1f} MB, {slot.wal_status}" for slot in database.slots)


def _named(slots: list[Slot]) -> str:
    return listed(slot.name for slot in slots)


def _drop(slots: list[Slot]) -> str:
    stop = "-- stop what reads it first\n"
    return "\n".join(
        f"{stop if slot.active else ''}select pg_drop_replication_slot({literal(slot.name)});" for slot in slots
    )


RULES = (slot_lost, long_transactions, prepared_transactions, slot_lag, slot_limit)
