"""The schema realtime: who may do what with it."""

from __future__ import annotations

import psycopg
import pytest

from helpers.lab.changes.messages import PUBLICATION
from tests.changes.conftest import Stage


async def test_owner_makes_policies_and_publishes(stage: Stage) -> None:
    """Role postgres may create policies on realtime.messages and add its tables to supabase_realtime."""
    await stage.table("notes", "id int primary key", publish=False)
    async with stage.owner.transaction(force_rollback=True):
        await stage.sql(f"create policy {stage.name} on realtime.messages for select to authenticated using (true)")
        await stage.sql("alter publication supabase_realtime add table notes")
        rows = await stage.sql(
            "select tablename from pg_publication_tables where pubname = 'supabase_realtime' and schemaname = %s",
            stage.name,
        )
        assert rows == [("notes",)]


async def test_messages_are_published_under_their_own_name(stage: Stage) -> None:
    """The publication of messages tells the partitioned table, not its partitions."""
    rows = await stage.sql("select schemaname, tablename from pg_publication_tables where pubname = %s", PUBLICATION)
    assert rows == [("realtime", "messages")]


async def test_topic(stage: Stage) -> None:
    """`realtime.topic()` is null unless a topic is set for the transaction."""
    assert await stage.sql("select realtime.topic()") == [(None,)]
    async with stage.owner.transaction():
        await stage.sql("select set_config('realtime.topic', 'room:1', true)")
        assert await stage.sql("select realtime.topic()") == [("room:1",)]
    assert await stage.sql("select realtime.topic()") == [(None,)]


async def test_policies_decide_by_topic(stage: Stage) -> None:
    """As authenticated a message can be inserted only where a policy on the topic says so."""
    insert = "insert into realtime.messages (topic, extension, event) values (%s, 'broadcast', 'e')"
    async with stage.owner.transaction(force_rollback=True):
        await stage.sql(
            f"create policy {stage.name} on realtime.messages for insert to authenticated "
            f"with check (realtime.topic() = '{stage.name}')"
        )
        await stage.sql("set local role authenticated")
        await stage.sql("select set_config('realtime.topic', %s, true)", stage.name)
        await stage.sql(insert, stage.name)
        await stage.sql("select set_config('realtime.topic', 'elsewhere', true)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await stage.sql(insert, "elsewhere")


@pytest.mark.parametrize(
    ("operation", "level", "message"),
    [
        ("INSERT", "STATEMENT", "function can only be triggered for each row, not for each statement"),
        ("TRUNCATE", "ROW", "Unexpected operation type: TRUNCATE"),
    ],
)
async def test_broadcast_changes_refuses(stage: Stage, operation: str, level: str, message: str) -> None:
    """`realtime.broadcast_changes` refuses statements and operations that have no rows."""
    call = "select realtime.broadcast_changes('t', 'e', %s, 'x', 'public', null::record, null::record, %s)"
    with pytest.raises(psycopg.errors.RaiseException, match=f"Failed to process the row: {message}"):
        await stage.sql(call, operation, level)


async def test_payload_is_json_or_bytes(stage: Stage) -> None:
    """A message cannot carry both an object and bytes."""
    with pytest.raises(psycopg.errors.CheckViolation):
        await stage.sql(
            "insert into realtime.messages (topic, extension, payload, binary_payload) values ('t', 'x', '{}', '\\x00')"
        )


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
async def test_partitions_are_not_for_clients(stage: Stage, role: str) -> None:
    """The roles of the API may not create partitions."""
    async with stage.owner.transaction(force_rollback=True):
        await stage.sql(f"set local role {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await stage.sql("select realtime.create_message_partitions(current_date, current_date)")
