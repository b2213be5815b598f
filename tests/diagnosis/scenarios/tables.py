"""Scenarios of tables: publication, keys, grants, policies, names."""

from __future__ import annotations

from dataclasses import replace

from helpers.diagnosis.evidence import Evidence, TableName
from helpers.diagnosis.probes import probe_database
from helpers.diagnosis.results import Check, Status
from tests.diagnosis.scenarios.breaking import as_superuser, mended_by_superuser, nothing, sql
from tests.diagnosis.scenarios.scenario import Scenario, look_at_catalogs
from tests.diagnosis.scenarios.ward import TABLE, Ward

__all__ = ["SCENARIOS"]

CHAT = TABLE.quoted
UNPUBLISHED = f"alter publication supabase_realtime drop table {CHAT};"
#: The lab's publication put aside, so that the scenario has the name for one of its own.
ASIDE = "alter publication supabase_realtime rename to kept_aside;"
BACK = "drop publication if exists supabase_realtime; alter publication kept_aside rename to supabase_realtime"
PARTED = """
create table clinic.parted (id uuid, day date, user_id uuid, primary key (id, day)) partition by range (day);
create table clinic.part partition of clinic.parted default;
create index on clinic.parted (user_id);
alter table clinic.parted replica identity full;
grant select on clinic.parted to authenticated;
alter table clinic.parted enable row level security;
create policy own on clinic.parted for select to authenticated using (user_id = (select auth.uid()));
alter publication supabase_realtime add table clinic.parted;
"""


async def ask_for_no_such_table(ward: Ward) -> None:
    ward.table = TableName("clinic", "chat")


async def ask_for_the_table(ward: Ward, check: Check) -> None:
    assert str(TABLE.table) in check.fix or "Correct the name" in check.fix
    ward.table = TABLE


async def ask_for_a_view(ward: Ward) -> None:
    await ward.sql(f"create view clinic.seen as select * from {CHAT}; {UNPUBLISHED}")
    ward.table = TableName("clinic", "seen")


async def publish_what_is_behind(ward: Ward, check: Check) -> None:
    await ward.sql(check.fix)
    ward.table = TABLE


async def ask_for_a_partitioned_table(ward: Ward) -> None:
    ward.cleanup.push_async_callback(
        ward.superuser, 'drop policy if exists "receive changes of parted" on realtime.messages'
    )
    await ward.sql(PARTED)
    ward.table = TableName("clinic", "parted")


async def look_at_no_table(ward: Ward) -> Evidence:
    return replace(ward.healthy, database=await probe_database(ward.target, []))


async def name_the_table(ward: Ward, check: Check) -> None:
    await ward.sql(check.fix.replace('"public"."your_table"', CHAT))


SCENARIOS = (
    Scenario(
        "tables_published",
        "taken out of the publication",
        sql(f"alter publication supabase_realtime drop table {CHAT}"),
    ),
    Scenario("tables_with_primary_key", "no primary key", sql(f"alter table {CHAT} drop column id")),
    Scenario("replica_identity", "replica identity nothing", sql(f"alter table {CHAT} replica identity nothing")),
    Scenario(
        "replica_identity",
        "replica identity default",
        sql(f"alter table {CHAT} replica identity default"),
        status=Status.NOTE,
    ),
    Scenario("select_granted", "no grant on the table", sql(f"revoke all on {CHAT} from authenticated")),
    Scenario("select_granted", "no grant on the schema", sql("revoke all on schema clinic from authenticated")),
    Scenario("rls_with_policy", "row-level security without a policy", sql(f"drop policy own on {CHAT}")),
    Scenario(
        "rls_enabled",
        "row-level security off, and anon may read",
        sql(
            f"drop policy own on {CHAT}; alter table {CHAT} disable row level security;"
            f"grant usage on schema clinic to anon; grant select on {CHAT} to anon"
        ),
        status=Status.WARNING,
    ),
    Scenario("publication_there", "no publication", sql(ASIDE, BACK), look_at_catalogs),
    Scenario(
        "publication_operations",
        "without delete",
        sql(
            "alter publication supabase_realtime set (publish = 'insert, update')",
            "alter publication supabase_realtime set (publish = 'insert, update, delete, truncate')",
        ),
        status=Status.WARNING,
    ),
    Scenario(
        "publication_filled",
        "emptied by a reset",
        sql(f"{ASIDE} create publication supabase_realtime", BACK),
        look_at_no_table,
        name_the_table,
        Status.WARNING,
    ),
    Scenario(
        "publication_owner",
        "made by another role",
        lambda ward: ward.superuser("alter publication supabase_realtime owner to supabase_admin"),
        mends=mended_by_superuser,
        status=Status.WARNING,
    ),
    Scenario(
        "publication_all_tables",
        "for all tables",
        as_superuser(f"{ASIDE} create publication supabase_realtime for all tables", BACK),
        look_at_catalogs,
        mended_by_superuser,
        Status.NOTE,
    ),
    Scenario(
        "publication_lets_write",
        "a column list without the old row",
        sql(f"{UNPUBLISHED} alter publication supabase_realtime add table {CHAT} (body)"),
        look_at_catalogs,
    ),
    Scenario(
        "publication_lets_write",
        "a condition on a column that is not logged",
        sql(
            f"{UNPUBLISHED} alter table {CHAT} replica identity default;"
            f"alter publication supabase_realtime add table {CHAT} where (body <> 'secret')"
        ),
        look_at_catalogs,
    ),
    Scenario(
        "publication_plain",
        "a column list that hides nothing",
        sql(
            f"{UNPUBLISHED} alter table {CHAT} replica identity default;"
            f"alter publication supabase_realtime add table {CHAT} (id, body)"
        ),
        look_at_catalogs,
        status=Status.WARNING,
    ),
    Scenario("tables_exist", "a name as the model has it", ask_for_no_such_table, mends=ask_for_the_table),
    Scenario("tables_are_tables", "a view", ask_for_a_view, mends=publish_what_is_behind),
    Scenario("tables_logged", "an unlogged table", sql(f"{UNPUBLISHED} alter table {CHAT} set unlogged")),
    Scenario("tables_partitioned", "a partitioned table", ask_for_a_partitioned_table, look_at_catalogs),
    Scenario(
        "names_distinct",
        "an underscore that means another table too",
        sql(
            "create table clinic.user_events (id int primary key);"
            "create table clinic.userxevents (id int primary key);"
            "alter publication supabase_realtime add table clinic.user_events, clinic.userxevents"
        ),
        status=Status.WARNING,
    ),
    Scenario(
        "tables_not_truncated",
        "a function that empties the table",
        sql(
            "create function clinic.clear() returns void language plpgsql as "
            f"$$ begin truncate table {CHAT} restart identity cascade; end $$"
        ),
        status=Status.WARNING,
    ),
    Scenario("old_rows_kept", "old rows are complete", nothing, status=Status.NOTE),
    Scenario(
        "deletes_tell_little",
        "a key that says whose row it was",
        sql(
            f'alter table {CHAT} drop constraint "Chat ""room"".1_pkey";'
            f"alter table {CHAT} add primary key (id, user_id)"
        ),
        status=Status.NOTE,
    ),
    Scenario(
        "key_granted",
        "a grant without the key",
        sql(f"revoke select on {CHAT} from authenticated; grant select (user_id, body) on {CHAT} to authenticated"),
    ),
    Scenario(
        "columns_granted",
        "a grant on some columns",
        sql(f"revoke select on {CHAT} from authenticated; grant select (id, user_id) on {CHAT} to authenticated"),
        status=Status.NOTE,
    ),
    Scenario(
        "default_grants",
        "the defaults of 2026",
        nothing,
        status=Status.NOTE,
    ),
)
