"""Bindings that are refused, in the words of a recorded genuine server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio

from helpers.lab.changes import SubscriptionRefused
from tests.changes.conftest import Stage

NO_PARAMS = "No subscription params provided. Please provide at least a `schema` or `table` to subscribe to: "
HUNDRED_AND_ONE = ",".join(map(str, range(101)))

# The first element of a case is the entry of `config.postgres_changes`, with {schema} where a schema's name stands.
UNREADABLE = [
    ({}, NO_PARAMS + "%{}"),
    (
        {"event": "*", "schema": "public", "filter": "room_id=eq.1"},
        NO_PARAMS + '%{"event" => "*", "filter" => "room_id=eq.1", "schema" => "public"}',
    ),
    (
        {"event": "*", "schema": "public", "table": 5},
        NO_PARAMS + '%{"event" => "*", "schema" => "public", "table" => 5}',
    ),
    (
        {"schema": None, "table": "x", "filter": {"a": [True, None, 1.5]}},
        NO_PARAMS + '%{"filter" => %{"a" => [true, nil, 1.5]}, "schema" => nil, "table" => "x"}',
    ),
    ({"schema": "s", "filter": "a=eq.1", "user_token": "secret"}, NO_PARAMS + "<redacted>"),
    ({"filter": "undefined"}, 'Error parsing `filter` params: ["undefined"]'),
    ({"filter": "room_id=foo.1"}, 'Error parsing `filter` params: ["foo", "1"]'),
    ({"filter": "room_id=in.1,2"}, "Error parsing `filter` params: `in` filter value must be wrapped by parentheses"),
    (
        {"filter": "room_id=gt.0,"},
        "Error parsing `filter` params: filter must not contain empty segments (check for extra commas)",
    ),
    (
        {"select": "id"},
        'Error parsing `select` params: expected a list of column name strings, e.g. select: ["col1", "col2"]',
    ),
    (
        {"table": "*", "select": ["id"]},
        "Column selection is not supported for wildcard subscriptions. Provide an explicit schema and table name.",
    ),
]

UNKNOWN = [
    ({"table": "nosuch"}, "table: nosuch"),
    ({"table": "not_published"}, "table: not_published"),
    ({"schema": "nosuch"}, "schema: nosuch"),
]

# Entry, how the message shows filters and select, the exception.
WRONG = [
    (
        {"filter": "=eq.1"},
        'filters: [{"", "eq", "1", false}], select: nil',
        "ERROR P0001 (raise_exception) invalid column for filter ",
    ),
    (
        {"filter": "room_id=in.( 1, x)"},
        'filters: [{"room_id", "in", "{ 1, x}", false}], select: nil',
        'ERROR 22P02 (invalid_text_representation) invalid input syntax for type bigint: "x"',
    ),
    (
        {"filter": "nosuch=eq.1"},
        'filters: [{"nosuch", "eq", "1", false}], select: nil',
        "ERROR P0001 (raise_exception) invalid column for filter nosuch",
    ),
    (
        {"filter": "room_id=eq.abc"},
        'filters: [{"room_id", "eq", "abc", false}], select: nil',
        'ERROR 22P02 (invalid_text_representation) invalid input syntax for type bigint: "abc"',
    ),
    (
        {"filter": "author=is.foo"},
        'filters: [{"author", "is", "foo", false}], select: nil',
        "ERROR P0001 (raise_exception) invalid value for is filter: must be null, true, false, or unknown",
    ),
    (
        {"filter": "author=not.is.true"},
        'filters: [{"author", "is", "true", true}], select: nil',
        "ERROR P0001 (raise_exception) is true filter requires a boolean column, got uuid",
    ),
    (
        {"filter": "room_id=like.1%"},
        'filters: [{"room_id", "like", "1%", false}], select: nil',
        "ERROR P0001 (raise_exception) operator like requires a text-compatible column type, got bigint",
    ),
    (
        {"filter": "short=ilike.a%"},
        'filters: [{"short", "ilike", "a%", false}], select: nil',
        "ERROR P0001 (raise_exception) operator ilike requires a text-compatible column type, got character varying",
    ),
    (
        {"filter": "body=match.["},
        'filters: [{"body", "match", "[", false}], select: nil',
        "ERROR P0001 (raise_exception) invalid regular expression for match filter: invalid regular expression: "
        "brackets [] not balanced",
    ),
    (
        {"filter": f"room_id=in.({HUNDRED_AND_ONE})"},
        f'filters: [\n  {{"room_id", "in",\n   "{{{HUNDRED_AND_ONE}}}",\n   false}}\n], select: nil',
        "ERROR P0001 (raise_exception) too many values for `in` filter. Maximum 100",
    ),
    (
        {"select": ["id", "nope"]},
        'filters: [], select: ["id", "nope"]',
        "ERROR P0001 (raise_exception) invalid column for select nope",
    ),
]


@pytest_asyncio.fixture
async def tables(stage: Stage) -> AsyncIterator[Stage]:
    columns = "id bigint primary key, room_id bigint, body text, author uuid, short varchar(20), secret text"
    await stage.table("messages", columns)
    await stage.table("not_published", "id int primary key", publish=False)
    yield stage


def entry(stage: Stage, given: Mapping[str, Any]) -> dict[str, Any]:
    return {"event": "*", "schema": stage.name, "table": "messages"} | dict(given)


async def refusal(stage: Stage, *entries: Mapping[str, Any]) -> SubscriptionRefused:
    with pytest.raises(SubscriptionRefused) as refused:
        await stage.listen(*map(dict, entries))
    return refused.value


@pytest.mark.parametrize(("given", "message"), UNREADABLE)
async def test_unreadable(tables: Stage, given: dict[str, Any], message: str) -> None:
    """A binding that cannot be read is refused without asking the database, and not tried again."""
    complete = given if message.startswith(NO_PARAMS) else entry(tables, given)
    error = await refusal(tables, complete)
    assert (error.message, error.retriable) == (message, False)


@pytest.mark.parametrize(("given", "shown"), UNKNOWN)
async def test_unknown_table(tables: Stage, given: dict[str, Any], shown: str) -> None:
    """A table that is not published is refused with the parameters."""
    binding = entry(tables, given)
    error = await refusal(tables, binding)
    parameters = f"event: *, schema: {binding['schema']}, table: {binding['table']}, filters: [], select: nil"
    assert shown in parameters
    assert error.message == (
        "Unable to subscribe to changes with given parameters. Please check Realtime is enabled for the given "
        f"connect parameters: [{parameters}]"
    )


@pytest.mark.parametrize(("given", "shown", "exception"), WRONG)
async def test_wrong_filter_or_select(tables: Stage, given: dict[str, Any], shown: str, exception: str) -> None:
    """A column, value or operator that does not fit is refused with the database's words."""
    error = await refusal(tables, entry(tables, given))
    assert error.message == (
        "Unable to subscribe to changes with given parameters. An exception happened so please check your connect "
        f"parameters: [event: *, schema: {tables.name}, table: messages, {shown}]. Exception: {exception}"
    )


async def test_column_without_privilege(tables: Stage) -> None:
    """A filter on a column that the role may not select is refused as if there were no such column."""
    await tables.sql("revoke select on messages from anon")
    await tables.sql("grant select (id, body) on messages to anon")
    error = await refusal(tables, entry(tables, {"filter": "secret=eq.x"}))
    assert error.message.endswith("(raise_exception) invalid column for filter secret")


async def test_unknown_role(tables: Stage) -> None:
    """A token whose role the database does not know is refused."""
    told = r'ERROR 42704 \(undefined_object\) role "nobody_here" does not exist'
    with pytest.raises(SubscriptionRefused, match=told):
        await tables.listen(entry(tables, {}), role="nobody_here")


async def test_one_bad_binding_refuses_all(tables: Stage) -> None:
    """One bad binding leaves none of its channel's bindings subscribed."""
    await refusal(tables, entry(tables, {}), entry(tables, {"table": "nosuch"}))
    listener = await tables.listen(entry(tables, {}))
    await tables.sql("insert into messages (id) values (1)")
    await listener.received(1)
    assert len(listener.deliveries[0].ids) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"filter": ""},
        {"filter": "   "},
        {"filter": "room_id=in.()"},
        {"filter": f"room_id=in.({HUNDRED_AND_ONE.removesuffix(',100')})"},
        {"filter": "room_id=gt.0,id=not.lt.100000"},
        {"select": []},
        {"select": [1, None]},
        {"foo": "bar"},
    ],
)
async def test_accepted(tables: Stage, given: dict[str, Any]) -> None:
    """Empty filters, a hundred values, combined conditions and extra keys are taken."""
    listener = await tables.listen(entry(tables, given))
    assert len(listener.subscription.ids) == 1


async def test_null_entries_are_passed_over(tables: Stage) -> None:
    """Null among the bindings is no binding."""
    listener = await tables.listen(entry(tables, {}))
    subscription = await tables.feed.subscribe([None, entry(tables, {})], {"role": "anon"}, "anon", listener)
    assert subscription.ids == listener.subscription.ids


async def test_connection_lost(tables: Stage) -> None:
    """A connection that the database closed is made anew for the next subscription."""
    assert await tables.terminate("realtime_subscription_manager") == 1
    listener = await tables.listen(entry(tables, {}))
    await tables.sql("insert into messages (id) values (1)")
    await listener.received(1)
