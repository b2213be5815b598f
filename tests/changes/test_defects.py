"""The real server's defects: each as it is by default, and turned off by its setting."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest

from helpers.lab.changes import SubscriptionRefused
from helpers.lab.realtime.limits import RateCounter
from tests.changes.conftest import ALICE, BOB, Stage, until

ON_OFF = pytest.mark.parametrize("defect", [True, False], ids=["real", "mended"])


async def commit_together(stage: Stage, *statements: str) -> None:
    """In one transaction, so that the changes are one batch."""
    async with stage.owner.transaction():
        for statement in statements:
            await stage.sql(statement)


@ON_OFF
async def test_a_failing_filter(stage: Stage, defect: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A filter that fails loses the batch for all; mended, for its own subscriber."""
    await stage.restart(drop_failing_batch=defect)
    await stage.table("lists", "id int primary key, items int[]")
    await stage.table("messages", "id int primary key")
    failing = await stage.listen(stage.binding("lists", "items=eq.{1}"))
    lists, messages = await stage.listen(stage.binding("lists")), await stage.listen(stage.binding("messages"))
    await commit_together(stage, "insert into lists values (1, '{1}')", "insert into messages values (1)")
    await stage.catch_up("messages", messages)
    assert failing.deliveries == []
    assert ([record["id"] for record in lists.records] == [1]) is not defect
    if not stage.settings.streaming:  # else a batch is what has arrived, perhaps only a part of the transaction
        assert (1 in [record["id"] for record in messages.records]) is not defect
    counts = stage.feed.counts
    assert (counts.batches_dropped > 0) is defect
    assert counts.skipped["evaluation_failed"] >= 1
    assert "failed" in caplog.text


@ON_OFF
async def test_a_failing_policy(stage: Stage, defect: bool) -> None:
    """A subscriber for whom a policy fails loses the batch for all; mended, for themselves."""
    await stage.restart(drop_failing_batch=defect)
    await stage.table("notes", "id int primary key, user_id uuid")
    await stage.table("marks", "id int primary key")
    await stage.sql("alter table notes enable row level security")
    await stage.sql("create policy own on notes for select to authenticated using (user_id = auth.uid())")
    alice = await stage.listen(stage.binding("notes"), role="authenticated", sub=ALICE)
    stranger = await stage.listen(stage.binding("notes"), role="authenticated", sub="no uuid")
    marks = await stage.listen(stage.binding("marks"))
    await stage.sql("insert into notes values (1, %s), (2, %s)", ALICE, BOB)
    await stage.catch_up("marks", marks)
    assert [record["id"] for record in alice.records] == ([] if defect else [1])
    assert stranger.deliveries == []
    assert (stage.feed.counts.batches_dropped > 0) is defect


async def test_a_failing_policy_among_many(stage: Stage) -> None:
    """Mended, each row that a failing policy hides from somebody is counted once, and all others are told."""
    await stage.restart(drop_failing_batch=False)
    await stage.table("notes", "id int primary key, divisor int")
    await stage.sql("alter table notes enable row level security")
    await stage.sql(
        "create policy odd on notes for select to authenticated "
        "using (case when auth.uid() is not null then 1 / divisor > 0 end)"
    )
    viewers = [
        await stage.listen(stage.binding("notes"), role="authenticated", sub=sub) for sub in (ALICE, BOB, "no uuid")
    ]
    await stage.sql("insert into notes select g, case when g in (3, 8) then 0 else 1 end from generate_series(1, 9) g")
    for viewer in viewers[:2]:
        await viewer.received(7)
        assert [record["id"] for record in viewer.records] == [1, 2, 4, 5, 6, 7, 9]
    assert viewers[2].deliveries == []
    assert stage.feed.counts.skipped["evaluation_failed"] == 2 + 2 + 9


async def test_policies_are_asked_again_after_failures(stage: Stage) -> None:
    """A policy that failed, however often, is asked anew as soon as the one for whom it failed has left."""
    await stage.table("notes", "id int primary key, user_id uuid")
    await stage.table("marks", "id int primary key")
    await stage.sql("alter table notes enable row level security")
    await stage.sql("create policy own on notes for select to authenticated using (user_id = auth.uid())")
    alice = await stage.listen(stage.binding("notes"), role="authenticated", sub=ALICE)
    for number in range(8):  # so often that the driver has prepared statements of its own
        await stage.sql("insert into notes values (%s, %s)", number, ALICE)
        await alice.received(number + 1)
    stranger = await stage.listen(stage.binding("notes"), role="authenticated", sub="no uuid")
    marks = await stage.listen(stage.binding("marks"))
    await stage.sql("insert into notes values (100, %s)", ALICE)
    await stage.catch_up("marks", marks)
    await stage.feed.unsubscribe(stranger.subscription)
    await stage.sql("insert into notes values (101, %s)", ALICE)
    assert [change["record"]["id"] for change in await alice.received(9)] == [*range(8), 101]


@pytest.mark.parametrize("filter", ["items=is.null", "id=eq.2,items=eq.{1}", "items=eq.{1},id=eq.2"])
async def test_every_condition_is_evaluated(stage: Stage, filter: str) -> None:
    """A condition that fails loses the batch, also where another one has decided already, and `is` too on arrays."""
    await stage.table("lists", "id int primary key, items int[]")
    await stage.table("marks", "id int primary key")
    failing, lists = await stage.listen(stage.binding("lists", filter)), await stage.listen(stage.binding("lists"))
    marks = await stage.listen(stage.binding("marks"))
    await stage.sql("insert into lists values (1, '{1}')")
    await stage.catch_up("marks", marks)
    assert failing.deliveries == lists.deliveries == []


async def test_lists_of_a_publication_are_not_heeded(stage: Stage) -> None:
    """As wal2json takes of a publication its tables and operations only, all rows and all columns are sent."""
    await stage.table("notes", "id int primary key, body text, twice int generated always as (id * 2) stored")
    await stage.sql(f"alter publication {stage.name} drop table notes")
    await stage.sql(f"alter publication {stage.name} add table notes (id) where (id > 100)")
    listener = await stage.listen(stage.binding("notes"))
    await stage.sql("insert into notes values (1, 'a')")
    await listener.received(1)
    assert listener.records == [{"id": 1, "body": "a", "twice": 2}]
    await stage.sql(f"alter publication {stage.name} set (publish = 'update')")
    await stage.sql("insert into notes values (2, 'b')")
    await stage.sql("update notes set body = 'c' where id = 1")
    await listener.received(2)
    assert [change["type"] for change in listener.changes] == ["INSERT", "UPDATE"]


async def test_in_of_nothing(stage: Stage) -> None:
    """No value is in an empty list, null neither, so `not.in.()` lets everything through."""
    await stage.table("notes", "id int primary key, body text")
    nothing = await stage.listen(stage.binding("notes", "body=in.()"))
    everything = await stage.listen(stage.binding("notes", "body=not.in.()"))
    await stage.sql("insert into notes values (1, null), (2, 'a')")
    await everything.received(2)
    assert nothing.deliveries == []


@ON_OFF
async def test_above_the_event_rate(stage: Stage, defect: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Above the rate changes are dropped, counted and logged; mended, they are delivered."""
    await stage.restart(drop_above_rate=defect)
    rate = RateCounter(1.0, tick_s=0.02)
    stage.feed.limit(rate)
    await stage.table("messages", "id int primary key")
    listener = await stage.listen(stage.binding("messages"))
    await stage.sql("insert into messages select generate_series(1, 100)")
    await listener.received(100)

    async def exceeded() -> bool:
        return rate.exceeded

    await until(exceeded)
    with caplog.at_level(logging.WARNING):
        await stage.sql("insert into messages values (1000)")
        if defect:
            await until(lambda: skipped(stage, "rate_limited"))
            assert "nobody is told" in caplog.text
        else:
            await listener.received(101)
    assert (1000 in [record["id"] for record in listener.records]) is not defect
    rate.stop()


async def skipped(stage: Stage, reason: str) -> bool:
    return stage.feed.counts.skipped[reason] > 0


async def test_a_cold_start(stage: Stage) -> None:
    """The first subscriber waits for the feed to start, the next does not, unless nobody was there for long."""
    await stage.restart(cold_start_s=(0.3, 0.3), warm_for_s=0.0)
    await stage.table("messages", "id int primary key")
    began = time.monotonic()
    first = await stage.listen(stage.binding("messages"))
    assert time.monotonic() - began >= 0.3
    second = await stage.listen(stage.binding("messages"))
    assert stage.feed.counts.cold_starts == 1
    for listener in (first, second):
        await stage.feed.unsubscribe(listener.subscription)
    await asyncio.sleep(0.01)
    await stage.listen(stage.binding("messages"))
    assert stage.feed.counts.cold_starts == 2


async def test_no_cold_start(stage: Stage) -> None:
    """Mended, nobody waits."""
    await stage.restart(cold_start_s=(0, 0))
    await stage.table("messages", "id int primary key")
    await stage.listen(stage.binding("messages"))
    assert stage.feed.counts.cold_starts == 0


@ON_OFF
async def test_a_table_published_later(stage: Stage, defect: bool) -> None:
    """A wildcard misses a table that is published while it listens, for a minute; mended, it does not."""
    await stage.restart(publication_refresh_s=60.0 if defect else 0.0)
    await stage.table("rooms", "id int primary key")
    listener = await stage.listen({"schema": stage.name})
    await stage.table("messages", "id int primary key")
    if defect:
        await stage.sql("insert into messages values (1)")
        await stage.sql("insert into rooms values (1)")
        await listener.received(1)
    else:
        await stage.catch_up("messages", listener)
    assert listener.changes[0]["table"] == ("rooms" if defect else "messages")


async def test_a_changed_publication_is_told(stage: Stage) -> None:
    """When the publication's tables change everybody is subscribed anew and hears of it; who cannot be is out."""
    await stage.restart(publication_refresh_s=0.0)
    told: dict[str, list[SubscriptionRefused | None]] = {"rooms": [], "messages": []}

    async def listen(table: str, batches: list[Any]) -> None:
        await stage.feed.subscribe([stage.binding(table)], {"role": "anon"}, "anon", batches.append, told[table].append)

    for table in told:
        await stage.table(table, "id int primary key")
    rooms: list[Any] = []
    messages: list[Any] = []
    await stage.listen(stage.binding("rooms"))
    await until(lambda: both_published(stage))
    await listen("rooms", rooms)
    await listen("messages", messages)
    await stage.sql(f"alter publication {stage.name} drop table messages")

    async def both_told() -> bool:
        return all(told.values())

    await until(both_told)
    assert told["rooms"] == [None]
    (refusal,) = told["messages"]
    assert refusal is not None and "Please check Realtime is enabled" in refusal.message
    assert stage.feed.subscribers == 2


async def both_published(stage: Stage) -> bool:
    """Both tables were there before anybody listened, so the first look finds both."""
    return stage.feed.counts.publication_changes == 1


@ON_OFF
async def test_an_underscore_in_a_name(stage: Stage, defect: bool, caplog: pytest.LogCaptureFixture) -> None:
    """An underscore in a table's name is a wildcard, which is counted and logged; mended, it means itself."""
    await stage.restart(names_are_patterns=defect)
    await stage.table("user_events", "id int primary key")
    await stage.table('"userXevents"', "id int primary key")
    listener = await stage.listen(stage.binding("user_events"))
    await stage.sql('insert into "userXevents" values (1)')
    await stage.sql("insert into user_events values (2)")
    await listener.received(2 if defect else 1)
    assert [change["table"] for change in listener.changes] == ["userXevents", "user_events"][not defect :]
    assert stage.feed.counts.misnamed_tables == int(defect)
    assert ('"userXevents" are sent to who asked for' in caplog.text) is defect


async def test_wildcards_are_meant(stage: Stage) -> None:
    """Who asks for all tables, or for one by its name, gets none that were not asked for."""
    await stage.restart()
    await stage.table("user_events", "id int primary key")
    await stage.listen({"schema": stage.name})
    await stage.listen({"schema": "*", "table": "user_events"})
    assert stage.feed.counts.misnamed_tables == 0
