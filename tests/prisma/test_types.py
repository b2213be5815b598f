"""What goes through Prisma comes back as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from helpers.prisma import SEED_ROOM, SEED_USERS, Prisma, json_type
from helpers.target import Target

ADA = SEED_USERS["ada"]


async def stored(client: Prisma, **values: Any) -> Any:
    """A message with these values, written and read again."""
    made = await client.message.create(data={"roomId": SEED_ROOM, "author": ADA, "body": "", **values})
    return await client.message.find_unique(where={"id": made.id})


@pytest.mark.parametrize(
    "price",
    ["0", "-0.000001", "0.1", "1250.5", "12345678901234.123456", "99999999999999.999999", "-99999999999999.999999"],
)
async def test_a_decimal_keeps_all_its_digits(client: Prisma, price: str) -> None:
    """numeric(20, 6) holds more digits than a double."""
    assert (await stored(client, price=Decimal(price))).price == Decimal(price)


@pytest.mark.parametrize("identity", [2**53 + 3, 2**62 + 12345, 2**63 - 1, -(2**63)])
async def test_a_big_integer_keeps_all_its_digits(client: Prisma, identity: int) -> None:
    """int8 holds more digits than a double."""
    room = await client.room.create(data={"id": identity, "name": "big"})
    assert room.id == identity
    assert (await client.room.delete(where={"id": identity})).id == identity


@pytest.mark.parametrize(
    "body",
    [
        "",
        " two  spaces ",
        'quotes " and \\ and \\n',
        "a line\nanother\r\n\tand a tab",
        "control \x01\x08\x0b\x0c\x1c\x1f\x7f end",
        "next line \x85, line separator \u2028, paragraph separator \u2029.",
        "שלום 世界 👋🏽 \U0010ffff",
        '{"$type":"BigInt","value":"1"}',
        "}) { id } mutation {",
        "x" * 300_000,
    ],
    ids=range(10),
)
async def test_text_keeps_all_its_characters(client: Prisma, body: str) -> None:
    """Quotes, control characters, Unicode's own line ends, and what looks like the engine's protocol."""
    assert (await stored(client, body=body)).body == body


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"a": [1, 2.5, None, True, {"b": "c"}]},
        {"$type": "Json", "value": "x"},
        {"line": "\u2028", "quote": '"', "backslash": "\\"},
        {"large": 2**63 - 1, "small": 1e-300},
        [],
        [1, "two"],
        "text",
        0,
        False,
    ],
    ids=range(10),
)
async def test_json_keeps_its_shape(client: Prisma, meta: Any) -> None:
    """Objects, lists and scalars; keys that look like the engine's tags too."""
    assert (await stored(client, meta=json_type(client)(meta))).meta == meta


@pytest.mark.parametrize("kind", ["TEXT", "IMAGE", "OFFER", "SYSTEM"])
async def test_an_enum_is_spoken_in_the_applications_words(client: Prisma, chat: Target, kind: str) -> None:
    """Prisma says OFFER, the database holds offer."""
    message = await stored(client, kind=kind)
    assert message.kind == kind
    [row] = await client.query_raw("select kind::text as kind from messages where id = $1", message.id)
    assert row["kind"] == kind.lower()


async def test_a_time_keeps_its_milliseconds_and_becomes_utc(client: Prisma) -> None:
    """Prisma keeps milliseconds, which is why the columns have no more."""
    moment = datetime(2026, 2, 28, 23, 59, 59, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert (await stored(client, createdAt=moment)).createdAt == moment.replace(microsecond=123000)


async def test_microseconds_of_the_database_do_not_survive_prisma(client: Prisma) -> None:
    """A row that goes through Prisma loses them, so two stores would differ: `events` has them for measuring only."""
    await client.execute_raw(
        "insert into events (room_id, seq, sent_at) values (1, 77, '2026-11-22T10:00:00.123456Z'::timestamptz)"
    )
    event = await client.event.find_first(where={"seq": 77})
    assert event.sentAt == datetime(2026, 11, 22, 10, 0, 0, 123000, tzinfo=UTC)


async def test_null_is_null(client: Prisma) -> None:
    """An optional field that was not given, and one that was given as None."""
    assert (await stored(client)).price is None
    assert (await stored(client, price=None)).price is None


async def test_relations_composite_keys_and_filters_work(client: Prisma) -> None:
    """Include, nested create, a composite key, and filters on every kind of field."""
    room = await client.room.create(
        data={
            "name": "nested",
            "members": {"create": [{"userId": ADA, "role": "OWNER"}]},
            "messages": {"create": [{"author": ADA, "body": "one", "meta": json_type(client)({"k": [1]})}]},
        },
        include={"members": True, "messages": {"where": {"body": "one"}, "order_by": {"id": "desc"}}},
    )
    assert (room.members[0].role, room.messages[0].meta) == ("OWNER", {"k": [1]})
    member = await client.member.find_unique(where={"roomId_userId": {"roomId": room.id, "userId": ADA}})
    assert member.role == "OWNER"
    json = json_type(client)
    assert (
        await client.message.count(where={"roomId": room.id, "meta": {"path": ["k"], "array_contains": json([1])}}) == 1
    )
    assert await client.message.count(where={"room": {"is": {"name": "nested"}}, "NOT": [{"kind": "OFFER"}]}) == 1
    assert await client.room.count(where={"messages": {"some": {"meta": {"equals": json({"k": [1]})}}}}) == 1
    await client.room.delete(where={"id": room.id})


async def test_raw_queries_know_the_schema_and_types_without_a_prisma_type(client: Prisma) -> None:
    """Names are found in the client's schema; name, inet[] and interval come as text."""
    [row] = await client.query_raw(
        "select current_schema() as schema, current_user as who, interval '1 day' as span, '{1.2.3.4}'::inet[] as ips,"
        " count(*) as rooms from rooms where id = $1",
        SEED_ROOM,
    )
    assert (row["schema"], row["who"], row["rooms"]) == ("prisma_chat", "postgres", 1)
    assert (row["span"], row["ips"]) == ("1 day", ["1.2.3.4"])


async def test_a_batch_is_one_transaction(client: Prisma) -> None:
    """When one part fails, no part of it is there, and the error names its kind."""
    with pytest.raises(Exception) as caught:
        async with client.batch_() as batch:
            batch.room.create(data={"name": "half"})
            batch.room.create(data={"id": SEED_ROOM, "name": "taken"})
    assert type(caught.value).__name__ == "UniqueViolationError"
    assert await client.room.count(where={"name": "half"}) == 0


async def test_an_interactive_transaction_commits_rolls_back_and_expires(client: Prisma) -> None:
    """Inside it sees its own rows, outside nobody does before the commit."""
    async with client.tx() as tx:
        room = await tx.room.create(data={"name": "tx"})
        assert await client.room.count(where={"id": room.id}) == 0
    assert await client.room.count(where={"id": room.id}) == 1
    with pytest.raises(RuntimeError):
        async with client.tx() as tx:
            await tx.room.delete(where={"id": room.id})
            raise RuntimeError
    assert (await client.room.delete(where={"id": room.id})).name == "tx"


async def test_an_expired_transaction_says_so(client: Prisma) -> None:
    """`tx()` gives up after its timeout, 5 s by default."""
    with pytest.raises(Exception) as caught:
        async with client.tx(timeout=timedelta(milliseconds=100)) as tx:
            await tx.query_raw("select 1 from pg_sleep(0.4)")
            await tx.room.count()
    assert type(caught.value).__name__ == "TransactionExpiredError"


async def test_the_client_and_sql_agree_on_every_seeded_row(client: Prisma, chat: Target) -> None:
    """All seeded messages, read through Prisma and by SQL."""
    assert chat.database_url
    through_prisma = {
        (m.id, m.roomId, m.author, m.body, m.kind.lower(), m.price, m.createdAt, m.updatedAt)
        for m in await client.message.find_many(where={"id": {"lte": 200}})
    }
    async with await psycopg.AsyncConnection.connect(chat.database_url) as connection:
        await connection.execute("set search_path to prisma_chat")
        cursor = await connection.execute(
            "select id, room_id, author::text, body, kind::text, price, created_at, updated_at"
            " from messages where id <= 200"
        )
        by_sql = set(await cursor.fetchall())
    assert len(by_sql) == 200
    assert through_prisma == by_sql
