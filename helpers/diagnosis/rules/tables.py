"""Rules about tables: publication, keys, grants, policies, types. Each fix is SQL for the tables at fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from helpers.diagnosis.evidence import KEY_ROLES, Column, Database, Policy, Table
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning

__all__ = ["RULES"]

#: The specification's target for a payload.
ROW_TARGET_BYTES = 1024
#: The largest integer that a JavaScript number holds exactly, 2^53 - 1.
EXACT_INTEGER = 9_007_199_254_740_991
POSTGRES_CHANGES = "https://supabase.com/docs/guides/realtime/postgres-changes"
APPLY_RLS = "https://github.com/supabase/walrus"
LINTER = "https://supabase.com/docs/guides/database/database-advisors"


@rule("Every table asked for exists", needs.database, "https://github.com/supabase/supabase-js/issues/483")
def tables_exist(database: Database) -> Verdict:
    absent = [table.name for table in database.tables if not table.exists]
    if absent:
        cause = f"There is no table {listed(absent)}: names are those of the database (not of Prisma), and case counts"
        known = [str(table.name) for table in database.tables if table.exists]
        return failure(
            f"not in pg_class: {listed(absent)}", cause, f"Correct the name; found: {listed(known) or 'none'}"
        )
    return ok(f"{len(database.tables)} tables looked at")


@rule("Every table is in the publication", needs.tables, "https://github.com/supabase/cli/issues/2214")
def tables_published(tables: tuple[Table, ...]) -> Verdict:
    absent = [table for table in tables if not table.published]
    if not absent:
        return ok(f"{_names(tables)} in supabase_realtime")
    cause = f"{_names(absent)}: not in the publication supabase_realtime, so that no change of it is sent"
    return failure(
        f"{len(absent)} of {len(tables)} tables are missing in pg_publication_tables",
        cause,
        _sql(absent, lambda table: f"alter publication supabase_realtime add table {table.name.quoted};"),
    )


@rule("Every table has a primary key", needs.published_tables, APPLY_RLS)
def tables_with_primary_key(tables: tuple[Table, ...]) -> Verdict:
    without = [table for table in tables if not table.primary_key]
    if not without:
        return ok(_names(tables))
    cause = f"{_names(without)} without a primary key: changes come as “Error 400: Bad Request, no primary key”, empty"
    add = "alter table {} add column id bigint generated always as identity primary key;"
    return failure(f"{_names(without)}: none", cause, _sql(without, lambda table: add.format(table.name.quoted)))


@rule("DELETE carries what filters need", needs.published_tables, "https://github.com/supabase/realtime/issues/585")
def replica_identity(tables: tuple[Table, ...]) -> Verdict:
    full = "alter table {} replica identity full;"
    nothing = [t for t in tables if t.replica_identity == "nothing" or (not t.primary_key and _is_default(t))]
    if nothing:
        cause = f"{_names(nothing)} without replica identity: UPDATE and DELETE are refused by PostgreSQL itself"
        return failure(f"{_names(nothing)}: none", cause, _sql(nothing, lambda table: full.format(table.name.quoted)))
    partial = [table for table in tables if table.replica_identity != "full"]
    if not partial:
        return ok(f"replica identity full on {_names(tables)}")
    cause = (
        f"On {_names(partial)} a DELETE carries the key only: subscriptions with a filter on another column get no "
        "DELETE, and UPDATE leaves `old` and unchanged large values out"
    )
    fix = "-- where such a filter is used; each UPDATE and DELETE then logs the whole old row\n"
    evidence = f"replica identity default on {_names(partial)}"
    return note(evidence, cause, fix + _sql(partial, lambda table: full.format(table.name.quoted)))


@rule("The key's roles may read", needs.published_tables, "https://github.com/orgs/supabase/discussions/45329")
def select_granted(tables: tuple[Table, ...]) -> Verdict:
    closed = [table for table in tables if not table.select_roles]
    if not closed:
        return ok("; ".join(f"{table.name}: {', '.join(table.select_roles)}" for table in tables[:8]))
    cause = (
        f"Neither anon nor authenticated may SELECT from {_names(closed)}: changes come as “Error 401: Unauthorized”, "
        "empty (since 2026 new tables in public are granted to nobody)"
    )
    grant = "grant usage on schema {} to authenticated;\ngrant select on table {} to authenticated;"
    return failure(
        f"no SELECT on {_names(closed)}",
        cause,
        _sql(closed, lambda table: grant.format(_quoted(table.name.schema), table.name.quoted)),
    )


@rule(
    "Row-level security lets somebody read", needs.published_tables, "https://github.com/supabase/supabase/issues/35195"
)
def rls_with_policy(tables: tuple[Table, ...]) -> Verdict:
    closed = [table for table in tables if table.rls and not any(map(_lets_read, table.policies))]
    if not closed:
        return ok(
            f"{sum(table.rls for table in tables)} of {len(tables)} tables with row-level security, each readable"
        )
    cause = f"No policy lets anybody SELECT from {_names(closed)}: INSERT and UPDATE reach nobody, only DELETE does"
    policy = (
        'create policy "read own" on {} for select to authenticated\n  using (user_id = (select auth.uid()));'
        "  -- the column that names the owner"
    )
    evidence = f"no SELECT policy on {_names(closed)}"
    return failure(evidence, cause, _sql(closed, lambda table: policy.format(table.name.quoted)))


@rule("Row-level security is on where a key can read", needs.users_tables, LINTER)
def rls_enabled(tables: tuple[Table, ...]) -> Verdict:
    open_ones = [table for table in tables if not table.rls and "anon" in table.select_roles]
    if not open_ones:
        return ok(_names(tables))
    cause = f"Everybody who has the publishable key reads every row and every change of {_names(open_ones)}"
    enable = "alter table {} enable row level security;  -- and a policy for whom it is meant"
    evidence = f"anon may read {_names(open_ones)}, and row-level security is off"
    return warning(evidence, cause, _sql(open_ones, lambda table: enable.format(table.name.quoted)))


#: What PostgreSQL evaluates once for each row unless a SELECT around it makes it an init plan.
PER_ROW = re.compile(
    r"auth\.(?:uid|jwt|role|email)\(\)|current_setting\('[^']*'(?:::text)?(?:, (?:true|false))?\)", re.I
)
IN_SELECT = re.compile(r"select\s*\(*$", re.IGNORECASE)


@rule("Policies call auth functions once", needs.published_tables, LINTER)
def policies_wrapped(tables: tuple[Table, ...]) -> Verdict:
    found = [(table, policy) for table in tables for policy in table.policies if _is_bare(policy)]
    if not found:
        return ok(f"{sum(len(table.policies) for table in tables)} policies looked at")
    names = listed(f"“{policy.name}” on {table.name}" for table, policy in found)
    cause = "auth.uid() and its like run once for each row instead of once for each query: lists and joins get slow"
    return warning(f"not wrapped in a SELECT: {names}", cause, "\n".join(_rewritten(*pair) for pair in found))


@rule("Numbers arrive exactly", needs.published_tables, "https://github.com/supabase/supabase-js/issues/1270")
def exact_numbers(tables: tuple[Table, ...]) -> Verdict:
    columns = [(table, column) for table in tables for column in table.columns if _may_lose_digits(column)]
    if not columns:
        return ok("no numeric column, and no int8 column but those that a sequence counts")
    names = listed(f"{table.name}.{column.name} ({column.type})" for table, column in columns)
    cause = (
        f"They travel as JSON numbers: JavaScript rounds int8 beyond {EXACT_INTEGER:,} and numeric to 15–17 digits, "
        "while Prisma gives BigInt and Decimal"
    )
    return note(names, cause, "-- for values that must be exact:\n" + _text_columns(columns))


@rule("Enum types have lower-case names", needs.published_tables, "https://github.com/supabase/supabase/issues/5685")
def enum_names(tables: tuple[Table, ...]) -> Verdict:
    enums = {(c.type_schema, c.type) for t in tables for c in t.columns if c.labels and c.type != c.type.lower()}
    if not enums:
        return ok("no enum type with capitals")
    names = listed(f"{schema}.{name}" for schema, name in sorted(enums))
    cause = f"Realtime casts by type name, and capitals have broken it: {names} (Prisma names enums so without @@map)"
    rename = [f"alter type {_quoted(s)}.{_quoted(n)} rename to {_quoted(_snake(n))};" for s, n in sorted(enums)]
    prisma = [f'-- schema.prisma: enum {n} {{ … @@map("{_snake(n)}") }}' for _, n in sorted(enums)]
    return warning(names, cause, "\n".join(rename + prisma))


@rule("Rows are smaller than 1 KB", needs.analyzed_tables, "https://supabase.com/docs/guides/realtime/limits")
def row_size(tables: tuple[Table, ...]) -> Verdict:
    evidence = listed(f"{table.name}: {table.average_bytes} bytes on average" for table in tables)
    wide = [table for table in tables if (table.average_bytes or 0) > ROW_TARGET_BYTES]
    if not wide:
        return ok(evidence)
    cause = f"Every subscriber gets the whole row of {_names(wide)}; beyond 1 MiB it gets the small columns only"
    return warning(evidence, cause, "Subscribe with `select` to the columns in need, or move large columns elsewhere")


def _names(tables: Iterable[Table]) -> str:
    return listed(table.name for table in tables)


def _sql(tables: Iterable[Table], statement: Callable[[Table], str]) -> str:
    return "\n".join(map(statement, tables))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_default(table: Table) -> bool:
    return table.replica_identity == "default"


def _lets_read(policy: Policy) -> bool:
    return policy.command in ("ALL", "SELECT") and bool({"public", *KEY_ROLES} & set(policy.roles))


def _is_bare(policy: Policy) -> bool:
    return any(_bare_calls(text) for text in (policy.using, policy.check))


def _bare_calls(expression: str) -> list[re.Match[str]]:
    return [call for call in PER_ROW.finditer(expression) if not IN_SELECT.search(expression[: call.start()])]


def _wrapped(expression: str) -> str:
    for call in reversed(_bare_calls(expression)):
        expression = f"{expression[: call.start()]}(select {call.group()}){expression[call.end() :]}"
    return expression


def _rewritten(table: Table, policy: Policy) -> str:
    using = f"\n  using ({_wrapped(policy.using)})" if policy.using else ""
    check = f"\n  with check ({_wrapped(policy.check)})" if policy.check else ""
    return f"alter policy {_quoted(policy.name)} on {table.name.quoted}{using}{check};"


def _may_lose_digits(column: Column) -> bool:
    """A sequence that counts from 1 does not reach 2^53 in a lifetime."""
    return column.type == "numeric" or (column.type == "int8" and not column.counted)


def _text_columns(columns: list[tuple[Table, Column]]) -> str:
    add = "alter table {} add column {} text generated always as ({}::text) stored;"
    return "\n".join(
        add.format(table.name.quoted, _quoted(f"{column.name}_text"), _quoted(column.name)) for table, column in columns
    )


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


RULES = (
    tables_exist,
    tables_published,
    tables_with_primary_key,
    replica_identity,
    select_granted,
    rls_with_policy,
    rls_enabled,
    policies_wrapped,
    exact_numbers,
    enum_names,
    row_size,
)
