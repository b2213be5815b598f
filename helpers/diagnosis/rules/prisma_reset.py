"""Rules about what only this database has: a reset ends it, and the next database is built without it."""

from __future__ import annotations

from collections.abc import Callable

from helpers.diagnosis.evidence.project import EffectKind, ModelTable
from helpers.diagnosis.rules import project as needs
from helpers.diagnosis.rules.project import Migrated, Replay, has_default_grant, pending
from helpers.diagnosis.rules.realtime_sql import grant_select, make_policies, publish_once, set_identity
from helpers.diagnosis.rules.rule import Verdict, listed, note, ok, rule, warning

__all__ = ["RULES"]

RESET = "https://github.com/prisma/prisma/issues/16588"
IDENTITY = "https://github.com/BerriAI/litellm/pull/35267"


def _lost_by_reset(
    found: Migrated, kind: EffectKind, there: Callable[[ModelTable], bool]
) -> tuple[list[ModelTable], list[ModelTable]]:
    """Of the published tables with such a setting, all, and those for which no applied migration makes it."""
    project, every, database = found
    late = pending(project)
    replay = Replay(project.home).run([migration for migration in every if migration not in late])
    set_up = [table for table in database.tables if table.published and there(table)]
    return set_up, [table for table in set_up if not replay.has(table.name, kind)]


@rule(
    "Migrations publish what is published",
    needs.migrations,
    RESET,
    symptom="After `prisma migrate reset`, in a preview branch or on a colleague's machine no change arrives.",
    remedy="Put the publication into a migration with raw SQL, in a form that can run twice.",
    verify="After `prisma migrate reset` of a development database the table is in `pg_publication_tables`.",
    notes=(17, 36),
)
def migrations_publish(found: Migrated) -> Verdict:
    """Prisma's schema cannot say that a table is published. What was done in the dashboard exists in this database
    only: a reset drops it with the table, and migrations build the next database without it."""
    every, lost = _lost_by_reset(found, EffectKind.PUBLISH, lambda table: True)
    if not lost:
        return ok(f"{len(every)} published tables, each published by a migration")
    names = listed(table.name for table in lost)
    cause = f"Only this database publishes {names}: no migration does, so that a reset ends it"
    fix = _migration("\n".join(publish_once(table.name) for table in lost))
    return warning(f"no migration publishes {names}", cause, fix)


@rule(
    "Migrations set the replica identity",
    needs.migrations,
    IDENTITY,
    symptom="After a reset or in a new environment DELETE with a filter arrives no more, and `old` holds the key only.",
    remedy="Set the replica identity in a migration with raw SQL, and again wherever the table is made anew.",
    verify="After `prisma migrate reset` of a development database `relreplident` of the table in `pg_class` is f.",
    follows=("migrations_publish",),
    notes=(37,),
)
def migrations_replica_identity(found: Migrated) -> Verdict:
    """Prisma's schema has no word for the replica identity. It belongs to the table in this database and is gone when
    the table is made anew."""
    every, lost = _lost_by_reset(found, EffectKind.REPLICA_IDENTITY, lambda table: table.replica_identity == "full")
    if not lost:
        return ok(f"{len(every)} published tables with replica identity full, each by a migration")
    names = listed(table.name for table in lost)
    cause = f"Only this database has replica identity full on {names}: no migration sets it"
    return warning(f"no migration sets it for {names}", cause, _migration("\n".join(map(set_identity, lost))))


@rule(
    "Migrations grant what is granted",
    needs.migrations,
    "https://github.com/orgs/supabase/discussions/45329",
    symptom="After a reset or in a new environment changes come as “Error 401: Unauthorized”, and REST answers 401.",
    remedy="Grant in a migration with raw SQL what anon and authenticated may read.",
    verify="After `prisma migrate reset` of a development database `has_table_privilege('authenticated', …, 'SELECT')` "
    "is true.",
    follows=("migrations_publish",),
    notes=(29, 36),
)
def migrations_grant(found: Migrated) -> Verdict:
    """Grants on tables and default privileges of the schema go with `migrate reset`, and since 2026 a new table in
    `public` is granted to nobody by itself."""
    every, lost = _lost_by_reset(found, EffectKind.GRANT, lambda table: bool(table.select_roles))
    if not lost:
        return ok(f"{len(every)} published tables that a key can read, each granted by a migration")
    names = listed(table.name for table in lost)
    fix = _migration("\n".join(map(grant_select, lost)))
    if all(has_default_grant(table, found[2]) for table in lost):
        cause = f"{names}: readable by default privileges, which a reset drops with the schema"
        return note(f"no migration grants SELECT on {names}", cause, fix)
    cause = f"Only this database lets {_roles(lost)} read {names}: no migration grants it"
    return warning(f"no migration grants SELECT on {names}", cause, fix)


@rule(
    "Migrations make the policies",
    needs.migrations,
    "https://github.com/supabase/supabase/issues/33278",
    symptom="After a reset or in a new environment every row is open to everybody, or no row reaches anybody.",
    remedy="Put row-level security and its policies into a migration with raw SQL.",
    verify="After `prisma migrate reset` of a development database `pg_policies` shows them.",
    follows=("migrations_publish",),
    notes=(36,),
)
def migrations_policies(found: Migrated) -> Verdict:
    """Policies that were made in the dashboard belong to this database's table alone. Prisma neither sees nor keeps
    them."""
    every, lost = _lost_by_reset(found, EffectKind.POLICY, lambda table: bool(table.policies))
    if not lost:
        return ok(f"{len(every)} published tables with policies, each by a migration")
    names = listed(table.name for table in lost)
    cause = f"Only this database has the policies of {names}: no migration makes them"
    return warning(f"no migration makes a policy on {names}", cause, _migration("\n".join(map(make_policies, lost))))


def _migration(statements: str) -> str:
    return f"-- npx prisma migrate dev --create-only --name realtime, and in its migration.sql:\n{statements}"


def _roles(tables: list[ModelTable]) -> str:
    return " and ".join(sorted({role for table in tables for role in table.select_roles}))


RULES = (migrations_publish, migrations_replica_identity, migrations_grant, migrations_policies)
