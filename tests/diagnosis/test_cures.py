"""What the catalogs alone tell of a table, to whom, and fixes that go beyond one table."""

from __future__ import annotations

import psycopg

from helpers.diagnosis import Check, Status
from helpers.diagnosis.evidence import Database, Evidence, Missing, TableName
from helpers.diagnosis.probes import probe_database
from helpers.diagnosis.rules import judge
from helpers.diagnosis.rules.live import BROADCAST_TRIGGER
from helpers.target import Target

#: Capitals, a space, a quote and a dot: whatever SQL needs quotes for.
TABLE = TableName("clinic", 'Chat "room".1')
HEALTHY = f"""
create table {TABLE.quoted} (id uuid primary key, user_id uuid, body text);
alter table {TABLE.quoted} replica identity full;
grant usage on schema clinic to authenticated;
grant select on {TABLE.quoted} to authenticated;
alter table {TABLE.quoted} enable row level security;
create policy own on {TABLE.quoted} for select to authenticated using (user_id = (select auth.uid()));
alter publication supabase_realtime add table {TABLE.quoted};
"""


async def judged(target: Target) -> dict[str, Check]:
    """All checks of that one table, from the catalogs alone."""
    nothing = Missing("the catalogs are enough")
    database = await probe_database(target, [TABLE])
    assert isinstance(database, Database)
    evidence = Evidence(nothing, nothing, nothing, nothing, nothing, database, nothing)
    return {check.id: check for check in judge(evidence)}


async def test_a_table_that_does_not_exist_is_named(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """A name without a table is a failure of its own, and nothing else is said of it."""
    checks = await judged(patient)
    assert TABLE.table in checks["tables_exist"].cause
    assert checks["tables_published"].evidence == "not checked, because there is no table to look at"


async def test_policies_for_private_channels_cure(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """Without policies on realtime.messages private channels are closed; the printed ones open them."""
    await surgeon.execute(HEALTHY)
    ill = (await judged(patient))["private_channels"]
    assert ill.status is Status.NOTE
    try:
        await surgeon.execute(ill.fix)
        assert (await judged(patient))["private_channels"].status is Status.OK
    finally:
        await surgeon.execute('drop policy "read rooms" on realtime.messages')
        await surgeon.execute('drop policy "write rooms" on realtime.messages')


async def test_a_role_without_rights_reads_what_it_may(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """A role that owns nothing still gets the catalogs; what it may not see is a note, not an end."""
    await surgeon.execute(HEALTHY)
    await surgeon.execute("create role visitor login password 'visitor-password'")
    try:
        url = str(patient.database_url).split("://")[1].split("@")[1]
        guest = Target(
            patient.kind,
            patient.api_url,
            patient.publishable_key,
            database_url=f"postgresql://visitor:visitor-password@{url}",
        )
        checks = await judged(guest)
        assert checks["tables_published"].status is Status.OK
        assert checks["wal_level"].status is Status.OK
        assert checks["role_obeys_rls"].status is Status.OK
    finally:
        await surgeon.execute("drop role visitor")


async def test_the_trigger_for_faster_delivery_broadcasts(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """The SQL that is advised against the slow poll runs as printed, and puts each change on its topic."""
    await surgeon.execute(HEALTHY)
    try:
        await surgeon.execute(BROADCAST_TRIGGER.format(table=TABLE.quoted))
        await surgeon.execute(f"insert into {TABLE.quoted} (id) values (gen_random_uuid())")  # type: ignore[arg-type]
        sent = await surgeon.execute(
            "select count(*) from realtime.messages where topic = %s", [f"table:{TABLE.table}"]
        )
        assert await sent.fetchone() == (1,)
    finally:
        await surgeon.execute("drop function broadcast_change cascade")
