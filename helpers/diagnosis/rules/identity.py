"""Rules about keys and the old rows that UPDATE and DELETE carry."""

from __future__ import annotations

from helpers.diagnosis.evidence import Table
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule
from helpers.diagnosis.rules.sql import literal, names, per_table, quoted

__all__ = ["RULES"]

APPLY_RLS = "https://github.com/supabase/walrus"
FULL = "alter table {} replica identity full;"
#: Types of keys that tell nothing about the row.
SILENT_KEYS = {"uuid", "int2", "int4", "int8"}


@rule(
    "Every table has a primary key",
    needs.published_tables,
    APPLY_RLS,
    symptom="Changes arrive with `errors: [“Error 400: Bad Request, no primary key”]` and an empty record.",
    remedy="Give the table a primary key.",
    verify="A change of the table arrives with its record",
    notes=(28,),
)
def tables_with_primary_key(tables: tuple[Table, ...]) -> Verdict:
    """Realtime finds a row again by its primary key to ask whether the subscriber may see it. Without one it cannot,
    and sends an error in place of the row, past all filters."""
    without = [table for table in tables if not table.primary_key]
    if not without:
        return ok(names(tables))
    cause = f"{names(without)} without a primary key: changes come as “Error 400: Bad Request, no primary key”, empty"
    add = "alter table {} add column id bigint generated always as identity primary key;"
    return failure(f"{names(without)}: none", cause, per_table(without, add))


@rule(
    "DELETE carries what filters need",
    needs.published_tables,
    "https://github.com/supabase/realtime/issues/585",
    symptom="A subscription with a filter gets INSERT and UPDATE, and never a DELETE; deleted rows stay on the screen.",
    remedy="Set the replica identity to full where filters on other columns than the key are used.",
    verify="A DELETE arrives at a subscription with the filter",
    notes=(20, 22, 26, 37),
)
def replica_identity(tables: tuple[Table, ...]) -> Verdict:
    """Of a deleted row PostgreSQL logs the columns of its replica identity, by default the primary key. A filter on a
    column that is not in there has nothing to compare with, and lets no DELETE through."""
    nothing = [table for table in tables if table.identity == ()]
    if nothing:
        cause = f"{names(nothing)} without replica identity: UPDATE and DELETE are refused by PostgreSQL itself"
        return failure(f"{names(nothing)}: none", cause, per_table(nothing, FULL))
    partial = [table for table in tables if table.identity is not None]
    if not partial:
        return ok(f"replica identity full on {names(tables)}")
    cause = (
        f"On {names(partial)} a DELETE carries the key only: subscriptions with a filter on another column get no "
        "DELETE, and UPDATE leaves `old` and unchanged large values out"
    )
    fix = "-- where such a filter is used; each UPDATE and DELETE then logs the whole old row\n"
    evidence = listed(f"{table.name}: replica identity {table.replica_identity}" for table in partial)
    return note(evidence, cause, fix + per_table(partial, FULL))


@rule(
    "Old rows stay with those who could see them",
    needs.published_tables,
    APPLY_RLS,
    symptom="Who gets a row handed over receives in `old_record` what it was before; of a DELETE, only the key.",
    remedy="Keep the replica identity at its default where old values are not for the new owner.",
    verify="An UPDATE that hands a row over carries the key alone in `old_record`",
    notes=(21, 25),
)
def old_rows_kept(tables: tuple[Table, ...]) -> Verdict:
    """Policies are asked about the new row only. With replica identity full, an UPDATE that moves a row to somebody
    else sends that one the complete old row; who could see it before gets nothing, and keeps a stale row."""
    full = [table for table in tables if table.rls and table.replica_identity == "full"]
    if not full:
        return ok("no table with both row-level security and replica identity full")
    cause = f"When a row of {names(full)} changes hands, its new owner receives all of the old row, its old one nothing"
    fix = "-- where old values are not for the new owner; filters on DELETE then need the key\n"
    evidence = f"row-level security and replica identity full on {names(full)}"
    return note(evidence, cause, fix + per_table(full, "alter table {} replica identity default;"))


@rule(
    "Keys of deleted rows tell nothing",
    needs.published_tables,
    APPLY_RLS,
    symptom="Every subscriber of the table receives the keys of deleted rows, also of rows that were hidden from him.",
    remedy="Use a key without a meaning, a random uuid say, and keep the natural one unique.",
    verify="The primary key in the `old_record` of a DELETE does not tell whose row it was",
    notes=(20, 21, 23),
)
def deletes_tell_little(tables: tuple[Table, ...]) -> Verdict:
    """A deleted row cannot be looked up any more, so that no policy can be asked about it: a DELETE goes to all who
    subscribed to the table, with the primary key in it. A key of e-mail addresses, or of two ids, tells a story."""
    telling = [table for table in tables if table.rls and table.primary_key and _tells(table)]
    if not telling:
        return ok("no table with row-level security has a key that means something")
    seen = listed(f"{table.name}: {', '.join(table.primary_key)}" for table in telling)
    cause = f"A DELETE in {names(telling)} sends its key to every subscriber, past all policies"
    fix = "\n".join(map(_with_own_key, telling))
    return note(seen, cause, fix)


def _tells(table: Table) -> bool:
    columns = [table.column(name) for name in table.primary_key]
    return len(columns) > 1 or any(column is not None and column.type not in SILENT_KEYS for column in columns)


def _with_own_key(table: Table) -> str:
    columns = ", ".join(map(quoted, table.primary_key))
    return (
        "do $$ begin\n"
        "  execute (select format('alter table %s drop constraint %I cascade', conrelid::regclass, conname)\n"
        f"    from pg_constraint where conrelid = {literal(table.name.quoted)}::regclass and contype = 'p');\n"
        "end $$;\n"
        f"alter table {table.name.quoted} add column row_id uuid primary key default gen_random_uuid(),\n"
        f"  add unique ({columns});"
    )


RULES = (tables_with_primary_key, replica_identity, old_rows_kept, deletes_tell_little)
