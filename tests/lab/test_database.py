"""The database of a lab is a Supabase's: roles, schemas, grants, publication."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from helpers.lab import Lab, LabSettings

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def db(lab: Lab) -> Iterator[Connection]:
    """A connection as role postgres, whose work is undone."""
    with psycopg.connect(lab.info["database_url"]) as connection:
        yield connection
        connection.rollback()


def value(db: Connection, query: str, *parameters: Any) -> Any:
    """The one value that a query returns."""
    row = db.execute(query.encode(), parameters).fetchone()
    return row[0] if row else None


def act_as(db: Connection, role: str, claims: str = "{}") -> None:
    """Become a role of the API, with the claims of its token."""
    db.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
    db.execute(f"set local role {role}".encode())


def test_server(db: Connection) -> None:
    """PostgreSQL 18 decodes its log, listens on the loopback address only, and commits so that changes show at once."""
    assert value(db, "show server_version").startswith("18.")
    assert value(db, "show wal_level") == "logical"
    assert value(db, "show listen_addresses") == "127.0.0.1"
    assert value(db, "show synchronous_commit") == "on"
    assert value(db, "show timezone") == "UTC"


def test_postgres_is_no_superuser(db: Connection) -> None:
    """Role postgres may create databases and roles, replicate and pass by RLS, and is no superuser."""
    row = db.execute(
        "select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls"
        " from pg_roles where rolname = current_user"
    ).fetchone()
    assert row == (False, True, True, True, True)


def test_roles(db: Connection) -> None:
    """The API's roles cannot log in, only the service role passes by RLS, and the authenticator may become each."""
    rows = db.execute(
        "select rolname, rolcanlogin, rolbypassrls, rolinherit from pg_roles"
        " where rolname in ('anon', 'authenticated', 'service_role', 'authenticator') order by 1"
    ).fetchall()
    assert rows == [
        ("anon", False, False, False),
        ("authenticated", False, False, False),
        ("authenticator", True, False, False),
        ("service_role", False, True, False),
    ]
    for role in ("anon", "authenticated", "service_role"):
        assert value(db, "select pg_has_role('authenticator', %s, 'set')", role) is True


def test_wrong_password_is_refused(lab: Lab) -> None:
    """The port asks for the password."""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(lab.info["database_url"].replace("postgres:", "postgres:x", 1))


@pytest.mark.parametrize("form", ["claims", "claim by claim"])
def test_functions_of_policies(db: Connection, form: str) -> None:
    """auth.uid(), auth.role(), auth.email() and auth.jwt() read the claims in both of PostgREST's forms."""
    user = str(uuid.uuid4())
    assert db.execute("select auth.uid(), auth.role(), auth.email()").fetchone() == (None, None, None)
    if form == "claims":
        claims = f'{{"sub": "{user}", "role": "authenticated", "email": "a@example.com"}}'
        db.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
        assert value(db, "select auth.jwt() ->> 'sub'") == user
    else:
        for name, text in (("sub", user), ("role", "authenticated"), ("email", "a@example.com")):
            db.execute("select set_config('request.jwt.claim.' || %s, %s, true)", (name, text))
    assert value(db, "select auth.uid()::text") == user
    assert db.execute("select auth.role(), auth.email()").fetchone() == ("authenticated", "a@example.com")


def test_row_level_security(db: Connection) -> None:
    """A policy that postgres writes shows each user his own rows."""
    mine, other = str(uuid.uuid4()), str(uuid.uuid4())
    db.execute("create table t (owner uuid); alter table t enable row level security")
    db.execute("create policy own on t to authenticated using (owner = auth.uid())")
    db.execute("grant select on t to authenticated")
    db.execute("insert into t values (%s), (%s)", (mine, other))
    act_as(db, "authenticated", f'{{"sub": "{mine}"}}')
    assert value(db, "select array_agg(owner::text) from t") == [mine]


def test_publication(db: Connection) -> None:
    """Role postgres publishes its tables and takes them back."""
    db.execute("create table t (a int primary key)")
    db.execute("alter publication supabase_realtime add table t")
    query = "select count(*) from pg_publication_tables where pubname = 'supabase_realtime' and tablename = 't'"
    assert value(db, query) == 1
    db.execute("alter publication supabase_realtime drop table t")
    assert value(db, query) == 0


def test_policies_on_messages(db: Connection) -> None:
    """Role postgres writes policies for private channels."""
    db.execute("create policy members on realtime.messages for select to authenticated using (true)")
    assert value(db, "select count(*) from pg_policies where policyname = 'members'") == 1


def test_references_to_users(db: Connection) -> None:
    """A table may refer to users, and a trigger may follow a sign-up, as every tutorial has it."""
    db.execute("create table profiles (id uuid primary key references auth.users (id) on delete cascade, name text)")
    db.execute(
        """
        create function handle_new_user() returns trigger language plpgsql security definer set search_path = '' as $$
        begin
          insert into public.profiles values (new.id, new.raw_user_meta_data ->> 'name');
          return new;
        end $$;
        create trigger on_auth_user_created after insert on auth.users
          for each row execute function handle_new_user();
        """
    )
    user = uuid.uuid4()
    db.execute('insert into auth.users (id, raw_user_meta_data) values (%s, \'{"name": "Ada"}\')', (user,))
    assert value(db, "select name from profiles where id = %s", user) == "Ada"


def test_no_grants_by_default(db: Connection) -> None:
    """What postgres creates in public is closed to the API until it is granted: Supabase's default since 2026."""
    db.execute("create table t (a int)")
    for role in ("anon", "authenticated", "service_role"):
        assert value(db, "select has_table_privilege(%s, 't', 'select')", role) is False


async def test_default_before_2026() -> None:
    """With default_grants = "all" it is open to the API, sequences and functions too."""
    async with Lab(LabSettings(default_grants="all")) as lab:
        with psycopg.connect(lab.info["database_url"]) as db:
            db.execute("create table t (a serial)")
            for role in ("anon", "authenticated", "service_role"):
                assert value(db, "select has_table_privilege(%s, 't', 'select, insert, update, delete')", role)
                assert value(db, "select has_sequence_privilege(%s, 't_a_seq', 'usage')", role)


def test_messages_of_today_have_a_partition(db: Connection) -> None:
    """A message of today and of tomorrow finds its partition, however old the template is."""
    for day in ("current_date", "current_date + 1"):
        query = f"select to_regclass('realtime.messages_' || to_char({day}, 'YYYY_MM_DD')) is not null"
        assert value(db, query) is True


def test_new_databases(lab: Lab) -> None:
    """Role postgres creates and drops databases, as Prisma does for its shadow."""
    with psycopg.connect(lab.info["database_url"], autocommit=True) as db:
        db.execute("create database shadow")
        db.execute("drop database shadow")


def test_socket(lab: Lab) -> None:
    """The folder in `db_socket_dir` holds the server's socket, closed to other accounts."""
    port = psycopg.conninfo.conninfo_to_dict(lab.info["database_url"])["port"]
    conninfo = f"host={lab.info['db_socket_dir']} port={port} user=supabase_admin dbname=postgres"
    with psycopg.connect(conninfo) as db:
        assert value(db, "select rolsuper from pg_roles where rolname = current_user") is True
