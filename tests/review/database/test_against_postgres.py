"""What is read of migrations is what PostgreSQL makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from helpers.review.database.facts import DatabaseFacts
from helpers.review.database.pieces import plain_type
from helpers.review.database.state import Database
from helpers.review.database.statements import apply_sql
from helpers.target import Target

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PRISMA = sorted((ROOT / "data/prisma/migrations").glob("*/migration.sql"))
SAMPLE = sorted((ROOT / "data/sample-app/supabase/migrations").glob("*.sql"))

TABLES = """
select n.nspname as schema, c.relname as name, c.relrowsecurity as rls, c.relforcerowsecurity as forced,
       case c.relreplident when 'f' then 'full' when 'i' then 'index' when 'n' then 'nothing' else 'default' end
         as identity,
       array(select array[a.attname, format_type(a.atttypid, null), (not a.attnotnull)::text]
               from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
       (select array(select pg_get_indexdef(i.indexrelid, k, false) from generate_series(1, i.indnkeyatts) k)
          from pg_index i where i.indrelid = c.oid and i.indisprimary) as key,
       array(select to_json(array(select pg_get_indexdef(i.indexrelid, k, false)
                                    from generate_series(1, i.indnkeyatts) k))
               from pg_index i where i.indrelid = c.oid and i.indpred is null) as indexes
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and n.nspname in ('public', 'app')
"""
POLICIES = """
select schemaname, tablename, policyname, cmd, array(select unnest(roles)::text order by 1), permissive = 'PERMISSIVE',
       qual is not null, with_check is not null
  from pg_policies where schemaname in ('public', 'app') order by 1, 2, 3
"""
PUBLISHED = """
select p.pubname::text, n.nspname::text, c.relname::text,
       (select array_agg(a.attname::text order by a.attname) from pg_attribute a
         where a.attrelid = c.oid and a.attnum = any(r.prattrs)),
       r.prqual is not null
  from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
  join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace order by 1, 2, 3
"""
TRIGGERS = """
select c.relname::text, t.tgname::text, n.nspname || '.' || f.proname, f.prosrc ~ 'realtime.broadcast_changes'
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_proc f on f.oid = t.tgfoid
  join pg_namespace n on n.oid = f.pronamespace where not t.tgisinternal order by 1, 2
"""
FUNCTIONS = """
select n.nspname::text, p.proname::text, p.prosecdef
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('public', 'app') order by 1, 2
"""
GRANTS = """
select table_schema::text, table_name::text, grantee::text, array_agg(privilege_type::text order by privilege_type)
  from information_schema.role_table_grants
 where table_schema in ('public', 'app') and grantee in ('anon', 'authenticated', 'service_role')
   and privilege_type <> 'MAINTAIN'
 group by 1, 2, 3 order by 1, 2, 3
"""


@pytest.fixture(params=["prisma", "sample", "rich"])
def migrations(request: pytest.FixtureRequest) -> list[Path]:
    return {"prisma": PRISMA, "sample": SAMPLE, "rich": [HERE / "rich.sql"]}[request.param]


@pytest.fixture
def database(target: Target) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """An empty database of the lab's server, with the one function of Supabase that policies call."""
    assert target.database_url
    name = f"review_{uuid4().hex[:8]}"
    with psycopg.connect(target.database_url, autocommit=True) as server:
        server.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        try:
            with psycopg.connect(make_conninfo(target.database_url, dbname=name), autocommit=True) as connection:
                connection.execute("create schema auth")
                connection.execute("create function auth.uid() returns uuid language sql stable as 'select null::uuid'")
                yield connection
        finally:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def test_the_end_state_is_postgres(database: psycopg.Connection[tuple[Any, ...]], migrations: list[Path]) -> None:
    """Tables, keys, indexes, policies, publications, triggers, functions and grants agree with the catalogs."""
    own = Database()
    if migrations == SAMPLE:
        migrations = [HERE / "publication.sql", *migrations]
    for path in migrations:
        text = path.read_text()
        database.execute(text.encode())
        apply_sql(own, text, path.name)
    facts = own.facts()
    assert _tables_read(facts) == _tables_made(database)
    assert _policies_read(facts) == _rows(database, POLICIES)
    assert _published_read(facts) == _rows(database, PUBLISHED)
    assert _triggers_read(facts) == _rows(database, TRIGGERS)
    assert _functions_read(facts) == _rows(database, FUNCTIONS)
    assert _grants_read(facts) == _rows(database, GRANTS)


def _rows(connection: psycopg.Connection[tuple[Any, ...]], query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


def _tables_made(connection: psycopg.Connection[tuple[Any, ...]]) -> dict[tuple[str, str], tuple[Any, ...]]:
    made = {}
    for schema, name, rls, forced, identity, columns, key, indexes in _rows(connection, TABLES):
        shown = [(column.strip('"'), plain_type(kind)[0], null) for column, kind, null in columns]
        plain = sorted({tuple(_bare(column) for column in index) for index in indexes})
        made[schema, name] = (rls, forced, identity, shown, [_bare(each) for each in key or ()], plain)
    return made


def _bare(column: str) -> str:
    """A column of an index; empty for an expression."""
    return "" if "(" in column else column.strip('"')


def _tables_read(facts: DatabaseFacts) -> dict[tuple[str, str], tuple[Any, ...]]:
    return {
        (each.schema, each.name): (
            each.row_security,
            each.forced,
            each.identity,
            [(column.name, column.type, str(column.nullable).lower()) for column in each.columns],
            list(each.primary_key or ()),
            sorted(each.indexes),
        )
        for each in facts.tables
    }


def _policies_read(facts: DatabaseFacts) -> list[tuple[Any, ...]]:
    policies = [policy for table in facts.tables for policy in table.policies]
    return sorted(
        (p.schema, p.table, p.name, p.command, sorted(p.roles), p.permissive, bool(p.using), bool(p.check))
        for p in policies
    )


def _published_read(facts: DatabaseFacts) -> list[tuple[Any, ...]]:
    return sorted(
        (each.name, one.schema, one.table, sorted(one.columns) if one.columns else None, bool(one.where))
        for each in facts.publications
        for one in each.tables
    )


def _triggers_read(facts: DatabaseFacts) -> list[tuple[Any, ...]]:
    return sorted((table.name, t.name, t.function, t.broadcasts) for table in facts.tables for t in table.triggers)


def _functions_read(facts: DatabaseFacts) -> list[tuple[Any, ...]]:
    return sorted((each.schema, each.name, each.security_definer) for each in facts.functions)


def _grants_read(facts: DatabaseFacts) -> list[tuple[Any, ...]]:
    return sorted(
        (table.schema, table.name, grant.role, [each for each in grant.privileges if each != "MAINTAIN"])
        for table in facts.tables
        for grant in table.grants
    )
