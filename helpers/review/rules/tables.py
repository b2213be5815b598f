"""Rules about what migrations leave of a table: publication, replica identity, key, row-level security."""

from __future__ import annotations

from collections.abc import Iterator

from helpers.review.database.facts import ColumnFacts, TableFacts
from helpers.review.rules.reviewed import Change, Reviewed
from helpers.review.rules.rule import Found, failure, warning
from helpers.review.rules.selection import columns_of, filter_columns
from helpers.review.rules.words import listed
from helpers.review.source import Place

__all__ = ["RULES", "sql_name"]

PUBLICATION = "https://supabase.com/docs/guides/realtime/postgres-changes#replication-setup"
OLD_RECORDS = "https://supabase.com/docs/guides/realtime/postgres-changes#receiving-old-records"
APPLY_RLS = "supabase/walrus sql/walrus--0.1.sql (realtime.apply_rls)"
ADVISOR = "https://supabase.com/docs/guides/database/database-advisors?lint=0013_rls_disabled_in_public"


@failure(
    "Tables that are listened to are published",
    PUBLICATION,
    symptom="“Unable to subscribe to changes with given parameters” as a system message; after a reset of the "
    "database nothing arrives.",
    remedy="Add the table to the publication in a migration.",
    verify="`select * from pg_publication_tables where pubname = 'supabase_realtime'` names it",
    notes=(15, 16, 17, 36),
)
def table_unpublished(code: Reviewed) -> Iterator[Found]:
    """Realtime sees the tables of the publication `supabase_realtime` alone. A project whose migrations fill it has
    after each reset what they say, and nothing that was switched on by hand."""
    for facts, change in code.declared():
        if facts.published is False:
            name = sql_name(facts)
            cause = f"{name} is listened to and in no migration published: no binding of this channel delivers anything"
            fix = f"alter publication supabase_realtime add table {name};"
            yield _at(change, facts, "migrations fill supabase_realtime without it", cause, fix)


@failure(
    "Tables that are listened to have a primary key",
    APPLY_RLS,
    symptom="Changes arrive with an empty record and “Error 400: Bad Request, no primary key”.",
    remedy="Give the table a primary key.",
    verify="The record of a change has columns",
    notes=(28,),
)
def table_without_key(code: Reviewed) -> Iterator[Found]:
    """Realtime looks each changed row up by its primary key, as the subscriber, to know whether it may be shown."""
    for facts, change in code.declared():
        if facts.primary_key == () and facts.whole:
            cause = f"{sql_name(facts)} has no primary key: its changes arrive without their rows"
            fix = f"alter table {sql_name(facts)} add column id bigint generated always as identity primary key;"
            yield _at(change, facts, "no primary key in the migrations", cause, fix)


@failure(
    "Deletions are filtered by what the log has of them",
    OLD_RECORDS,
    symptom="Inserts and updates arrive, deletions never: deleted rows stay on the screen.",
    remedy="`replica identity full`, or listen to DELETE without the filter and compare the key in the handler.",
    verify="Delete a row that fits the filter: the event arrives",
    notes=(20, 22),
)
def delete_filter_identity(code: Reviewed) -> Iterator[Found]:
    """Of a deleted row the log holds its replica identity, by default the primary key. A filter on any other column
    finds nothing there to compare, and lets no deletion pass."""
    for change in code.changes:
        known = change.identity
        columns = filter_columns(change.binding.filter) & {each.name for each in _columns(change.facts)}
        if change.facts is not None and known is not None and change.deletes and columns - known:
            name = sql_name(change.facts)
            cause = f"No deletion passes the filter: the log has {listed(sorted(known)) or 'nothing'} of a deleted row"
            evidence = f"filter {change.binding.filter}; replica identity {change.facts.identity} of {name}"
            yield _at(change, change.facts, evidence, cause, f"alter table {name} replica identity full;")


@failure(
    "Handlers read of an old row what the log has of it",
    OLD_RECORDS,
    symptom="Parts of `payload.old` are undefined.",
    remedy="`replica identity full` for updates; for deletions under row-level security keep the row where it is "
    "shown, and look it up by its key.",
    verify="`payload.old` holds the column",
    notes=(20, 21),
)
def old_record_incomplete(code: Reviewed) -> Iterator[Found]:
    """Of an old row the log holds its replica identity, by default the primary key. With row-level security on, a
    deletion carries the primary key even with `full`, as nobody can be asked any more who was allowed to see the row.
    """
    for change in code.changes:
        known, columns = change.identity, {each.name for each in _columns(change.facts)}
        read = columns_of(change.handler.reads_old) & columns
        if change.facts is None or known is None or not read:
            continue
        name, key = sql_name(change.facts), set(change.facts.primary_key or ())
        if change.event == "DELETE" and change.facts.row_security and read - key:
            cause = f"Of a deleted row of {name} only {listed(sorted(key))} arrives while row-level security is on"
            first = sorted(key)[0] if key else "id"
            fix = (
                f"look {listed(sorted(read - key))} up in what is shown: rows.find((row) => row.{first} === "
                f"payload.old.{first})"
            )
        elif read - known:
            cause = (
                f"payload.old has {listed(sorted(known)) or 'nothing'}; {listed(sorted(read - known))} is "
                f"undefined in it"
            )
            fix = f"alter table {name} replica identity full;"
        else:
            continue
        evidence = f"the handler reads {listed(sorted(read))} of the old row; replica identity {change.facts.identity}"
        yield _at(change, change.facts, evidence, cause, fix)


@failure(
    "Somebody may see the rows",
    "https://supabase.com/docs/guides/database/postgres/row-level-security",
    symptom="The channel is SUBSCRIBED, and only deletions arrive.",
    remedy="Create a policy for SELECT.",
    verify="A query as the user shows the rows, and their changes arrive",
    notes=(23, 24),
)
def rls_without_policy(code: Reviewed) -> Iterator[Found]:
    """With row-level security on and no policy nobody sees a row, in queries and in changes. Keys of the server pass it
    by, and so do Prisma's roles."""
    for facts, change in code.declared(by_users=True):
        reading = [each for each in facts.policies if each.command in ("ALL", "SELECT") and each.permissive]
        if facts.row_security and not reading:
            cause = f"Row-level security of {sql_name(facts)} is on, and no policy lets anybody read: no change arrives"
            fix = f'create policy "read {facts.name}" on {sql_name(facts)} for select to authenticated using (…);'
            yield _at(change, facts, _without_select(facts), cause, fix)


@warning(
    "Tables that are listened to have row-level security",
    ADVISOR,
    symptom="Everybody with the publishable key reads the table, and receives its changes.",
    remedy="Switch row-level security on, and say by a policy who may read.",
    verify="A query with the publishable key alone shows nothing",
)
def table_without_rls(code: Reviewed) -> Iterator[Found]:
    """Without row-level security the grants alone decide, and what is granted to `anon` is open to whoever has the
    page's key."""
    protected = [each for each in code.inventory.database.tables if each.row_security]
    for facts, change in code.declared():
        if facts.row_security is False and protected:
            name = sql_name(facts)
            cause = (
                f"{name} is open to everybody who has the page's key, unlike {listed(sql_name(t) for t in protected)}"
            )
            fix = (
                f'alter table {name} enable row level security;\ncreate policy "read {facts.name}" on {name} for '
                f"select to authenticated using (…);"
            )
            yield _at(change, facts, "no migration switches row-level security on", cause, fix)


def _without_select(facts: TableFacts) -> str:
    if not facts.policies:
        return "no policy at all"
    return f"no policy for SELECT beside {listed(f'“{each.name}” for {each.command}' for each in facts.policies)}"


def sql_name(facts: TableFacts) -> str:
    parts = (facts.schema, facts.name)
    return ".".join(
        part if part.replace("_", "a").isalnum() and part == part.lower() else f'"{part}"' for part in parts
    )


def _at(change: Change, facts: TableFacts, evidence: str, cause: str, fix: str) -> Found:
    related: tuple[Place, ...] = (facts.place,) if facts.place is not None else ()
    return Found(change.binding.place, evidence, cause, fix, related)


def _columns(facts: TableFacts | None) -> tuple[ColumnFacts, ...]:
    return facts.columns if facts is not None else ()


RULES = (
    table_unpublished,
    table_without_key,
    rls_without_policy,
    table_without_rls,
    delete_filter_identity,
    old_record_incomplete,
)
