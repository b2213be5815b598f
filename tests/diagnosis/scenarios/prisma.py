"""Scenarios of a project with Prisma: its schema, its migrations, its connection strings."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

from helpers.diagnosis.evidence import Evidence
from helpers.diagnosis.results import Check, Status
from tests.diagnosis.scenarios.application import NOTES, PASSWORD, REALTIME, TABLES, Application, healthy_application
from tests.diagnosis.scenarios.scenario import Scenario
from tests.diagnosis.scenarios.ward import Ward

__all__ = ["SCENARIOS", "look_at_project", "printed_map", "project"]

PRISMA = "prisma/schema.prisma"
NEXT = "prisma/migrations/3_next/migration.sql"
POOLER = f"postgresql://postgres.abcdefgh:{PASSWORD}@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?schema=clinic"
DIRECT = f"postgresql://postgres:{PASSWORD}@db.abcdefgh.supabase.co:5432/postgres"
ROLE = "clinic_migrator"

Breaks = Callable[[Application], None]
Mends = Callable[[Ward, Check], Awaitable[None]]


async def look_at_project(ward: Ward) -> Evidence:
    """The project's folder and its tables; the rest as it was in health."""
    return await ward.look(project=True)


def project(*changes: Breaks, sql: str = "", superuser: str = "") -> Callable[[Ward], Awaitable[None]]:
    """A healthy application, changed in its files or its tables."""

    async def breaks(ward: Ward) -> None:
        application = healthy_application(ward)
        for change in changes:
            change(application)
        if superuser:
            await ward.superuser(superuser)
        if sql:
            await ward.sql(sql)

    return breaks


def edit(file: str, old: str, new: str) -> Breaks:
    return lambda application: application.replace(file, old, new)


def write(file: str, text: str) -> Breaks:
    return lambda application: application.write(file, text)


def env(**variables: str) -> Breaks:
    return write(".env", "".join(f'{name}="{value}"\n' for name, value in variables.items()))


def by_hand(*changes: Breaks, sql: str = "") -> Mends:
    """What the fix says in words, done to the files."""

    async def mends(ward: Ward, check: Check) -> None:
        for change in changes:
            change(Application(ward))
        if sql:
            await ward.sql(sql)

    return mends


async def deploy(ward: Ward, check: Check) -> None:
    assert "npx prisma migrate deploy" in check.fix
    Application(ward).deploy()


async def resolve_and_deploy(ward: Ward, check: Check) -> None:
    for name in re.findall(r"resolve --rolled-back (\S+)", check.fix):
        await ward.sql(f"update clinic._prisma_migrations set rolled_back_at = now() where migration_name = '{name}'")
    await deploy(ward, check)


async def into_a_new_migration(ward: Ward, check: Check) -> None:
    """The fix as it is printed is the text of a migration, which is deployed."""
    application = Application(ward)
    application.write(NEXT, check.fix)
    application.deploy()


async def append_to_the_named_migration(ward: Ward, check: Check) -> None:
    file = re.search(r"at the end of (\S+)", check.fix)
    assert file is not None
    Application(ward).append(file[1], check.fix)


async def printed_map(ward: Ward, check: Check) -> None:
    """Put the printed `@@map` or `@map` where it is printed to belong: file and line."""
    found = re.match(r'(\S+):(\d+): .*?(@@?map\("[^"]+"\))', check.fix)
    assert found is not None, check.fix
    path = ward.folder / found[1]
    lines = path.read_text().split("\n")
    number = int(found[2]) - 1
    code, mark, comment = lines[number].partition("//")
    lines[number] = f"{code}\n  {found[3]}" if found[3].startswith("@@") else f"{code}{found[3]} {mark}{comment}"
    path.write_text("\n".join(lines))


async def printed_config(ward: Ward, check: Check) -> None:
    """The part behind “or” is a line of Prisma's configuration."""
    file, _, line = check.fix.partition("\nor ")[2].partition(": ")
    Application(ward).write(file, f"export default defineConfig({{\n  {line}\n}})\n")


def without(statement: str, by: str = "") -> Callable[[Ward], Awaitable[None]]:
    """An application whose migrations lack a statement that somebody has run by hand."""

    async def breaks(ward: Ward) -> None:
        assert statement in REALTIME
        healthy_application(ward, {"prisma/migrations/2_realtime/migration.sql": REALTIME.replace(statement, "")})
        await ward.sql(f"set search_path to clinic; {by or statement}; reset search_path")

    return breaks


async def not_deployed(ward: Ward) -> None:
    healthy_application(ward, deploys=False)


async def without_a_database(ward: Ward) -> None:
    ward.target = replace(ward.target, database_url=None)
    application = healthy_application(ward, deploys=False)
    application.replace(PRISMA, "enum kind {", "enum NoteKind {")
    application.replace(PRISMA, "kind   @default", "NoteKind   @default")


async def owned_by_another_role(ward: Ward) -> None:
    healthy_application(ward)
    ward.cleanup.push_async_callback(
        ward.superuser, f"reassign owned by {ROLE} to postgres; drop owned by {ROLE}; drop role {ROLE}"
    )
    await ward.superuser(
        f"create role {ROLE}; grant usage, create on schema clinic to {ROLE};"
        f"alter table {NOTES} owner to {ROLE}; revoke all on {NOTES} from authenticated"
    )


async def run_as_superuser(ward: Ward, check: Check) -> None:
    await ward.superuser(check.fix)


def failed_migration(name: str) -> str:
    return (
        "insert into clinic._prisma_migrations (id, checksum, migration_name)"
        f" values ('{name}', repeat('0', 64), '{name}')"
    )


RECREATED = f'DROP TABLE "notes";\nDROP TYPE "kind";\n{TABLES}'
PARENT = (
    "  parent_id String? @db.Uuid\n"
    '  parent notes? @relation("tree", fields: [parent_id], references: [id])\n'
    '  children notes[] @relation("tree")\n\n  @@index([user_id])\n'
)
USERS = '\nmodel users {\n  id String @id @db.Uuid\n\n  @@schema("auth")\n}\n'

MIGRATIONS = (
    Scenario(
        "migrations_finished",
        "a migration failed half-way",
        project(write(NEXT, "select 1;\n"), sql=failed_migration("3_next")),
        look_at_project,
        resolve_and_deploy,
    ),
    Scenario(
        "migrations_applied",
        "a migration's folder is missing",
        project(
            write(NEXT, "select 1;\n"),
            Application.deploy,
            lambda application: (application.ward.folder / NEXT).unlink(),
        ),
        look_at_project,
        by_hand(write(NEXT, "select 1;\n")),
        Status.WARNING,
    ),
    Scenario(
        "migrations_applied",
        "a migration waits",
        project(write(NEXT, "select 1;\n")),
        look_at_project,
        deploy,
        Status.NOTE,
    ),
    Scenario(
        "prisma_tables_published",
        "somebody took the table out of the publication",
        project(sql=f"alter publication supabase_realtime drop table {NOTES}"),
        look_at_project,
    ),
    Scenario(
        "migrations_keep_published",
        "a waiting migration makes the table anew",
        project(write(NEXT, RECREATED)),
        look_at_project,
        append_to_the_named_migration,
    ),
    Scenario(
        "migrations_keep_columns",
        "a waiting migration drops a column",
        project(write(NEXT, 'ALTER TABLE "notes" DROP COLUMN "body",\nADD COLUMN "text" TEXT;\n')),
        look_at_project,
        by_hand(write(NEXT, 'ALTER TABLE "notes" ADD COLUMN "text" TEXT;\n')),
        Status.NOTE,
    ),
    Scenario(
        "migrations_publish",
        "published in the dashboard",
        without('ALTER PUBLICATION supabase_realtime ADD TABLE "notes";'),
        look_at_project,
        into_a_new_migration,
        Status.WARNING,
    ),
    Scenario(
        "migrations_replica_identity",
        "replica identity set by hand",
        without('ALTER TABLE "notes" REPLICA IDENTITY FULL;'),
        look_at_project,
        into_a_new_migration,
        Status.WARNING,
    ),
    Scenario(
        "migrations_grant",
        "granted by hand",
        without('GRANT SELECT ON "notes" TO authenticated;'),
        look_at_project,
        into_a_new_migration,
        Status.WARNING,
    ),
    Scenario(
        "migrations_grant",
        "granted by default privileges",
        without(
            'GRANT SELECT ON "notes" TO authenticated;',
            "alter default privileges in schema clinic grant select on tables to authenticated;"
            " grant select on notes to authenticated",
        ),
        look_at_project,
        into_a_new_migration,
        Status.NOTE,
    ),
    Scenario(
        "migrations_policies",
        "policy made by hand",
        without('CREATE POLICY "own" ON "notes" FOR SELECT TO authenticated USING ("user_id" = (SELECT auth.uid()));'),
        look_at_project,
        into_a_new_migration,
        Status.WARNING,
    ),
)

SCHEMA = (
    Scenario(
        "prisma_tables_exist",
        "a model named otherwise than its table",
        project(edit(PRISMA, "model notes {", "model Note {")),
        look_at_project,
        printed_map,
    ),
    Scenario(
        "prisma_tables_exist",
        "nobody has deployed the migrations",
        not_deployed,
        look_at_project,
        deploy,
    ),
    Scenario(
        "prisma_columns_exist",
        "a field named otherwise than its column",
        project(edit(PRISMA, "  user_id String", "  userId String"), edit(PRISMA, "index([user_id", "index([userId")),
        look_at_project,
        printed_map,
    ),
    Scenario(
        "prisma_enum_names",
        "an enum with capitals, not migrated yet",
        without_a_database,
        look_at_project,
        printed_map,
        Status.WARNING,
    ),
    Scenario(
        "prisma_supabase_schemas",
        "Prisma manages auth.users",
        project(
            edit(PRISMA, 'url      = env("DATABASE_URL")', 'url = env("DATABASE_URL")\n schemas = ["clinic", "auth"]'),
            lambda application: application.append(PRISMA, USERS),
        ),
        look_at_project,
        printed_config,
        Status.WARNING,
    ),
    Scenario(
        "prisma_relation_mode",
        "relations without foreign keys and without an index",
        project(
            edit(PRISMA, 'provider = "postgresql"', 'provider = "postgresql"\n  relationMode = "prisma"'),
            edit(PRISMA, "  @@index([user_id])\n", PARENT),
            sql=f"alter table {NOTES} add parent_id uuid",
        ),
        look_at_project,
        by_hand(edit(PRISMA, "  @@index([user_id])\n", "  @@index([user_id])\n  @@index([parent_id])\n")),
        Status.WARNING,
    ),
    Scenario(
        "prisma_names",
        "a field mapped to a column",
        project(edit(PRISMA, "  body    String", '  text    String @map("body")')),
        look_at_project,
        by_hand(edit(PRISMA, '  text    String @map("body")', "  body    String")),
        Status.NOTE,
    ),
    Scenario(
        "prisma_types",
        "a number that JavaScript rounds",
        project(
            edit(PRISMA, "  body    String", "  body String\n  size BigInt"), sql=f"alter table {NOTES} add size int8"
        ),
        look_at_project,
        by_hand(edit(PRISMA, "size BigInt", "size String"), sql=f"alter table {NOTES} alter size type text"),
        Status.NOTE,
    ),
)

URL = 'url      = env("DATABASE_URL")'
CONNECTION = (
    Scenario(
        "prisma_pooler",
        "the transaction pooler without pgbouncer=true",
        project(
            edit(PRISMA, URL, f'{URL}\n  directUrl = env("DIRECT_URL")'), env(DATABASE_URL=POOLER, DIRECT_URL=DIRECT)
        ),
        look_at_project,
        by_hand(env(DATABASE_URL=f"{POOLER}&pgbouncer=true", DIRECT_URL=DIRECT)),
    ),
    Scenario(
        "prisma_direct_url",
        "migrations through the transaction pooler",
        project(env(DATABASE_URL=f"{POOLER}&pgbouncer=true")),
        look_at_project,
        by_hand(
            edit(PRISMA, URL, f'{URL}\n  directUrl = env("DIRECT_URL")'),
            env(DATABASE_URL=f"{POOLER}&pgbouncer=true", DIRECT_URL=DIRECT),
        ),
        Status.WARNING,
    ),
    Scenario(
        "prisma_shadow_database",
        "the shadow database is the database",
        project(
            edit(PRISMA, URL, f'{URL}\n  shadowDatabaseUrl = env("SHADOW")'),
            env(DATABASE_URL=DIRECT, SHADOW=f"{DIRECT}?connection_limit=1"),
        ),
        look_at_project,
        by_hand(env(DATABASE_URL=DIRECT, SHADOW=f"postgresql://postgres:{PASSWORD}@127.0.0.1:5432/shadow")),
    ),
    Scenario(
        "prisma_shadow_database",
        "a hosted project without a shadow database",
        project(env(DATABASE_URL=f"{DIRECT}?schema=clinic")),
        look_at_project,
        by_hand(
            edit(PRISMA, URL, f'{URL}\n  shadowDatabaseUrl = env("SHADOW_DATABASE_URL")'),
            env(DATABASE_URL=f"{DIRECT}?schema=clinic", SHADOW_DATABASE_URL="postgresql://postgres@127.0.0.1/shadow"),
        ),
        Status.NOTE,
    ),
    Scenario(
        "prisma_connection_limit",
        "no limit of connections at the pooler",
        project(
            edit(PRISMA, URL, f'{URL}\n  directUrl = env("DIRECT_URL")'),
            env(DATABASE_URL=f"{POOLER}&pgbouncer=true", DIRECT_URL=DIRECT),
        ),
        look_at_project,
        by_hand(env(DATABASE_URL=f"{POOLER}&pgbouncer=true&connection_limit=1", DIRECT_URL=DIRECT)),
        Status.NOTE,
    ),
    Scenario(
        "prisma_role",
        "the application's role bypasses row-level security",
        project(edit(".env", "//postgres:", "//service_role:")),
        look_at_project,
        by_hand(edit(".env", "//service_role:", "//authenticated:")),
        Status.NOTE,
    ),
    Scenario(
        "prisma_default_privileges",
        "tables of a role without default privileges",
        owned_by_another_role,
        look_at_project,
        run_as_superuser,
        Status.WARNING,
    ),
)

SCENARIOS = (*MIGRATIONS, *SCHEMA, *CONNECTION)
