"""Rules about the publication: that it is there, and what it says for all of its tables."""

from __future__ import annotations

from helpers.diagnosis.evidence import Database, Table
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning
from helpers.diagnosis.rules.sql import names, per_table, quoted

__all__ = ["RULES"]

POSTGRES_CHANGES = "https://supabase.com/docs/guides/realtime/postgres-changes"
PUBLICATIONS = "https://www.postgresql.org/docs/current/sql-createpublication.html"
OPERATIONS = ("insert", "update", "delete")
#: Takes a table out of the publication and puts it in again, without a list and a condition.
PLAIN = "alter publication supabase_realtime drop table {};\nalter publication supabase_realtime add table {};"


@rule(
    "The publication supabase_realtime is there",
    needs.database,
    "https://github.com/supabase/supabase/issues/10159",
    symptom="No change of any table arrives; `system` messages say “Unable to subscribe to changes”.",
    remedy="Create the publication, with the tables whose changes are to be sent, in a migration.",
    verify="pg_publication has a row supabase_realtime",
    notes=(17,),
)
def publication_there(database: Database) -> Verdict:
    """Realtime sends changes of the tables in this one publication. A reset of the database, a restore or a tool that
    made its own publication can leave a project without it."""
    if database.publication.exists:
        return ok("in pg_publication")
    cause = "There is no publication supabase_realtime: no change of any table is sent"
    tables = [table for table in database.tables if table.kind == "table" and table.exists and table.logged]
    wanted = f" for table {', '.join(table.name.quoted for table in tables)}" if tables else ""
    return failure("not in pg_publication", cause, f"create publication supabase_realtime{wanted};")


@rule(
    "The publication has all operations",
    needs.database,
    PUBLICATIONS,
    symptom="One kind of change never arrives, DELETE say, while the others do.",
    remedy="Publish insert, update and delete.",
    verify="pubinsert, pubupdate and pubdelete are true in pg_publication",
    notes=(15,),
)
def publication_operations(database: Database) -> Verdict:
    """A publication names the operations that it sends. What it leaves out, PostgreSQL never hands to Realtime."""
    publication = database.publication
    missing = [name for name in OPERATIONS if name not in publication.operations]
    if not publication.exists or not missing:
        return ok(", ".join(publication.operations) or "there is no publication")
    cause = f"The publication leaves out {', '.join(missing)}, whose changes are not sent"
    fix = "alter publication supabase_realtime set (publish = 'insert, update, delete, truncate');"
    return warning(f"publishes {', '.join(publication.operations) or 'nothing'}", cause, fix)


@rule(
    "The publication has tables",
    needs.database,
    "https://github.com/supabase/cli/issues/2214",
    symptom="SUBSCRIBED, and no change ever; after `supabase db reset` what worked before does not.",
    remedy="Add the tables in a migration: the publication's tables are not part of `supabase db diff`.",
    verify="pg_publication_tables has rows of supabase_realtime",
    follows=("tables_published",),
    notes=(15, 17),
)
def publication_filled(database: Database) -> Verdict:
    """The publication starts empty, and a reset empties it again: a table that was switched on in the dashboard is
    remembered nowhere but in the database."""
    if database.publication.tables or not database.publication.exists:
        return ok(f"{database.publication.tables} tables")
    cause = "The publication is empty: no change of any table is sent (Broadcast and Presence do not need it)"
    tables = [table for table in database.tables if table.exists] or None
    add = "alter publication supabase_realtime add table {};"
    fix = per_table(tables, add) if tables else add.replace("{}", '"public"."your_table"')
    return warning("no table in it", cause, fix)


@rule(
    "Who owns the tables may publish them",
    needs.database,
    "https://github.com/supabase/cli/issues/3070",
    symptom="A migration ends with “must be owner of publication supabase_realtime”.",
    remedy="Let the role that runs migrations own the publication.",
    verify="A migration can run `alter publication supabase_realtime add table …`",
    notes=(17,),
)
def publication_owner(database: Database) -> Verdict:
    """To add a table one must own both the table and the publication. When another role made the publication, in the
    dashboard say, migrations cannot change it."""
    publication = database.publication
    owns = [table for table in database.tables if table.owner == database.role]
    if not publication.exists or publication.ours or publication.all_tables or not owns:
        return ok(f"it belongs to {publication.owner}" if publication.exists else "there is no publication")
    cause = f"{database.role} owns tables and may not publish them: the publication belongs to {publication.owner}"
    fix = f"-- as {publication.owner}, or as a superuser:\n"
    return warning(
        f"owner {publication.owner}",
        cause,
        fix + f"alter publication supabase_realtime owner to {quoted(database.role)};",
    )


@rule(
    "The publication names its tables",
    needs.database,
    PUBLICATIONS,
    symptom="UPDATE and DELETE fail on a table without a key that nobody wanted to publish; the poll takes long.",
    remedy="Make the publication anew with the tables that are needed.",
    verify="puballtables is false in pg_publication",
)
def publication_all_tables(database: Database) -> Verdict:
    """A publication FOR ALL TABLES holds also those that nobody subscribes to, Supabase's own among them. All their
    changes are decoded, and PostgreSQL refuses UPDATE and DELETE on each that has no replica identity."""
    if not database.publication.all_tables:
        return ok(f"{database.publication.tables} tables, each added by name")
    tables = [table.name.quoted for table in database.tables if table.kind == "table" and table.exists]
    wanted = ", ".join(tables) or '"public"."your_table"'
    fix = (
        "begin;\ndrop publication supabase_realtime;\n"
        f"create publication supabase_realtime for table {wanted};\n"
        f"alter publication supabase_realtime owner to {quoted(database.role)};\ncommit;"
    )
    cause = "Every table is published: all changes are decoded, and tables without a key refuse UPDATE and DELETE"
    return note("made FOR ALL TABLES", cause, fix)


@rule(
    "The publication lets tables be changed",
    needs.published_tables,
    PUBLICATIONS,
    symptom="UPDATE and DELETE fail: “Column list used by the publication does not cover the replica identity”.",
    remedy="Add the table without a column list and without a condition.",
    verify="An UPDATE of the table succeeds",
    follows=("replica_identity", "tables_with_primary_key"),
)
def publication_lets_write(tables: tuple[Table, ...]) -> Verdict:
    """A column list must hold the replica identity, and a condition may look at nothing else. PostgreSQL checks this
    not when the table is added, but at each UPDATE and DELETE, which it refuses."""
    blocked = [table for table in tables if _blocks(table)]
    if not blocked:
        return ok(f"{names(tables)}: UPDATE and DELETE are possible")
    cause = (
        f"PostgreSQL refuses UPDATE and DELETE on {names(blocked)}: its list or condition misses the replica identity"
    )
    return failure(_limits(blocked), cause, per_table(blocked, PLAIN))


@rule(
    "The publication hides nothing",
    needs.published_tables,
    POSTGRES_CHANGES,
    symptom="Columns or rows that the publication leaves out arrive all the same.",
    remedy="Hide columns by grants, and rows by row-level security; add the table without list and condition.",
    verify="prattrs and prqual are null in pg_publication_rel",
    follows=("publication_lets_write",),
)
def publication_plain(tables: tuple[Table, ...]) -> Verdict:
    """Column lists and conditions are for PostgreSQL's own replication. Realtime decodes with wal2json, which takes
    the names of tables from the publication and nothing else: what was meant to be hidden is sent."""
    limited = [table for table in tables if table.published_columns is not None or table.row_filter]
    if not limited:
        return ok("no column list and no condition")
    cause = f"The publication's column list or condition on {names(limited)} does not hide anything from subscribers"
    return warning(_limits(limited), cause, per_table(limited, PLAIN))


def _blocks(table: Table) -> bool:
    every = [column.name for column in table.columns]
    identity = every if table.identity is None else list(table.identity)
    listed_columns = every if table.published_columns is None else table.published_columns
    looked_at = [name for name in every if quoted(name) in table.row_filter or name in _words(table.row_filter)]
    return not set(identity) <= set(listed_columns) or not set(looked_at) <= set(identity)


def _words(text: str) -> set[str]:
    return set("".join(sign if sign.isalnum() or sign == "_" else " " for sign in text).split())


def _limits(tables: list[Table]) -> str:
    return listed(
        f"{table.name}: columns {', '.join(table.published_columns or ('all',))}"
        + (f", where {table.row_filter}" if table.row_filter else "")
        for table in tables
    )


RULES = (
    publication_there,
    publication_operations,
    publication_filled,
    publication_owner,
    publication_all_tables,
    publication_lets_write,
    publication_plain,
)
