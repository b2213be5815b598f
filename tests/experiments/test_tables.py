"""Tables of an experiment's own: as asked for, written to and told of, and gone afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from helpers.client import RealtimeClient
from helpers.errors import FailureError, TargetError
from helpers.experiments.tables import PREFIX, own_function, own_table
from helpers.target import Target
from helpers.wire.events import Change
from helpers.wire.join import ChangeBinding, JoinConfig

READY_S = 10


async def left_over(target: Target) -> list[str]:
    """What of ours is still in the database."""
    async with own_table(target, published=False) as probe:
        found = await probe.run(
            "select relname as name from pg_class where relkind = 'r' and relname like %s"
            " union all select proname from pg_proc where proname like %s",
            [f"{PREFIX}%", f"{PREFIX}%"],
        )
        return [row["name"] for row in found if row["name"] != probe.name]


async def test_it_is_as_asked_for(target: Target) -> None:
    """Columns, indexes, policies, replica identity, publication and rights are in the catalog."""
    async with own_table(
        target, columns={"owner": "uuid"}, indexes=("room_id, id",), policies=("owner = auth.uid()",),
        replica_identity="full", readers=("authenticated",),
    ) as table:  # fmt: skip
        (row,) = await table.run(
            """
            select relreplident = 'f' as whole, relrowsecurity as secured,
                has_table_privilege('authenticated', oid, 'select') as readable,
                has_table_privilege('anon', oid, 'select') as open,
                (select count(*) from pg_index where indrelid = c.oid) as indexes,
                (select count(*) from pg_policy where polrelid = c.oid) as policies,
                exists (select from pg_publication_tables where tablename = relname) as published
            from pg_class c where oid = %s::regclass
            """,
            [table.quoted],
        )
    assert row == {
        "whole": True, "secured": True, "readable": True, "open": False, "indexes": 2, "policies": 1, "published": True,
    }  # fmt: skip


async def test_its_changes_are_told(target: Target) -> None:
    """Whoever subscribes after the table was made gets its first row."""
    async with own_table(target) as table, RealtimeClient(target) as client:
        binding = ChangeBinding(schema=table.schema, table=table.name)
        channel = client.channel("own", JoinConfig(changes=(binding,)))
        await channel.subscribe(timeout=READY_S)
        await table.run(f"insert into {table.quoted} (seq) values (7)")
        async with asyncio.timeout(READY_S):
            async for event in channel.events():
                if isinstance(event, Change):
                    assert event.record["seq"] == 7
                    break


async def test_nothing_is_left_of_it(target: Target) -> None:
    """Neither after the block, nor after one that fails, nor after one that is cancelled, policies included."""
    with pytest.raises(ZeroDivisionError):
        async with (
            own_table(target, published=False) as members,
            own_function(target, "", f"returns bigint language sql as 'select count(*) from {members.quoted}'") as size,
            own_table(target, policies=(f"{size}() > 0",)),
        ):
            raise ZeroDivisionError

    async def hold() -> None:
        async with own_table(target):
            await asyncio.sleep(60)

    holding = asyncio.create_task(hold())
    await asyncio.sleep(0.2)
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    assert await left_over(target) == []


async def test_what_the_database_refuses_is_told_and_nothing_left(target: Target) -> None:
    """A policy with an error is the database's own sentence, and the half-made table is gone."""
    with pytest.raises(FailureError, match='column "nobody" does not exist'):
        async with own_table(target, policies=("nobody = auth.uid()",)):
            pytest.fail("a table with such a policy cannot be")
    assert await left_over(target) == []


async def test_nothing_is_made_where_nothing_may_be_written(target: Target) -> None:
    """A target that was not opened for writing is not written to."""
    with pytest.raises(TargetError, match="WORKBOOK_ALLOW_WRITES"):
        async with own_table(replace(target, writes_allowed=False)):
            pytest.fail("nothing may be made here")
