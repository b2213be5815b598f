"""Rules about the database server itself, and about the role that looks at it."""

from __future__ import annotations

from helpers.diagnosis.evidence import Database, Evidence, Missing
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, note, ok, rule, warning

__all__ = ["RULES"]

CONFIG = "https://supabase.com/docs/guides/database/custom-postgres-config"
SELECTS_SETTING = "`show wal_level;` says logical, and a subscription brings changes"


def attempted(evidence: Evidence) -> Database | Missing | tuple[Missing]:
    """The database, or the obstacle that was met on the way to it."""
    found = evidence.database
    return (found,) if isinstance(found, Missing) and found.tried else found


@rule(
    "The database can be read",
    attempted,
    "https://supabase.com/docs/guides/database/connecting-to-postgres",
    symptom="Every check of tables, policies and slots says “not checked”.",
    remedy="Copy the connection string of the dashboard (Connect) into DATABASE_URL, with the password in it, and use "
    "a role that may read the catalogs.",
    verify="The diagnosis names PostgreSQL's version, and no query in this check failed",
)
def database_readable(found: Database | tuple[Missing]) -> Verdict:
    """The catalogs hold what Realtime decides by. Without them only the server's own answers are left to judge by."""
    if isinstance(found, tuple):
        reason = found[0].reason
        fix = "Set DATABASE_URL to the connection string of the dashboard (Connect), with the password in it"
        return failure(reason, reason[:1].upper() + reason[1:], fix)
    if found.errors:
        cause = "Some catalogs cannot be read with this role, so that the checks that need them say less"
        fix = f'-- {found.role} may not read them; as a superuser:\ngrant pg_monitor to "{found.role}";'
        return warning("; ".join(found.errors), cause, fix)
    return ok(f"PostgreSQL {found.version} as {found.role}, in {found.took_ms:.0f} ms")


@rule(
    "What DATABASE_URL writes obeys row-level security",
    needs.database,
    "https://github.com/prisma/prisma/issues/12735",
    symptom="Prisma writes and reads everything, tests pass, and a subscriber's screen stays still.",
    remedy="Test as the user: within a transaction, take the role and set the claims, then read the row.",
    verify="The row is found under `set local role authenticated` with the claims of the user",
    notes=(40,),
)
def role_obeys_rls(database: Database) -> Verdict:
    """The owner of a table, a superuser and a role with BYPASSRLS do not meet policies. What they write is there, and
    yet Realtime asks for each subscriber whether the policies show the row to that one."""
    if not database.bypasses_rls:
        return ok(f"{database.role} obeys policies")
    cause = "Writes with this DATABASE_URL succeed where policies then keep the change from every subscriber"
    fix = (
        "-- test as the user, and roll back:\nbegin;\nset local role authenticated;\n"
        """select set_config('request.jwt.claims', '{"role": "authenticated", "sub": "<uuid>"}', true);"""
    )
    return note(f"{database.role} bypasses row-level security", cause, fix)


@rule(
    "WAL carries logical changes",
    needs.database,
    CONFIG,
    symptom="No change of any table arrives; the Realtime log speaks of the replication slot.",
    remedy="Set wal_level to logical and restart the server. Hosted projects have it so.",
    verify=SELECTS_SETTING,
)
def wal_level(database: Database) -> Verdict:
    """Realtime reads changes by logical decoding, for which PostgreSQL must write more into its log than it does by
    itself. The setting is read when the server starts."""
    if database.wal_level == "logical":
        return ok("wal_level = logical")
    cause = f"wal_level is {database.wal_level}: logical decoding, and with it Realtime, cannot work"
    return failure(f"wal_level = {database.wal_level}", cause, "alter system set wal_level = logical;  -- then restart")


RULES = (database_readable, role_obeys_rls, wal_level)
