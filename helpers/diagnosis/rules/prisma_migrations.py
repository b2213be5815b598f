"""Rules about migrations: whether all are applied, and what they take from Realtime."""

from __future__ import annotations

from helpers.diagnosis.evidence import Evidence, Missing, TableName
from helpers.diagnosis.evidence.project import EffectKind, ModelTable
from helpers.diagnosis.rules import project as needs
from helpers.diagnosis.rules.project import Migrated, Replay, pending
from helpers.diagnosis.rules.realtime_sql import publish, set_up_again
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning

__all__ = ["RULES"]

RESET = "https://github.com/prisma/prisma/issues/16588"
MIGRATE = "https://www.prisma.io/docs/orm/prisma-migrate/workflows/patching-and-hotfixing"


def waiting(evidence: Evidence) -> Migrated | Missing:
    """The migrations that the next deployment will run."""
    found = needs.migrations(evidence)
    if isinstance(found, Missing):
        return found
    project, _, database = found
    return project, tuple(pending(project)), database


def with_ledger(evidence: Evidence) -> Migrated | Missing:
    found = needs.migrations(evidence)
    if isinstance(found, Missing) or found[2].ledger is not None:
        return found
    return Missing("Prisma has applied nothing to this database")


@rule(
    "Every migration is finished",
    with_ledger,
    MIGRATE,
    symptom="`prisma migrate deploy` stops with P3009: tables, publication and policies stay as they were before it.",
    remedy="Undo what the migration has half done, then tell Prisma with `migrate resolve --rolled-back` (or finish it "
    "by hand, and `--applied`); deploy again.",
    verify="`npx prisma migrate status` says that the schema is up to date.",
)
def migrations_finished(found: Migrated) -> Verdict:
    """A migration that failed is written down as begun. Prisma applies nothing behind it until somebody has said what
    became of it, and the setup of Realtime is mostly in the migration behind."""
    ledger = found[2].ledger
    failed = ledger.failed if ledger else ()
    if not failed:
        return ok(f"{len(ledger.applied) if ledger else 0} migrations applied")
    fix = "\n".join(f"npx prisma migrate resolve --rolled-back {name}" for name in failed)
    cause = f"{listed(failed)} failed half-way, and no later migration is applied"
    return failure(
        f"without an end in _prisma_migrations: {listed(failed)}", cause, f"{fix}\nnpx prisma migrate deploy"
    )


@rule(
    "Folder and database have the same migrations",
    with_ledger,
    "https://www.prisma.io/docs/orm/prisma-migrate/workflows/troubleshooting-development",
    symptom="`prisma migrate dev` wants to reset the database; tables in the database differ from the schema.",
    remedy="Deploy what is waiting; get the missing folders back from version control. Never answer the question "
    "whether to reset with yes where data, publication and policies are to stay.",
    verify="`npx prisma migrate status` says that the schema is up to date.",
    follows=("migrations_finished",),
    notes=(36,),
)
def migrations_applied(found: Migrated) -> Verdict:
    """Prisma compares its ledger in the database with the folder. What is applied there and missing here it can only
    explain by a reset, and a reset drops the schema with all that Realtime needs."""
    project, there, database = found
    applied = database.ledger.applied if database.ledger else ()
    strange = sorted(set(applied) - {migration.name for migration in there})
    if strange:
        cause = f"{listed(strange)} was applied and is not in the folder: `prisma migrate dev` will want to reset"
        names = listed(f"migrations/{name}" for name in strange)
        return warning(f"only in the database: {listed(strange)}", cause, f"git checkout <revision> -- {names}")
    late = pending(project)
    if late:
        names = listed(migration.name for migration in late)
        return note(f"waiting: {names}", f"The database is behind the folder by {names}", "npx prisma migrate deploy")
    return ok(f"{len(applied)} migrations, all applied")


@rule(
    "The next deployment keeps tables published",
    waiting,
    RESET,
    symptom="After a deployment changes of a table stop to arrive, without any error; the client stays SUBSCRIBED.",
    remedy="In the migration that drops the table or the publication, add the table again, with replica identity, "
    "grants and policies.",
    verify="After the deployment `select * from pg_publication_tables where pubname = 'supabase_realtime'` shows the "
    "table.",
    notes=(36, 37),
)
def migrations_keep_published(found: Migrated) -> Verdict:
    """A table that is dropped leaves the publication, and loses its grants, policies and replica identity. The one that
    is made in its place has the same name and nothing else of it."""
    project, late, database = found
    replay = Replay(project.home, {table.name: _present(table) for table in database.tables if table.exists}).run(late)
    lost = [
        (table, *replay.dropped[table.name])
        for table in database.tables
        if table.published and table.name in replay.dropped and not replay.has(table.name, EffectKind.PUBLISH)
    ]
    if not lost:
        return ok(f"{len(late)} waiting migrations, and what is published stays so")
    where = listed(
        f"{migration.file} line {effect.line} {effect.kind} {table.name}" for table, migration, effect in lost
    )
    cause = f"{listed(table.name for table, _, _ in lost)} will not be published any more after the next deployment"
    kept = [table for table, _, _ in lost if table.name in replay.tables]
    fix = "\n".join(f"-- at the end of {m.file}\n{set_up_again(t)}" for t, m, _ in lost if t in kept)
    return failure(where, cause, fix or "-- leave these tables out of the application's subscriptions first")


@rule(
    "The next deployment keeps columns",
    waiting,
    "https://supabase.com/docs/guides/realtime/postgres-changes",
    symptom="After a deployment a subscription with a filter gets “invalid column for filter”, and with it every other "
    "table of its channel goes silent.",
    remedy="Release an application that does without the column first, then deploy.",
    verify="No subscription names the column: search the application's code for it.",
    follows=("migrations_keep_published",),
    notes=(15, 36),
)
def migrations_keep_columns(found: Migrated) -> Verdict:
    """A filter on a column that is gone is refused, and all bindings of one channel are one transaction. Prisma renames
    a field by dropping its column and adding another one."""
    project, late, database = found
    published = {table.name for table in database.tables if table.published}
    kinds = (EffectKind.DROP_COLUMN, EffectKind.RENAME_COLUMN, EffectKind.CHANGE_TYPE)
    changes = [
        (migration, effect, TableName(effect.schema or project.home, effect.table))
        for migration in late
        for effect in migration.effects
        if effect.kind in kinds
    ]
    ours = [(m, effect, name) for m, effect, name in changes if name in published]
    if not ours:
        return ok(f"{len(late)} waiting migrations, and the columns of published tables stay")
    seen = listed(f"{m.file} line {effect.line} {effect.kind} {effect.detail} of {name}" for m, effect, name in ours)
    columns = listed(f"{name}.{effect.detail}" for _, effect, name in ours)
    cause = f"Filters and code of clients that name {columns} will fail"
    return note(seen, cause, f"Look for {columns} in filters, `select` and payloads before you deploy")


@rule(
    "What migrations have published is published",
    needs.migrations,
    "https://github.com/supabase/supabase/issues/33278",
    symptom="Changes of a table do not arrive although a migration has once added it to the publication.",
    remedy="Add the table to the publication again, in a migration of its own.",
    verify="`select * from pg_publication_tables where pubname = 'supabase_realtime'` shows the table.",
    follows=("tables_published", "publication_there", "prisma_tables_exist"),
    notes=(17, 36),
)
def prisma_tables_published(found: Migrated) -> Verdict:
    """A later migration, a `db push` or somebody by hand has made the table anew, or taken it out. The migration that
    once published it has been applied and will not run again."""
    project, every, database = found
    late = {migration.name for migration in pending(project)}
    meant = {
        TableName(effect.schema or project.home, effect.table)
        for migration in every
        if migration.name not in late
        for effect in migration.effects
        if effect.kind is EffectKind.PUBLISH and effect.table
    }
    silent = [table for table in database.tables if table.exists and table.name in meant and not table.published]
    if not silent:
        others = [table.name for table in database.tables if table.exists and not table.published]
        return ok(f"models whose changes are not sent, as no migration asks for it: {listed(others) or 'none'}")
    names = listed(table.name for table in silent)
    cause = f"{names}: a migration has published it, and it is not in the publication any more"
    return failure(f"{names} missing in pg_publication_tables", cause, "\n".join(publish(t.name) for t in silent))


def _present(table: ModelTable) -> set[EffectKind]:
    return {EffectKind.PUBLISH} if table.published else set()


RULES = (
    migrations_finished,
    migrations_applied,
    prisma_tables_published,
    migrations_keep_published,
    migrations_keep_columns,
)
