"""Rules about what the key's roles may read."""

from __future__ import annotations

from helpers.diagnosis.evidence import Database, Table
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule
from helpers.diagnosis.rules.sql import columns_named, names, quoted

__all__ = ["RULES"]

CHANGE_OF_DEFAULT = "https://github.com/orgs/supabase/discussions/45329"
APPLY_RLS = "https://github.com/supabase/walrus"


@rule(
    "The key's roles may read",
    needs.published_tables,
    CHANGE_OF_DEFAULT,
    symptom="Changes arrive with “Error 401: Unauthorized” and an empty record, or filters are “invalid column”.",
    remedy="Grant SELECT on the table, and USAGE on its schema, to the role that subscribes.",
    verify="has_table_privilege('authenticated', …, 'SELECT') is true, and a change brings its record",
    notes=(15, 28, 29, 41),
)
def select_granted(tables: tuple[Table, ...]) -> Verdict:
    """A subscription acts as the role of its token: anon or authenticated. Since 2026 what is created in public is
    granted to nobody by itself; and a table made by another role than postgres never was."""
    closed = [table for table in tables if not table.select_roles]
    if not closed:
        return ok("; ".join(f"{table.name}: {', '.join(table.select_roles)}" for table in tables[:8]))
    cause = (
        f"Neither anon nor authenticated may SELECT from {names(closed)}: changes come as “Error 401: Unauthorized”, "
        "empty (since 2026 new tables in public are granted to nobody)"
    )
    return failure(f"no SELECT on {names(closed)}", cause, "\n".join(map(_granted, closed)))


@rule(
    "The key's roles may read primary keys",
    needs.published_tables,
    APPLY_RLS,
    symptom="Changes arrive with “Error 401: Unauthorized”, although some columns were granted.",
    remedy="Grant SELECT on the columns of the primary key too.",
    verify="A change brings the granted columns",
    follows=("select_granted",),
    notes=(28,),
)
def key_granted(tables: tuple[Table, ...]) -> Verdict:
    """Who may not read the key of a row cannot be asked whether the row is for him: Realtime sends an error instead.
    A grant on single columns easily leaves the key out."""
    closed = [(table, role) for table in tables for role in table.select_roles if _hidden_key(table, role)]
    if not closed:
        return ok("who may read a table may read its key")
    cause = f"{closed[0][1]} may read columns of {listed({t.name: 0 for t, _ in closed})}, and not its primary key"
    seen = listed(f"{table.name}: {', '.join(_hidden_key(table, role))} ({role})" for table, role in closed)
    fix = "\n".join(
        f"grant select ({', '.join(map(quoted, _hidden_key(table, role)))}) on {table.name.quoted} to {quoted(role)};"
        for table, role in closed
    )
    return failure(seen, cause, fix)


@rule(
    "All columns may be read",
    needs.published_tables,
    APPLY_RLS,
    symptom="Columns are missing in the record, and a filter on one is refused: “invalid column for filter”.",
    remedy="Grant SELECT on the column, if it is not meant to be hidden.",
    verify="The column is in the record of a change",
    follows=("select_granted", "key_granted"),
    notes=(15, 29),
)
def columns_granted(tables: tuple[Table, ...]) -> Verdict:
    """Realtime leaves out columns that the subscriber's role may not read, and refuses filters on them, and with one
    bad filter every binding of the channel."""
    hidden = [
        (table, column)
        for table in tables
        for column in table.columns
        if set(table.select_roles) - set(column.readable_by)
    ]
    if not hidden:
        return ok("who may read a table may read all of its columns")
    cause = f"{columns_named(hidden)} may not be read by everybody who reads the table: left out, and no filter on it"
    fix = "-- unless they are hidden on purpose:\n" + "\n".join(
        f"grant select ({quoted(column.name)}) on {table.name.quoted} to {', '.join(map(quoted, table.select_roles))};"
        for table, column in hidden
    )
    return note(columns_named(hidden), cause, fix)


@rule(
    "New tables will be readable",
    needs.database,
    CHANGE_OF_DEFAULT,
    symptom="The next table, made like the others, sends “Error 401: Unauthorized”.",
    remedy="Grant in each migration, or set default privileges for the role that makes the tables.",
    verify="A new table is readable at once, or its migration grants",
    notes=(29, 36, 41),
)
def default_grants(database: Database) -> Verdict:
    """Default privileges hold for one role that creates, in one schema. Supabase set them for postgres in public, until
    2026; Prisma's own role, another schema and newer projects have none, and a reset that drops the schema drops
    them."""
    open_to = {(each.owner, each.schema) for each in database.defaults}
    makers = {
        (table.owner, table.name.schema)
        for table in database.tables
        if table.published and table.select_roles and table.name != database.own_table
    }
    closed = sorted(maker for maker in makers if not {maker, (maker[0], "")} & open_to)
    if not closed:
        return ok("what these roles create is readable, or they have no table that is")
    seen = listed(f"{owner} in {schema}" for owner, schema in closed)
    cause = f"What {seen} creates next is granted to nobody, unlike the tables that are there"
    fix = "\n".join(
        f"alter default privileges for role {quoted(owner)} in schema {quoted(schema)}\n"
        "  grant select on tables to authenticated;"
        for owner, schema in closed
    )
    return note(f"no default privilege for {seen}", cause, f"-- or grant in each migration\n{fix}")


def _granted(table: Table) -> str:
    return (
        f"grant usage on schema {quoted(table.name.schema)} to authenticated;\n"
        f"grant select on table {table.name.quoted} to authenticated;"
    )


def _hidden_key(table: Table, role: str) -> list[str]:
    return [
        name
        for name in table.primary_key
        if (column := table.column(name)) is not None and role not in column.readable_by
    ]


RULES = (select_granted, key_granted, columns_granted, default_grants)
