"""Rules about the database server: replication, slots, headroom, policies of private channels."""

from __future__ import annotations

from helpers.diagnosis.evidence import Database, Evidence, Missing, Slot, Usage
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning

__all__ = ["RULES"]

CONFIG = "https://supabase.com/docs/guides/database/custom-postgres-config"
AUTHORIZATION = "https://supabase.com/docs/guides/realtime/authorization"
#: Realtime restarts its slot at this share of max_slot_wal_keep_size (ERROR_CODES.md, ReplicationSlotLagTooHigh).
LAG_SHARE = 0.5
#: Without a limit a forgotten slot fills the disk; a gibibyte is more than a healthy consumer leaves behind.
LAG_WITHOUT_LIMIT = 1 << 30
#: Less than one in five free is worth a word.
FULL_SHARE = 0.8


def attempted(evidence: Evidence) -> Database | Missing | tuple[Missing]:
    """The database, or the obstacle that was met on the way to it."""
    found = evidence.database
    return (found,) if isinstance(found, Missing) and found.tried else found


@rule("The database can be read", attempted, "https://supabase.com/docs/guides/database/connecting-to-postgres")
def database_readable(found: Database | tuple[Missing]) -> Verdict:
    if isinstance(found, tuple):
        reason = found[0].reason
        fix = "Set DATABASE_URL to the connection string of the dashboard (Connect), with the password in it"
        return failure(reason, reason[:1].upper() + reason[1:], fix)
    if found.errors:
        cause = "Some catalogs cannot be read with this role, so that the checks that need them say less"
        return warning("; ".join(found.errors), cause, f"Use a role that may read them; {found.role} may not")
    return ok(f"PostgreSQL {found.version} as {found.role}, in {found.took_ms:.0f} ms")


@rule(
    "What DATABASE_URL writes obeys row-level security", needs.database, "https://github.com/prisma/prisma/issues/12735"
)
def role_obeys_rls(database: Database) -> Verdict:
    if not database.bypasses_rls:
        return ok(f"{database.role} obeys policies")
    cause = "Writes with this DATABASE_URL succeed where policies then keep the change from every subscriber"
    fix = (
        "-- test as the user, and roll back:\nbegin;\nset local role authenticated;\n"
        """select set_config('request.jwt.claims', '{"role": "authenticated", "sub": "<uuid>"}', true);"""
    )
    return note(f"{database.role} bypasses row-level security", cause, fix)


@rule("The publication supabase_realtime is there", needs.database, "https://github.com/supabase/supabase/issues/10159")
def publication_there(database: Database) -> Verdict:
    publication = database.publication
    if not publication.exists:
        cause = "There is no publication supabase_realtime: no change of any table is sent"
        return failure("not in pg_publication", cause, "create publication supabase_realtime;")
    missing = {"insert", "update", "delete"} - set(publication.operations)
    if missing:
        cause = f"The publication leaves out {', '.join(sorted(missing))}, whose changes are not sent"
        fix = "alter publication supabase_realtime set (publish = 'insert, update, delete, truncate');"
        return warning(f"publishes {', '.join(publication.operations) or 'nothing'}", cause, fix)
    if publication.tables == 0:
        cause = "The publication is empty: no change of any table is sent (Broadcast and Presence do not need it)"
        return warning("no table in it", cause, 'alter publication supabase_realtime add table "public"."your_table";')
    return ok(f"{publication.tables} tables, {', '.join(publication.operations)}")


@rule("WAL carries logical changes", needs.database, CONFIG)
def wal_level(database: Database) -> Verdict:
    if database.wal_level == "logical":
        return ok("wal_level = logical")
    cause = f"wal_level is {database.wal_level}: logical decoding, and with it Realtime, cannot work"
    return failure(f"wal_level = {database.wal_level}", cause, "alter system set wal_level = logical;  -- then restart")


@rule("Replication slots keep up", needs.database, "https://github.com/supabase/realtime/issues/61")
def slot_lag(database: Database) -> Verdict:
    lost = [slot for slot in database.slots if slot.wal_status in ("lost", "unreserved")]
    if lost:
        cause = f"The slot {_named(lost)} has lost WAL that it needs; what reads it stops or misses changes"
        return failure(_lags(database), cause, _drop(lost))
    limit = database.keep_bytes * LAG_SHARE if database.keep_bytes > 0 else LAG_WITHOUT_LIMIT
    late = [slot for slot in database.slots if slot.lag_bytes > limit]
    if late:
        cause = f"The slot {_named(late)} keeps WAL that nobody reads: the disk fills, or the slot is invalidated"
        return warning(_lags(database), cause, _drop(late))
    return ok(_lags(database))


@rule("Slots and WAL senders are to be had", needs.database, CONFIG)
def replication_headroom(database: Database) -> Verdict:
    limits = {"max_replication_slots": database.replication_slots, "max_wal_senders": database.wal_senders}
    known = {name: usage for name, usage in limits.items() if usage is not None}
    return _headroom(known, "Realtime cannot open its slot when they are used up (ReplicationMaxWalSendersReached)")


@rule("Connections are to be had", needs.database, CONFIG)
def connection_headroom(database: Database) -> Verdict:
    known = {"max_connections": database.connections} if database.connections else {}
    return _headroom(known, "Realtime needs connections of its own (DatabaseLackOfConnections)")


def _headroom(limits: dict[str, Usage], consequence: str) -> Verdict:
    seen = ", ".join(f"{usage.used} of {usage.limit} ({name})" for name, usage in limits.items()) or "not readable"
    full = {name: usage for name, usage in limits.items() if usage.used >= usage.limit}
    tight = {name: usage for name, usage in limits.items() if usage.used > FULL_SHARE * usage.limit}
    fix = "\n".join(_raised(name, usage) for name, usage in tight.items())
    if full:
        return failure(seen, f"{listed(full)} is used up. {consequence}", fix)
    if tight:
        return warning(seen, f"{listed(tight)} is nearly used up. {consequence}", fix)
    return ok(seen)


def _raised(name: str, usage: Usage) -> str:
    value = 2 * usage.limit
    return (
        f"supabase --experimental postgres-config update --config {name}={value}\n"
        f"-- self-hosted: alter system set {name} = {value};  -- then restart"
    )


def topics(evidence: Evidence) -> Database | Missing:
    found = evidence.database
    if isinstance(found, Missing) or found.topic_policies is not None:
        return found
    return Missing("there is no table realtime.messages")


@rule("Private channels have policies", topics, AUTHORIZATION)
def private_channels(database: Database) -> Verdict:
    policies = database.topic_policies or ()
    if policies:
        return ok(f"on realtime.messages: {listed(policy.name for policy in policies)}")
    cause = "There is no policy on realtime.messages: every join of a private channel is refused"
    fix = (
        'create policy "read rooms" on realtime.messages for select to authenticated\n'
        "  using ((select realtime.topic()) like 'room:%');\n"
        'create policy "write rooms" on realtime.messages for insert to authenticated\n'
        "  with check ((select realtime.topic()) like 'room:%');"
    )
    return note("no policy on realtime.messages", cause, fix)


def _lags(database: Database) -> str:
    if not database.slots:
        return "no replication slot at this moment"
    return listed(f"{slot.name}: {slot.lag_bytes / 1e6:.1f} MB, {slot.wal_status}" for slot in database.slots)


def _named(slots: list[Slot]) -> str:
    return listed(slot.name for slot in slots)


def _drop(slots: list[Slot]) -> str:
    drops = []
    for slot in slots:
        name = slot.name.replace("'", "''")
        stop = "" if not slot.active else "-- stop what reads it first\n"
        drops.append(f"{stop}select pg_drop_replication_slot('{name}');")
    return "\n".join(drops)


RULES = (
    database_readable,
    publication_there,
    wal_level,
    slot_lag,
    replication_headroom,
    connection_headroom,
    private_channels,
    role_obeys_rls,
)
