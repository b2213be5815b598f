"""Rules about Prisma's connection strings and the roles in them. More than its kind is not known of a string here."""

from __future__ import annotations

from helpers.diagnosis.evidence import Evidence, Missing
from helpers.diagnosis.evidence.project import DatabaseUrl, ModelTable, Project, ProjectDatabase
from helpers.diagnosis.rules import project as needs
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning

__all__ = ["RULES"]

Urls = tuple[Project, dict[str, DatabaseUrl]]
SUPABASE = "https://supabase.com/docs/guides/database/prisma"
#: The first version whose client speaks through a driver, to which Prisma's URL parameters mean nothing.
DRIVERS_SINCE = 7


def engine_urls(evidence: Evidence) -> Urls | Missing:
    """The connection strings of a client with an engine, which reads Prisma's parameters in them."""
    found = needs.database_urls(evidence)
    if isinstance(found, Missing):
        return found
    project = found[0]
    by_driver = not isinstance(project.schema, Missing) and project.schema.adapter
    if by_driver or _major(project) >= DRIVERS_SINCE:
        return Missing("this client speaks through a driver, which has no prepared statements of its own")
    return found


@rule(
    "Prisma knows that it speaks to a pooler",
    engine_urls,
    "https://github.com/prisma/prisma/issues/11643",
    symptom="Now and then a query fails with `prepared statement "
    '"s0" already exists` or `… does not exist`, mostly in serverless functions.',
    remedy="Add `?pgbouncer=true` to the URL of port 6543, or use the session pooler on port 5432.",
    verify="Under load no query fails with “prepared statement”.",
    notes=(42,),
)
def prisma_pooler(found: Urls) -> Verdict:
    """On port 6543 each transaction may run on another connection of the pooler. A statement that was prepared on one
    is unknown on the next, or already there under the same name; with `pgbouncer=true` Prisma forgoes them."""
    url = found[1]["url"]
    if not url.by_transaction or url.pgbouncer:
        return ok(f"{_shown(url)}{' with pgbouncer=true' if url.pgbouncer else ''}")
    cause = f"{_name(url)} leads to the transaction pooler without pgbouncer=true: prepared statements collide"
    return failure(
        f"{_shown(url)}, no pgbouncer=true", cause, f"{url.where}: {_name(url)}=…:6543/postgres?pgbouncer=true"
    )


@rule(
    "Migrations have a direct way",
    needs.database_urls,
    "https://github.com/prisma/prisma/issues/20298",
    symptom='`prisma migrate` or `db push` hangs, or fails with `prepared statement "s0" already exists`.',
    remedy="Give the datasource a `directUrl` that leads to port 5432, directly or by the session pooler.",
    verify="`npx prisma migrate status` answers within seconds.",
    notes=(42,),
)
def prisma_direct_url(found: Urls) -> Verdict:
    """The schema engine holds an advisory lock of its session while it migrates, which a pooler of transactions cannot
    keep for it."""
    project, urls = found
    if not urls["url"].by_transaction:
        return ok(f"{_shown(urls['url'])} serves migrations too")
    direct = urls.get("directUrl")
    if direct is not None and not direct.by_transaction:
        return ok(f"directUrl: {_shown(direct)}")
    if direct is None and any(url.setting == "directUrl" for url in _all(project)):
        return ok("directUrl is set, its value is not in .env")
    cause = "Migrations run through the transaction pooler, which loses Prisma's lock and its prepared statements"
    seen = f"{_shown(urls['url'])}, {'directUrl leads there too' if direct else 'no directUrl'}"
    return warning(seen, cause, _direct_fix(project, direct))


@rule(
    "The shadow database is another one",
    needs.database_urls,
    "https://github.com/prisma/prisma/issues/17160",
    symptom="`prisma migrate dev` fails with P3014 or P3006, or waits for minutes on a hosted project.",
    remedy="Point `shadowDatabaseUrl` to a database on your machine, or write migrations there and only deploy to the "
    "hosted project.",
    verify="`npx prisma migrate dev --create-only` writes a migration.",
    notes=(38,),
)
def prisma_shadow_database(found: Urls) -> Verdict:
    """`migrate dev` builds all migrations in an empty second database. On a hosted project it has to be made anew each
    time, lacks Supabase's schemas and roles, and must never be the database with the data: it is emptied."""
    project, urls = found
    shadow = urls.get("shadowDatabaseUrl")
    if shadow is not None and shadow.same_as_url:
        cause = "shadowDatabaseUrl is the database with the data, and `prisma migrate dev` empties its shadow database"
        return failure(f"{_name(shadow)} equals {_name(urls['url'])}", cause, _shadow_fix(shadow))
    if any(url.setting == "shadowDatabaseUrl" for url in _all(project)) or not urls["url"].hosted:
        return ok("a shadow database of its own" if shadow else "not a hosted project")
    cause = (
        "`prisma migrate dev` on this hosted project has to make a second database there, without auth and its roles"
    )
    return note("hosted project, no shadowDatabaseUrl", cause, _shadow_fix(None))


@rule(
    "The pool is as large as the pooler allows",
    engine_urls,
    "https://github.com/prisma/prisma/issues/20015",
    symptom="P2024 (“Timed out fetching a new connection from the connection pool”), or the pooler refuses with “max "
    "clients reached”.",
    remedy="Set `connection_limit` in the pooler's URL: 1 in serverless functions, a few on a server.",
    verify="Under load the number of connections in `pg_stat_activity` stays below the pooler's size.",
    notes=(43,),
)
def prisma_connection_limit(found: Urls) -> Verdict:
    """Without `connection_limit` each process opens twice its processors plus one. Behind a pooler many small processes
    so take all connections, also those that Realtime needs."""
    url = found[1]["url"]
    if not url.by_transaction or url.connection_limit is not None:
        return ok(f"{_shown(url)}, connection_limit {url.connection_limit or 'as Prisma sets it'}")
    cause = "Each process opens as many connections as its machine has processors, twice, plus one"
    return note(f"{_shown(url)}, no connection_limit", cause, f"{url.where}: {_name(url)}=…&connection_limit=1")


def url_role(evidence: Evidence) -> tuple[Urls, ProjectDatabase] | Missing:
    found = needs.database_urls(evidence)
    if isinstance(found, Missing):
        return found
    database = found[0].database
    return database if isinstance(database, Missing) else (found, database)


@rule(
    "Prisma's role obeys row-level security",
    url_role,
    "https://github.com/prisma/prisma/issues/12735",
    symptom="Prisma writes and reads a row, tests are green, and the user's screen does not change.",
    remedy="Run user's queries under the user's role and claims in one transaction (`$extends` with `set_config`), or "
    "check with them what a user sees.",
    verify="With role and claims set as here, the row that was written can be selected.",
    follows=("role_obeys_rls",),
    notes=(40,),
)
def prisma_role(found: tuple[Urls, ProjectDatabase]) -> Verdict:
    """The owner of the tables and a role with `bypassrls` are asked by no policy. Realtime asks the policies of the
    subscriber's role for every row, and keeps back what they do not show."""
    (_, urls), database = found
    role = urls["url"].role
    facts = next((each for each in database.roles if each.name == role), None)
    if facts is None or not facts.bypasses_rls or role == database.role:
        return ok(f"{role or 'the role'}: {'the role of DATABASE_URL' if role == database.role else 'obeys policies'}")
    fix = (
        "connect as a role without bypassrls that does not own the tables; or, for what a user asks:\n"
        "await prisma.$transaction([\n"
        "  prisma.$executeRaw`select set_config('role', 'authenticated', true)`,\n"
        "  prisma.$executeRaw`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`,\n"
        "  query,\n])"
    )
    return note(f"{role} bypasses row-level security", f"Policies do not apply to what Prisma writes as {role}", fix)


def owned(evidence: Evidence) -> ProjectDatabase | Missing:
    found = evidence.project
    return found if isinstance(found, Missing) else found.database


@rule(
    "Tables of Prisma's role can be read by the key's roles",
    owned,
    SUPABASE,
    symptom="A table that a migration has made is published, and its changes come as “Error 401: Unauthorized”.",
    remedy="Give the role that runs migrations the default privileges that `postgres` has, and grant what is there.",
    verify="`has_table_privilege('authenticated', …, 'SELECT')` is true for the table, and for the next one too.",
    follows=("select_granted",),
    notes=(28, 41),
)
def prisma_default_privileges(database: ProjectDatabase) -> Verdict:
    """Default privileges belong to the role that makes a table. Those of Supabase are set for `postgres`; a role
    `prisma` of one's own, as the guide makes it, has none, and its tables are readable by itself alone."""
    closed = [table for table in database.tables if table.published and not table.select_roles and _is_foreign(table)]
    if not closed:
        return ok(f"{sum(table.published for table in database.tables)} published tables of models, each readable")
    names = listed(f"{table.name} (of {table.owner})" for table in closed)
    without = sorted({(t.owner, t.name.schema) for t in closed if not needs.has_default_grant(t, database)})
    cause = f"{names} can be read neither by anon nor by authenticated: default privileges are not the owner's"
    lines = [f"grant select on table {table.name.quoted} to authenticated;" for table in closed]
    lines += [
        f"alter default privileges for role {_quoted(owner)} in schema {_quoted(schema)}"
        " grant select on tables to authenticated;"
        for owner, schema in without
    ]
    return warning(f"no SELECT on {names}", cause, "\n".join(lines))


def _is_foreign(table: ModelTable) -> bool:
    """A table of `postgres` without grants is the business of the rule about grants."""
    return table.owner not in ("postgres", "")


def _major(project: Project) -> int:
    if isinstance(project.packages, Missing):
        return 0
    found = project.packages.versions("@prisma/client")
    return int(found[-1].version.partition(".")[0]) if found and found[-1].version[:1].isdigit() else 0


def _all(project: Project) -> tuple[DatabaseUrl, ...]:
    return () if isinstance(project.urls, Missing) else project.urls


def _name(url: DatabaseUrl) -> str:
    return url.variable or url.setting


def _shown(url: DatabaseUrl) -> str:
    kind = (
        "the transaction pooler"
        if url.by_transaction
        else "the session pooler"
        if url.pooled
        else "a direct connection"
    )
    return f"{_name(url)} ({url.where}) is {kind}, port {url.port}"


def _direct_fix(project: Project, direct: DatabaseUrl | None) -> str:
    file = project.schema.file if not isinstance(project.schema, Missing) else "schema.prisma"
    if direct is not None:
        return f"{direct.where}: {_name(direct)}=…:5432/postgres"
    return f'{file}: datasource db {{ … directUrl = env("DIRECT_URL") }}\n.env: DIRECT_URL=…:5432/postgres'


def _shadow_fix(shadow: DatabaseUrl | None) -> str:
    name = _name(shadow) if shadow else "SHADOW_DATABASE_URL"
    local = f"{shadow.where if shadow else '.env'}: {name}=postgresql://postgres:postgres@127.0.0.1:5432/shadow"
    return local if shadow else f'schema.prisma: datasource db {{ … shadowDatabaseUrl = env("{name}") }}\n{local}'


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


RULES = (
    prisma_pooler,
    prisma_direct_url,
    prisma_shadow_database,
    prisma_connection_limit,
    prisma_role,
    prisma_default_privileges,
)
