"""What the server says of subscriptions to changes; it comes after SUBSCRIBED, as a `system` message."""

from __future__ import annotations

from helpers.diagnosis.rules.sentences.answer import Answer

__all__ = ["ANSWERS"]

SILENCE = "The status stays SUBSCRIBED, and no change ever arrives; only a `system` message says why."
VERIFY = "Subscribe again: the system message is “Subscribed to PostgreSQL”."
FILTERS = "https://supabase.com/docs/guides/realtime/postgres-changes#available-filters"
WHERE = r"schema: (?P<schema>.*?), table: (?P<table>.*?), filters:"

ANSWERS = (
    Answer(
        id="unsubscribable",
        title="What is subscribed to is published",
        words=r"(Unable to subscribe to changes with given parameters\. )?"
        rf"Please check Realtime is enabled for the given connect parameters(?:.*?{WHERE})?",
        cause="The publication supabase_realtime holds no table $schema.$table: it was not added, or its name or "
        "schema "
        "is written otherwise",
        fix="alter publication supabase_realtime add table $quoted;",
        remedy="Add the table to the publication, and write schema and table exactly as PostgreSQL has them.",
        symptom=SILENCE,
        why="All bindings of a channel are entered in one transaction: one that matches no published table silences "
        "them all. Names are compared with capitals.",
        verify=VERIFY,
        source="https://github.com/supabase/realtime/issues/307",
        follows=(
            "tables_exist",
            "tables_are_tables",
            "tables_logged",
            "tables_published",
            "tables_partitioned",
            "publication_there",
            "select_granted",
        ),
        notes=(13, 15, 17),
    ),
    Answer(
        id="filter_column",
        title="Filters name columns that may be read",
        words=rf"(?:{WHERE}.*)?invalid column for (?P<what>filter|select) (?P<column>[^\s]+)",
        cause="The column $column of the $what is not in $schema.$table, or the role may not read it",
        fix="-- if the column is there:\ngrant select on table $quoted to authenticated;\n"
        "-- else write its name as the database does (Prisma's @map names it)",
        remedy="Use the database's name of the column, and grant SELECT on it to the role.",
        symptom=SILENCE,
        why="The server checks a filter against the columns on which the role has SELECT. Since 2026 new tables come "
        "without grants; Prisma's field names are not the columns' names.",
        verify=VERIFY,
        source="https://github.com/supabase/realtime/blob/main/lib/extensions/postgres_cdc_rls/subscriptions.ex",
        follows=("select_granted",),
        notes=(15, 29, 44),
    ),
    Answer(
        id="binding_exception",
        title="The database takes the bindings",
        words=rf"An exception happened so please check your connect parameters(?!.*invalid column for)(?:.*?{WHERE})?"
        r"(?s:.*?Exception: (?P<exception>[^\n]+))?",
        cause="The database refuses the subscription to $schema.$table: $exception",
        fix="Give the filter a value of the column's type (a uuid for a uuid, true for a boolean), with an operator "
        "that "
        "the type has; `in` takes 100 values at most",
        symptom=SILENCE,
        why="Each value of a filter is cast to its column's type when the channel subscribes.",
        verify=VERIFY,
        source=FILTERS,
        follows=("select_granted",),
        notes=(15, 18),
    ),
    Answer(
        id="filter_malformed",
        title="Filters are written as the server reads them",
        words=r"Error parsing `filter` params: (?P<detail>.*)",
        cause="The server cannot read the filter, and does not try again: $detail",
        fix="Write column=operator.value: filter: 'room_id=eq.123'; operators are eq, neq, lt, lte, gt, gte, in.(1,2), "
        "like, ilike, is, match, imatch, isdistinct, each perhaps with not. before it; a comma means and",
        symptom=SILENCE,
        why="The grammar is PostgREST's, but smaller: no `or`, and the newer operators need a server of 2026.",
        verify=VERIFY,
        source=FILTERS,
        notes=(13, 18),
    ),
    Answer(
        id="select_malformed",
        title="Columns are selected as a list",
        words=r"Error parsing `select` params|Column selection is not supported for wildcard subscriptions"
        r"|No subscription params provided",
        cause="The binding cannot be used: `select` must be a list of names and needs one schema and one table, and at "
        "least a schema or a table must be there",
        fix="{ event: '*', schema: 'public', table: 'messages', select: ['id', 'body'] }",
        symptom=SILENCE,
        why="An `undefined` in JavaScript leaves the key out; a text in place of a list is not split.",
        verify=VERIFY,
        source=FILTERS,
        notes=(13, 19),
    ),
    Answer(
        id="changes_in_time",
        title="Changes are subscribed to in time",
        words="PostgresChangesSubscribeTimeout|waiting for the postgres_changes subscription",
        cause="The join waited for its subscription to changes, and the database did not enter it in time",
        fix="Join again, with more patience: config: { postgres_changes_options: { wait: true, timeout: 20000 } }",
        symptom="TIMED_OUT or CHANNEL_ERROR on a channel that asks to wait.",
        why="A cold start takes seconds, and a bad binding is tried again until the time is over.",
        verify=VERIFY,
        source="https://github.com/supabase/supabase-js/pull/2630",
        notes=(14,),
    ),
)
