"""Rules about types that change on their way to the client."""

from __future__ import annotations

from collections.abc import Callable

from helpers.diagnosis.evidence import Column, Table
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning
from helpers.diagnosis.rules.sql import columns_named, quoted, snake

__all__ = ["RULES"]

APPLY_RLS = "https://github.com/supabase/walrus"
TIMES = "https://github.com/supabase/realtime/issues/114"
#: The largest integer that a JavaScript number holds exactly, 2^53 - 1.
EXACT_INTEGER = 9_007_199_254_740_991

Columns = list[tuple[Table, Column]]


@rule(
    "Numbers arrive exactly",
    needs.published_tables,
    "https://github.com/supabase/supabase-js/issues/1270",
    symptom="The last digits of a large id or of an amount differ between the database and the page.",
    remedy="Send such values as text, in a column of their own, or fetch them as text.",
    verify="The value in a change equals the database's, digit by digit",
    notes=(45,),
)
def exact_numbers(tables: tuple[Table, ...]) -> Verdict:
    """int8 and numeric travel as JSON numbers with all their digits. JavaScript makes 64-bit floating point numbers of
    them, which hold 15 to 17 digits."""
    columns = _columns(tables, _may_lose_digits)
    if not columns:
        return ok("no numeric column, and no int8 column but those that a sequence counts")
    seen = listed(f"{table.name}.{column.name} ({column.type})" for table, column in columns)
    cause = (
        f"Numbers travel as JSON numbers: JavaScript rounds int8 beyond {EXACT_INTEGER:,} and numeric to 15–17 digits, "
        "while Prisma gives BigInt and Decimal"
    )
    return note(seen, cause, "-- for values that must be exact:\n" + _text_columns(columns))


@rule(
    "Enum types have lower-case names",
    needs.published_tables,
    "https://github.com/supabase/supabase/issues/5685",
    symptom="After `prisma migrate` nothing arrives of a table with an enum column.",
    remedy="Rename the type, and name it so in schema.prisma with @@map.",
    verify="Every enum type in pg_type is spelled in lower case",
    notes=(35,),
)
def enum_names(tables: tuple[Table, ...]) -> Verdict:
    """Realtime casts values by the name of their type, and names with capitals, which need quotes, have broken the
    cast. Prisma names enum types as their models are named."""
    found = {
        (column.type_schema, column.type.removeprefix("_"))
        for table in tables
        for column in table.columns
        if column.labels and column.type != column.type.lower()
    }
    if not found:
        return ok("no enum type with capitals")
    enums = sorted(found)
    seen = listed(f"{schema}.{name}" for schema, name in enums)
    cause = f"Realtime casts by type name, and capitals have broken it: {seen} (Prisma names enums so without @@map)"
    rename = [f"alter type {quoted(s)}.{quoted(n)} rename to {quoted(snake(n))};" for s, n in enums]
    prisma = [f'-- schema.prisma: enum {n} {{ … @@map("{snake(n)}") }}' for _, n in enums]
    return warning(seen, cause, "\n".join(rename + prisma))


@rule(
    "Keys lead back to their rows",
    needs.published_tables,
    APPLY_RLS,
    symptom="Of a table with row-level security and a bytea key INSERT and UPDATE reach nobody, DELETE everybody.",
    remedy="Use a key of another type: uuid, or the bytes as text.",
    verify="An INSERT arrives at a user who may see the row",
)
def keys_found_again(tables: tuple[Table, ...]) -> Verdict:
    """To ask the policies about a row Realtime looks it up by the key as the log has it. Bytes are in there as text
    without the `\\x`, which PostgreSQL reads as other bytes: the row is not found, and thus hidden."""
    lost = [
        (t, c) for t, c in _columns(tables, lambda column: column.type == "bytea") if t.rls and c.name in t.primary_key
    ]
    if not lost:
        return ok("no key of bytes under row-level security")
    cause = f"{columns_named(lost)} is a key of bytes: with row-level security INSERT and UPDATE reach nobody"
    return failure(columns_named(lost), cause, _retyped(lost, "text", "encode({}, 'hex')"))


@rule(
    "Columns can be filtered by",
    needs.published_tables,
    APPLY_RLS,
    symptom="While somebody subscribes with a filter on such a column, changes of all tables get lost, for everybody.",
    remedy="Filter by another column; use jsonb for json, and a table of its own for what is in an array.",
    verify="No subscription has a filter on a json or array column",
    notes=(18,),
)
def columns_filterable(tables: tuple[Table, ...]) -> Verdict:
    """Realtime accepts a filter on a json or array column, and fails when it evaluates it (json has no equality, a
    filter's value is not cast to an array). An error there drops the whole batch of changes, and nobody is told."""
    columns = _columns(tables, lambda column: column.type == "json" or column.type.startswith("_"))
    if not columns:
        return ok("no json and no array column")
    cause = f"A filter on {columns_named(columns)} loses the changes of all tables, for every subscriber"
    json = [(table, column) for table, column in columns if column.type == "json"]
    arrays = [(table, column) for table, column in columns if column.type != "json"]
    fix = ["-- never filter by these columns"]
    fix += [_retyped(json, "jsonb", "{}::jsonb")] if json else []
    fix += [_retyped(arrays, "jsonb", "to_jsonb({})")] if arrays else []
    return note(columns_named(columns), cause, "\n".join(fix))


@rule(
    "Times have a zone",
    needs.published_tables,
    TIMES,
    symptom="Times of changes are off by the hours of the user's zone.",
    remedy="Use timestamptz (`@db.Timestamptz` in Prisma).",
    verify="Times in a change end in +00:00",
    notes=(46,),
)
def times_with_zone(tables: tuple[Table, ...]) -> Verdict:
    """A timestamp without a zone travels without a Z, and a browser takes it for local time. Prisma makes such columns
    of DateTime unless it is told otherwise, and writes UTC into them."""
    columns = _columns(tables, lambda column: column.type == "timestamp")
    if not columns:
        return ok("no timestamp without time zone")
    cause = f"{columns_named(columns)} has no zone: JavaScript reads the time as local, Prisma as UTC"
    return note(columns_named(columns), cause, _retyped(columns, "timestamptz", "{} at time zone 'UTC'"))


@rule(
    "Bytes arrive as they were sent",
    needs.published_tables,
    APPLY_RLS,
    symptom="Bytes in a change are hexadecimal digits, where REST and Prisma give something else.",
    remedy="Decode the digits, or send the bytes as base64 in a text column.",
    verify="The decoded value equals the database's",
    notes=(46,),
)
def bytes_as_text(tables: tuple[Table, ...]) -> Verdict:
    """A bytea value travels as hexadecimal digits without the `\\x` before them that REST has; Prisma gives bytes."""
    columns = _columns(tables, lambda column: column.type == "bytea")
    if not columns:
        return ok("no column of bytes")
    cause = f"{columns_named(columns)} arrives as hexadecimal digits without \\x: decode them as such"
    return note(columns_named(columns), cause, _retyped(columns, "text", "encode({}, 'base64')"))


@rule(
    "Columns have lower-case names",
    needs.published_tables,
    "https://github.com/supabase/auth/issues/608",
    symptom="“invalid column for filter userid”, or a field of the payload that is undefined.",
    remedy="Map the fields in schema.prisma (@map), or spell filters and payload keys as the database does.",
    verify="The filter names a column of the database, letter by letter",
    notes=(44,),
)
def column_names(tables: tuple[Table, ...]) -> Verdict:
    """Filters and payloads have the names of the database, case included, while SQL without quotes folds them to lower
    case: `userId` and `userid` are two columns."""
    columns = _columns(tables, lambda column: column.name != column.name.lower())
    if not columns:
        return ok("no column with capitals")
    cause = f"{columns_named(columns)}: filters and SQL need these capitals exactly, SQL in quotes"
    renames = [
        f"alter table {table.name.quoted} rename column {quoted(column.name)} to {quoted(snake(column.name))};"
        for table, column in columns
    ]
    return note(columns_named(columns), cause, "-- and @map in schema.prisma\n" + "\n".join(renames))


@rule(
    "Lists of enum values arrive as lists",
    needs.published_tables,
    TIMES,
    symptom="A list of enum values is a text like `{A,B}` in a change, and a list everywhere else.",
    remedy="Store the list as text[] or jsonb, with a check on its values.",
    verify="`Array.isArray` of the value in a change is true",
    notes=(46,),
)
def enum_lists(tables: tuple[Table, ...]) -> Verdict:
    """Realtime makes JSON of the arrays of PostgreSQL's own types. It leaves an array of an enum as PostgreSQL prints
    it."""
    columns = _columns(tables, lambda column: bool(column.labels) and column.type.startswith("_"))
    if not columns:
        return ok("no array of an enum")
    cause = f"{columns_named(columns)} arrives as one text, with braces: take it apart in the client"
    return note(columns_named(columns), cause, _retyped(columns, "text[]", "{}::text[]"))


def _columns(tables: tuple[Table, ...], wanted: Callable[[Column], bool]) -> Columns:
    return [(table, column) for table in tables for column in table.columns if wanted(column)]


def _may_lose_digits(column: Column) -> bool:
    """A sequence that counts from 1 does not reach 2^53 in a lifetime."""
    return column.type == "numeric" or (column.type == "int8" and not column.counted)


def _text_columns(columns: Columns) -> str:
    add = "alter table {} add column {} text generated always as ({}::text) stored;"
    return "\n".join(
        add.format(table.name.quoted, quoted(f"{column.name}_text"), quoted(column.name)) for table, column in columns
    )


def _retyped(columns: Columns, kind: str, using: str) -> str:
    """A default of the old type would stand in the way of the new one."""
    return "\n".join(
        f"alter table {table.name.quoted} alter column {quoted(column.name)} drop default,\n"
        f"  alter column {quoted(column.name)} type {kind} using {using.format(quoted(column.name))};"
        for table, column in columns
    )


RULES = (
    keys_found_again,
    enum_names,
    exact_numbers,
    columns_filterable,
    times_with_zone,
    bytes_as_text,
    enum_lists,
    column_names,
)
