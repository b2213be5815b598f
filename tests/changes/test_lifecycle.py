"""The feed's slot: there while somebody listens, gone afterwards, made anew after failures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg

from helpers.errors import LabError
from helpers.lab.changes import ChangeFeed, Subscription, SubscriptionRefused
from tests.changes.conftest import LIMIT_S, Listener, Stage, until


async def slots(stage: Stage) -> int:
    ((count,),) = await stage.sql("select count(*) from pg_replication_slots where slot_name = %s", stage.name)
    return int(count)


async def waits_for_lock(stage: Stage) -> bool:
    """Whether the feed waits for somebody's transaction."""
    query = (
        "select count(*) from pg_locks join pg_stat_activity using (pid) where not granted and application_name like %s"
    )
    return (await stage.sql(query, "realtime_subscription_manager")) != [(0,)]


async def test_slot_comes_and_goes(stage: Stage) -> None:
    """There is a slot as soon as somebody is subscribed, none before, and none some time after the last has left."""
    await stage.restart(slot_linger_s=0.05)
    await stage.table("messages", "id int primary key")
    assert await slots(stage) == 0
    listener = await stage.listen(stage.binding("messages"))
    assert await slots(stage) == 1
    await stage.feed.unsubscribe(listener.subscription)

    async def gone() -> bool:
        return await slots(stage) == 0

    await until(gone)
    again = await stage.listen(stage.binding("messages"))
    await stage.sql("insert into messages values (1)")
    await again.received(1)


async def test_nothing_from_the_time_without_subscribers(stage: Stage) -> None:
    """What was committed while nobody was subscribed is not told to the next subscriber."""
    await stage.table("messages", "id int primary key")
    first = await stage.listen(stage.binding("messages"))
    await stage.feed.unsubscribe(first.subscription)
    await asyncio.sleep(0.05)
    await stage.sql("insert into messages values (1)")
    second = await stage.listen(stage.binding("messages"))
    await stage.sql("insert into messages values (2)")
    await second.received(1)
    assert [record["id"] for record in second.records] == [2]


async def test_log_is_not_kept(stage: Stage) -> None:
    """A subscriber whose tables do not change does not make the database keep its log."""
    await stage.table("messages", "id int primary key")
    await stage.table("other", "id int primary key, body text", publish=False)
    await stage.listen(stage.binding("messages"))
    await stage.sql("insert into other select g, repeat('x', 1000) from generate_series(1, 2000) g")
    ((written,),) = await stage.sql("select pg_current_wal_lsn()")

    async def released() -> bool:
        query = "select confirmed_flush_lsn >= %s from pg_replication_slots where slot_name = %s"
        return (await stage.sql(query, written, stage.name)) == [(True,)]

    await until(released)


async def test_connection_lost_while_polling(stage: Stage) -> None:
    """After the database ended its connections the feed goes on with a new slot."""
    await stage.table("messages", "id int primary key")
    listener = await stage.listen(stage.binding("messages"))
    assert await stage.terminate("realtime_rls") == 1
    await stage.catch_up("messages", listener)
    assert listener.records


async def test_database_away(stage: Stage) -> None:
    """A feed on a database that does not answer says so and what to do."""
    away = ChangeFeed("host=127.0.0.1 port=1 user=nobody dbname=nothing")
    try:
        await away.start()
    except LabError as error:
        assert "refused" in error.happened
    else:
        raise AssertionError("it started")
    await away.stop()


async def test_table_published_later(stage: Stage) -> None:
    """A wildcard binding follows the publication: a table published later is told after the next refresh."""
    await stage.restart(publication_refresh_s=0.05)
    await stage.table("rooms", "id int primary key")
    listener = await stage.listen({"schema": stage.name})
    await stage.table("messages", "id int primary key")
    await stage.catch_up("messages", listener)
    assert listener.changes[0]["table"] == "messages"


async def test_who_leaves_while_the_publication_changes_has_left(stage: Stage) -> None:
    """A subscription that ends while all are made anew is not brought back, and is told nothing."""
    await stage.restart(publication_refresh_s=0.02)
    await stage.table("messages", "id int primary key")
    told: list[str] = []
    leaving: list[asyncio.Task[None]] = []
    over = asyncio.Event()

    async def subscribe(republished: Callable[[object], None]) -> Subscription:
        listener = Listener()
        return await stage.feed.subscribe(
            [stage.binding("messages")], {"role": "anon"}, "anon", listener, republished
        )  # fmt: skip

    def first_hears(_: object) -> None:
        told.append("first")
        leaving.append(asyncio.create_task(stage.feed.unsubscribe(second)))

    await subscribe(first_hears)
    second = await subscribe(lambda _: told.append("second"))
    await subscribe(lambda _: over.set())
    assert stage.feed.subscribers == 3
    await stage.table("rooms", "id int primary key")
    await asyncio.wait_for(over.wait(), LIMIT_S)
    assert (told, stage.feed.subscribers) == (["first"], 2)


async def test_a_table_dropped_while_the_publication_is_read_again(stage: Stage) -> None:
    """Somebody's table that goes in the midst of a refresh costs nobody a change or the subscription."""
    await stage.restart(publication_refresh_s=0.02)
    for name in ("messages", "going"):
        await stage.table(name, "id int primary key")
    listener = await stage.listen(stage.binding("messages"))
    async with await psycopg.AsyncConnection.connect(stage.dsn, autocommit=True) as dropping:
        await dropping.execute("begin")
        await dropping.execute(f"drop table {stage.name}.going".encode())
        await until(lambda: waits_for_lock(stage))
        await stage.sql("insert into messages select generate_series(1, 20)")
        await dropping.execute("commit")
    await listener.received(20)
    await stage.catch_up("messages", listener)
    assert [record["id"] for record in listener.records][:20] == list(range(1, 21))
    assert not stage.feed.counts.failures


async def test_a_table_dropped_while_somebody_subscribes(stage: Stage) -> None:
    """Somebody's table that goes in the midst of a subscription to another does not refuse it."""
    for name in ("messages", "going"):
        await stage.table(name, "id int primary key")
    async with await psycopg.AsyncConnection.connect(stage.dsn, autocommit=True) as dropping:
        await dropping.execute("begin")
        await dropping.execute(f"drop table {stage.name}.going".encode())
        subscribing = asyncio.create_task(stage.listen(stage.binding("messages")))
        await until(lambda: waits_for_lock(stage))
        await dropping.execute("commit")
    listener = await subscribing
    await stage.sql("insert into messages values (1)")
    await listener.received(1)


async def test_no_answer_while_all_are_subscribed_anew(stage: Stage) -> None:
    """Who cannot be asked about again, as the database does not answer, goes on as before and is asked about later."""
    await stage.restart(publication_refresh_s=0.02, statement_timeout_s=0.2)
    for name in ("messages", "locked"):
        await stage.table(name, "id int primary key")
    told: list[str] = []
    with psycopg.connect(stage.dsn, autocommit=True) as locking:

        def first_hears(_: object) -> None:
            if not told:
                locking.execute("begin")
                locking.execute(f"lock table {stage.name}.locked in access exclusive mode".encode())
            told.append("first")

        first, second = Listener(), Listener()
        asked = [stage.binding("messages")], {"role": "anon"}, "anon"
        await stage.feed.subscribe(*asked, first, first_hears)
        await stage.feed.subscribe(*asked, second, lambda refusal: told.append(f"second: {refusal}"))
        await stage.table("rooms", "id int primary key")
        await until(lambda: waits_for_lock(stage))
        await stage.sql("insert into messages values (1)")
        await asyncio.gather(first.received(1), second.received(1))
        assert told == ["first"]
        locking.execute("rollback")

    async def heard() -> bool:
        return "second: None" in told

    await until(heard)


async def test_publication_made_anew(stage: Stage) -> None:
    """Dropping and creating the publication, as migrations do, does not end the stream."""
    await stage.table("messages", "id int primary key")
    listener = await stage.listen(stage.binding("messages"))
    await stage.sql(f"drop publication {stage.name}")
    await stage.sql("insert into messages values (1)")
    await asyncio.sleep(0.05)
    await stage.sql(f"create publication {stage.name} for table messages")
    await stage.catch_up("messages", listener)
    assert 1 not in [record["id"] for record in listener.records]


async def test_table_dropped(stage: Stage) -> None:
    """Changes of a table that is dropped before they are read are passed over, others of the batch are told."""
    await stage.table("messages", "id int primary key")
    await stage.table("rooms", "id int primary key")
    listener = await stage.listen({"schema": stage.name})
    async with stage.owner.transaction():
        await stage.sql("insert into rooms values (1)")
        await stage.sql("insert into messages values (1)")
        await stage.sql("drop table rooms")
    await listener.received(1)
    assert [change["table"] for change in listener.changes] == ["messages"]


async def test_column_added(stage: Stage) -> None:
    """A column added while somebody listens is part of the next change."""
    await stage.table("messages", "id int primary key")
    listener = await stage.listen(stage.binding("messages"))
    await stage.sql("insert into messages values (1)")
    await stage.sql("alter table messages add body text default 'new'")
    await stage.sql("insert into messages (id) values (2)")
    await listener.received(2)
    assert listener.records == [{"id": 1}, {"id": 2, "body": "new"}]


async def test_many_subscribers_come_and_go(stage: Stage) -> None:
    """Subscribing and leaving from many tasks at once loses nobody who stays."""
    await stage.table("messages", "id int primary key")

    async def visitor(number: int) -> Listener | None:
        listener = await stage.listen(stage.binding("messages"))
        if number % 2:
            await stage.feed.unsubscribe(listener.subscription)
            return None
        return listener

    listeners = [one for one in await asyncio.gather(*map(visitor, range(40))) if one]
    await stage.sql("insert into messages values (1)")
    for listener in listeners:
        await listener.received(1)


async def test_stop_leaves_nothing(stage: Stage) -> None:
    """A stopped feed leaves no slot and no connection."""
    await stage.table("messages", "id int primary key")
    await stage.listen(stage.binding("messages"))
    names = ["realtime_rls", "realtime_rls_evaluation", "realtime_subscription_manager"]
    assert [await stage.connections(name) for name in names] == [1, 1, 1]
    await stage.feed.stop()

    async def gone() -> bool:
        return await slots(stage) == 0 and not any([await stage.connections(name) for name in names])

    await until(gone)


async def test_a_subscriber_that_goes_at_once_spoils_nothing(stage: Stage) -> None:
    """Whoever is cancelled, at whatever moment of subscribing, leaves no subscription and a connection that works."""
    await stage.table("messages", "id int primary key, body text")
    binding = stage.binding("messages", "body=like.a%")
    for moment in range(40):
        subscribing = asyncio.create_task(stage.listen(binding, binding))
        await asyncio.sleep(moment * 0.0003)
        subscribing.cancel()
        left = await asyncio.gather(subscribing, return_exceptions=True)
        for listener in left:
            if isinstance(listener, Listener):
                await stage.feed.unsubscribe(listener.subscription)
    assert stage.feed.subscribers == 0
    listener = await stage.listen(stage.binding("messages"))
    await stage.sql("insert into messages values (1, 'a')")
    await listener.received(1)


async def test_a_crowd_is_admitted_by_few_questions(stage: Stage) -> None:
    """Who subscribes to the same while others are being asked about is admitted, or refused, together with them."""
    await stage.table("messages", "id int primary key")
    good = [stage.listen(stage.binding("messages")) for _ in range(50)]
    bad = [stage.listen(stage.binding("nothing")) for _ in range(50)]
    outcomes = await asyncio.gather(*good, *bad, return_exceptions=True)
    assert all(isinstance(refusal, SubscriptionRefused) for refusal in outcomes[50:])
    await stage.sql("insert into messages values (1)")
    for listener in outcomes[:50]:
        assert isinstance(listener, Listener)
        await listener.received(1)


async def test_one_of_a_crowd_gives_up(stage: Stage) -> None:
    """Who gives up while waiting with others for one answer leaves the others theirs."""
    await stage.table("messages", "id int primary key")
    tasks = [asyncio.create_task(stage.listen(stage.binding("messages"))) for _ in range(10)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[5].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(outcome, Listener) for outcome in outcomes) == 8
    assert stage.feed.subscribers == 8
