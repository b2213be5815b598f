"""Rules about which tables are published, and what cannot be. Each fix is SQL for the tables at fault."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from helpers.diagnosis.evidence import Database, Evidence, Missing, Table, TableName
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, listed, ok, rule, warning
from helpers.diagnosis.rules.sql import names, per_table, quoted

__all__ = ["RULES"]

POSTGRES_CHANGES = "https://supabase.com/docs/guides/realtime/postgres-changes"
SUBSCRIPTIONS = "https://github.com/supabase/realtime/blob/main/lib/extensions/postgres_cdc_rls/subscriptions.ex"
ADD = "alter publication supabase_realtime add table {};"
#: Sends each change of a table by Broadcast, to a private channel, and lets users in.
BROADCAST = """\
create function {function}() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform realtime.broadcast_changes(
    'table:' || {topic}, tg_op, tg_op, {topic}, tg_table_schema, new, old);
  return null;
end $$;
create trigger broadcast_change after insert or update or delete on {table}
  for each row execute function {function}();
create policy {policy} on realtime.messages for select to authenticated
  using ((select realtime.topic()) = 'table:' || {topic});"""


@rule(
    "Every table asked for exists",
    needs.database,
    "https://github.com/supabase/supabase-js/issues/483",
    symptom="“Unable to subscribe to changes with given parameters”, while the client's status stays SUBSCRIBED.",
    remedy="Write the name as the database spells it, in the schema where it is.",
    verify="to_regclass of the quoted name is not null",
    notes=(15, 44),
)
def tables_exist(database: Database) -> Verdict:
    """Realtime compares names with those of the database, case included. The name of a Prisma model, a missing schema
    or a capital too many is a table that does not exist."""
    absent = [table.name for table in database.tables if not table.exists]
    if absent:
        cause = f"There is no table {listed(absent)}: names are those of the database (not of Prisma), and case counts"
        known = [str(table.name) for table in database.tables if table.exists]
        return failure(
            f"not in pg_class: {listed(absent)}", cause, f"Correct the name; found: {listed(known) or 'none'}"
        )
    return ok(f"{len(database.tables)} tables looked at")


@rule(
    "What is asked for is a table",
    needs.database,
    POSTGRES_CHANGES,
    symptom="A subscription to a view is refused, or silent.",
    remedy="Subscribe to the tables behind the view, and fetch from the view when one of them changes.",
    verify="The subscription names tables only",
    notes=(15,),
)
def tables_are_tables(database: Database) -> Verdict:
    """Views, materialized views and foreign tables have no rows of their own in the log: PostgreSQL cannot publish
    them."""
    others = [table for table in database.tables if table.exists and table.kind not in needs.REAL]
    if not others:
        return ok("nothing but tables")
    behind = [name for table in others for name in table.reads_from]
    unpublished = [name for name in behind if name not in database.publication.names]
    cause = f"{names(others)} cannot be subscribed to: a {others[0].kind} has no changes in the log"
    add = "\n".join(f"alter publication supabase_realtime add table {name.quoted};" for name in unpublished)
    fix = f"-- subscribe to {listed(behind) or 'tables'} instead" + (f"\n{add}" if add else "")
    return failure(listed(f"{table.name}: {table.kind}" for table in others), cause, fix)


@rule(
    "Tables are logged",
    needs.tables,
    "https://www.postgresql.org/docs/current/sql-createtable.html",
    symptom="“cannot add relation to publication”: an unlogged or temporary table cannot be published.",
    remedy="Set the table logged, then publish it.",
    verify="relpersistence is p in pg_class, and the table is in pg_publication_tables",
    notes=(15,),
)
def tables_logged(tables: tuple[Table, ...]) -> Verdict:
    """Changes are read from the log. What an UNLOGGED table gains in speed it gains by not being in there."""
    unlogged = [table for table in tables if not table.logged]
    if not unlogged:
        return ok(names(tables))
    cause = f"{names(unlogged)} is UNLOGGED: its changes are not in the log that Realtime reads"
    return failure(f"{names(unlogged)}: unlogged", cause, per_table(unlogged, f"alter table {{}} set logged;\n{ADD}"))


@rule(
    "Every table is in the publication",
    needs.tables,
    "https://github.com/supabase/cli/issues/2214",
    symptom="“Unable to subscribe to changes with given parameters”; the client's status stays SUBSCRIBED, in silence.",
    remedy="Add the table to the publication, in a migration so that a reset does not lose it.",
    verify="Within a minute (Realtime reads the list every 60 s) a subscription says “Subscribed to PostgreSQL”",
    follows=("publication_there", "tables_logged"),
    notes=(15, 16, 17),
)
def tables_published(tables: tuple[Table, ...]) -> Verdict:
    """Realtime sends changes of those tables only that are in the publication supabase_realtime. A new table is not in
    there, and after a reset none is."""
    absent = [table for table in tables if not table.published and not table.broadcasts]
    if not absent:
        return ok(f"{names(tables)}: in supabase_realtime, or broadcast by a trigger")
    cause = f"{names(absent)}: not in the publication supabase_realtime, so that no change of it is sent"
    return failure(
        f"{len(absent)} of {len(tables)} tables are missing in pg_publication_tables", cause, per_table(absent, ADD)
    )


@rule(
    "Tables are not partitioned",
    needs.published_tables,
    POSTGRES_CHANGES,
    symptom="A subscription to a partitioned table is refused, or silent; each partition sends under its own name.",
    remedy="Let a trigger on the partitioned table broadcast its changes.",
    verify="A change of the table arrives on the private channel of the trigger's topic",
    notes=(15,),
)
def tables_partitioned(tables: tuple[Table, ...]) -> Verdict:
    """Rows live in the partitions, and the log speaks of those. With publish_via_partition_root the publication names
    the whole table and the log does not; without it the whole table is not in the list that Realtime reads."""
    whole = [table for table in tables if table.kind == "partitioned table" and not table.broadcasts]
    if not whole:
        return ok("no partitioned table whose changes nobody broadcasts")
    cause = f"Changes of {names(whole)} carry the names of its partitions: who subscribes to the table gets none"
    return failure(f"partitioned: {names(whole)}", cause, "\n".join(map(_broadcast, whole)))


def published(evidence: Evidence) -> Database | Missing:
    found = evidence.database
    if isinstance(found, Missing) or found.publication.names:
        return found
    return Missing("no table is published")


@rule(
    "A name means one table",
    published,
    SUBSCRIPTIONS,
    symptom="A subscription brings changes of another table as well, whose name differs in one character.",
    remedy="Give one of the tables another name, or check `payload.table` in the client.",
    verify="No two published names are alike but for an underscore",
    notes=(18,),
)
def names_distinct(database: Database) -> Verdict:
    """Realtime compares names with LIKE, where an underscore stands for any character: `user_events` means
    `userXevents` too, and its rows go to who asked for the other."""
    pairs = list(_alike(database.publication.names))
    if not pairs:
        return ok(f"{len(database.publication.names)} published names")
    seen = listed(f"{name} also means {other}" for name, other in pairs)
    cause = f"Who subscribes to {pairs[0][0]} gets changes of {pairs[0][1]} too: “_” stands for any character"
    rename = [f"alter table {other.quoted} rename to {quoted(other.table + '_other')};" for _, other in pairs]
    fix = "-- or in the client: if (payload.table !== '…') return\n" + "\n".join(dict.fromkeys(rename))
    return warning(seen, cause, fix)


@rule(
    "Nothing truncates a published table",
    needs.published_tables,
    "https://www.postgresql.org/docs/current/sql-truncate.html",
    symptom="Rows are gone in the database and stay on every screen.",
    remedy="Delete the rows instead, or broadcast that all are gone.",
    verify="A DELETE arrives for each row",
)
def tables_not_truncated(tables: tuple[Table, ...]) -> Verdict:
    """TRUNCATE is one entry in the log for the whole table. Realtime does not send it, although the publication may
    name it."""
    emptied = [table for table in tables if table.truncated_by]
    if not emptied:
        return ok("no function truncates one of them")
    fix = "\n".join(dict.fromkeys(statement for table in emptied for statement in table.truncated_by))
    cause = f"A function truncates {names(emptied)}: nobody is told that its rows are gone"
    return warning(f"truncated by a function: {names(emptied)}", cause, fix)


def _alike(tables: tuple[TableName, ...]) -> Iterator[tuple[TableName, TableName]]:
    """Pairs of which the first, as a pattern, means the second as well."""
    by_length: dict[tuple[int, int], list[TableName]] = defaultdict(list)
    for name in tables:
        by_length[len(name.schema), len(name.table)].append(name)
    for group in by_length.values():
        for name in (name for name in group if "_" in str(name)):
            pattern = re.compile(re.escape(f"{name.schema}\0{name.table}").replace("_", "."), re.DOTALL)
            yield from (
                (name, other)
                for other in group
                if other != name and pattern.fullmatch(f"{other.schema}\0{other.table}")
            )


def _broadcast(table: Table) -> str:
    """The trigger of a partitioned table runs as its partitions', so that the topic is written out."""
    name = table.name.table
    return BROADCAST.format(
        function=f"{quoted(table.name.schema)}.{quoted(f'broadcast_{name}')}",
        topic="'" + name.replace("'", "''") + "'",
        table=table.name.quoted,
        policy=quoted(f"receive changes of {name}"),
    )


RULES = (
    tables_exist,
    tables_are_tables,
    tables_logged,
    tables_published,
    tables_partitioned,
    names_distinct,
    tables_not_truncated,
)
