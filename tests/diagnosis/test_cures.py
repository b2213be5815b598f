"""Break a table in the lab, see the rule fire, run the fix as it is printed, see the rule content."""

from __future__ import annotations

import psycopg
import pytest

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
BARE = f"alter policy own on {TABLE.quoted} using (user_id = auth.uid())"

#: rule, what breaks a healthy table
BREAKS = [
    ("tables_published", f"alter publication supabase_realtime drop table {TABLE.quoted}"),
    ("tables_with_primary_key", f"alter table {TABLE.quoted} drop column id"),
    ("replica_identity", f"alter table {TABLE.quoted} replica identity nothing"),
    ("replica_identity", f"alter table {TABLE.quoted} replica identity default"),
    ("select_granted", f"revoke all on {TABLE.quoted} from authenticated"),
    ("select_granted", "revoke all on schema clinic from authenticated"),
    ("rls_with_policy", f"drop policy own on {TABLE.quoted}"),
    (
        "rls_enabled",
        f"alter table {TABLE.quoted} disable row level security; grant usage on schema clinic to anon;"
        f"grant select on {TABLE.quoted} to anon",
    ),
    ("policies_wrapped", BARE),
    (
        "enum_names",
        f'create type clinic."RoomKind" as enum (\'A\'); alter table {TABLE.quoted} add kind clinic."RoomKind"',
    ),
]


async def judged(target: Target) -> dict[str, Check]:
    """All checks of that one table, from the catalogs alone."""
    nothing = Missing("the catalogs are enough")
    database = await probe_database(target, [TABLE])
    assert isinstance(database, Database)
    evidence = Evidence(nothing, nothing, nothing, nothing, nothing, database, nothing)
    return {check.id: check for check in judge(evidence)}


TABLE_RULES = {rule_id for rule_id, _ in BREAKS} | {"tables_exist", "exact_numbers"}


@pytest.mark.parametrize(("rule_id", "breaks"), BREAKS)
async def test_the_printed_fix_cures(
    patient: Target, surgeon: psycopg.AsyncConnection, rule_id: str, breaks: str
) -> None:
    """Of the table rules exactly the one fires that is meant, and its own SQL makes it pass."""
    await surgeon.execute(HEALTHY)
    await surgeon.execute(breaks)
    ill = await judged(patient)
    bad = {name for name in TABLE_RULES if ill[name].status in (Status.FAILURE, Status.WARNING)}
    assert bad == {rule_id}
    await surgeon.execute(ill[rule_id].fix)
    assert (await judged(patient))[rule_id].status is Status.OK


async def test_a_healthy_table_gives_no_finding(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """Quoted names and all, a table that is set up well is left alone."""
    await surgeon.execute(HEALTHY)
    checks = await judged(patient)
    assert {name: checks[name].status for name in TABLE_RULES} == dict.fromkeys(TABLE_RULES, Status.OK)


async def test_a_table_that_does_not_exist_is_named(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """A name without a table is a failure of its own, and nothing else is said of it."""
    checks = await judged(patient)
    assert TABLE.table in checks["tables_exist"].cause
    assert checks["tables_published"].evidence == "not checked, because there is no table to look at"


async def test_policies_for_private_channels_cure(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """Without policies on realtime.messages private channels are closed; the printed ones open them."""
    await surgeon.execute(HEALTHY)
    ill = (await judged(patient))["private_channels"]
    assert ill.status is Status.WARNING
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
