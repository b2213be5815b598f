"""Changes of the database, as the official clients hear them."""

from __future__ import annotations

import uuid

import psycopg
import pytest

from helpers.lab import Lab
from tests.official.clients import Binding, Change
from tests.official.conftest import Connect, ConnectJavaScript, ConnectPython

#: What the Python client says of itself.
pytestmark = pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning")

PASSWORD = "correct horse"

#: What a change of `room` says: (type, number in the new row, number in the old one).
Seen = tuple[str, object, object]


def seen(change: Change) -> Seen:
    return change.type, change.new.get("number"), change.old.get("number")


async def test_every_event(connect: Connect, owner: psycopg.AsyncConnection, room: int, topic: str) -> None:
    """Each of four bindings hears its own kind of change, with the new row and, as the table keeps it, the old one."""
    bindings = [
        Binding(event, table="items", filter=f"room=eq.{room}") for event in ("INSERT", "UPDATE", "DELETE", "*")
    ]
    channel = await (await (await connect()).channel(topic, changes=bindings)).ready()
    await owner.execute("insert into items (room, number) values (%s, 1)", (room,))
    await owner.execute("update items set number = 2 where room = %s", (room,))
    await owner.execute("delete from items where room = %s", (room,))
    heard = await channel.take("change", 6)
    every = [("INSERT", 1, None), ("UPDATE", 2, 1), ("DELETE", None, 2)]
    assert [seen(change) for change in heard if change.binding == 3] == every
    assert [seen(change) for change in heard if change.binding != 3] == every
    assert [change.binding for change in heard if change.binding != 3] == [0, 1, 2]


#: A filter, and the numbers of the rows of ROWS that it passes.
FILTERS = {
    "number=eq.3": {3},
    "number=neq.3": {1, 2, 4, 5},
    "number=lt.3": {1, 2},
    "number=lte.3": {1, 2, 3},
    "number=gt.3": {4, 5},
    "number=gte.3": {3, 4, 5},
    "number=in.(1,5,7)": {1, 5},
    "body=like.a%": {1, 2},
    "body=ilike.a%": {1, 2, 3},
    "body=match.^[ab]": {1, 2, 4},
    "body=imatch.^[ab]": {1, 2, 3, 4},
    "body=is.null": {5},
    "flag=is.true": {1, 3},
    "body=isdistinct.apple": {2, 3, 4, 5},
    "number=not.eq.3": {1, 2, 4, 5},
    "number=not.in.(1,5)": {2, 3, 4},
    "body=not.is.null": {1, 2, 3, 4},
    "body=not.like.a%": {3, 4},
    "number=gt.1,number=lt.5,flag=is.false": {2, 4},
    'body=eq."ant, small"': {2},
    'body=in.("ant, small",bee)': {2, 4},
}
ROWS = [(1, "apple", True), (2, "ant, small", False), (3, "Axe", True), (4, "bee", False), (5, None, None)]


async def test_filters(connect: Connect, owner: psycopg.AsyncConnection, room: int, topic: str) -> None:
    """Every operator, its negation, and conditions joined by commas let the right rows through."""
    filters = [*FILTERS, "number=lte.5"]
    bindings = [Binding("INSERT", table="items", filter=f"room=eq.{room},{one}") for one in filters]
    channel = await (await (await connect()).channel(topic, changes=bindings)).ready()
    insert = "insert into items (room, number, body, flag) values (%s, %s, %s, %s)"
    await owner.cursor().executemany(insert, [(room, *row) for row in ROWS])
    passed: list[set[object]] = [set() for _ in filters]
    while len(passed[-1]) < len(ROWS) or not channel.is_quiet("change"):
        change = await channel.next("change")
        passed[change.binding].add(change.new["number"])
    assert dict(zip(filters, passed, strict=True)) == {**FILTERS, "number=lte.5": {1, 2, 3, 4, 5}}


async def test_filter_builder(
    javascript: ConnectJavaScript, owner: psycopg.AsyncConnection, room: int, topic: str
) -> None:
    """The JavaScript client's filter builder quotes values as the server reads them."""
    client = await javascript()
    body = 'a "b", (c) \\d'
    conditions = [["eq", "room", room], ["eq", "body", body], ["not", "number", "in", [7, 8]], ["is", "flag", None]]
    built = await client.ask("filter", conditions=conditions)
    channel = await (await client.channel(topic, changes=[Binding(table="items", filter=built)])).ready()
    rows = [(room, 7, body), (room, 1, "a"), (room, 2, body)]
    await owner.cursor().executemany("insert into items (room, number, body) values (%s, %s, %s)", rows)
    change = await channel.next("change")
    assert (change.new["number"], change.new["body"]) == (2, body)


async def test_wildcards(connect: Connect, owner: psycopg.AsyncConnection, room: int, topic: str) -> None:
    """A binding without a table hears all tables of its schema; one of every schema hears all that are published."""
    bindings = [Binding("INSERT"), Binding("INSERT", schema="*"), Binding("INSERT", schema="*", table="items")]
    channel = await (await (await connect()).channel(topic, changes=bindings)).ready()
    for number, table in enumerate(("items", "annex.items", "plain"), 1):
        await owner.execute(f"insert into {table} (room, number) values (%s, %s)".encode(), (room, number))
    heard: list[tuple[int, object]] = []
    while len(heard) < 7:
        change = await channel.next("change")
        if change.new["room"] == room:
            heard.append((change.binding, change.new["number"]))
    assert sorted(heard) == [(0, 1), (0, 3), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]


async def test_selected_columns(connect: Connect, owner: psycopg.AsyncConnection, room: int, topic: str) -> None:
    """With `select` a change holds these columns and the key."""
    binding = Binding(table="items", filter=f"room=eq.{room}", select=["body"])
    channel = await (await (await connect()).channel(topic, changes=[binding])).ready()
    await owner.execute("insert into items (room, body, number) values (%s, 'short', 1)", (room,))
    change = await channel.next("change")
    assert (set(change.new), change.new["body"]) == ({"id", "body"}, "short")


async def test_values(connect: Connect, owner: psycopg.AsyncConnection, room: int, topic: str) -> None:
    """Values arrive in the types of the client's language, nothing lost."""
    binding = Binding(table="items", filter=f"room=eq.{room}")
    channel = await (await (await connect()).channel(topic, changes=[binding])).ready()
    key = str(uuid.uuid4())
    columns = "room, number, body, flag, price, tags, meta, at, day, key, ratio"
    values = f"""{room}, -7, 'ä ☃', true, 12.50, '{{a,"b c",null}}', '{{"deep": [1, {{"a": null}}]}}',
                 '2026-01-02 03:04:05.6+00', '2026-01-02', '{key}', 0.25"""
    await owner.execute(f"insert into items ({columns}) values ({values})".encode())
    change = await channel.next("change")
    assert change.new == {
        "id": change.new["id"], "room": room, "number": -7, "body": "ä ☃", "flag": True, "price": 12.5,
        "tags": ["a", "b c", None], "meta": {"deep": [1, {"a": None}]}, "at": "2026-01-02T03:04:05.6+00:00",
        "day": "2026-01-02", "key": key, "ratio": 0.25,
    }  # fmt: skip


async def test_row_level_security(connect: Connect, lab: Lab, owner: psycopg.AsyncConnection, room: int) -> None:
    """Each user hears of rows that are visible to that user; the service role hears of all, anon of none."""
    users = [str(uuid.uuid4()) for _ in range(2)]
    binding = Binding("INSERT", table="notes", filter=f"room=eq.{room}")
    clients = [await connect(token=lab.token(sub=user)) for user in users]
    clients += [await connect(key="secret_key"), await connect()]
    channels = [await (await client.channel("notes", changes=[binding])).ready() for client in clients]
    for number, user in enumerate(users):
        await owner.execute("insert into notes (owner, room, body) values (%s, %s, %s)", (user, room, str(number)))
    assert [(await channel.next("change")).new["body"] for channel in channels[:2]] == ["0", "1"]
    assert [change.new["body"] for change in await channels[2].take("change", 2)] == ["0", "1"]
    assert all(channel.is_quiet("change") for channel in channels)


async def test_deleted_rows(connect: Connect, lab: Lab, owner: psycopg.AsyncConnection, room: int, topic: str) -> None:
    """A deleted row comes whole with replica identity full, else, and under row-level security, as its key only."""
    bindings = [Binding("DELETE", table=table) for table in ("items", "plain", "notes")]
    channel = await (await (await connect()).channel(topic, changes=bindings)).ready()
    ids = []
    for table in ("items", "plain", "notes"):
        more = (", owner", ", gen_random_uuid()") if table == "notes" else ("", "")
        written = await owner.execute(
            f"insert into {table} (room, body{more[0]}) values ({room}, 'gone'{more[1]}) returning id".encode()
        )
        ids.append(((await written.fetchone()) or ())[0])
        await owner.execute(f"delete from {table} where room = {room}".encode())
    gone: dict[int, dict[str, object]] = {}
    while len(gone) < len(ids):
        change = await channel.next("change")
        if change.old["id"] == ids[change.binding]:
            gone[change.binding] = change.old
    whole, key_only, hidden = (gone[number] for number in range(3))
    assert (whole["id"], whole["room"], whole["body"]) == (ids[0], room, "gone")
    assert {name: value for name, value in key_only.items() if value is not None} == {"id": ids[1]}
    assert {name: value for name, value in hidden.items() if value is not None} == {"id": ids[2]}


#: What is wrong with a binding, and what the server says of it.
REFUSALS = {
    "unpublished": (Binding(table="unpublished"), "Please check Realtime is enabled for the given connect parameters"),
    "no such column": (Binding(table="items", filter="nothing=eq.1"), "invalid column for filter nothing"),
    "bad value": (Binding(table="items", filter="number=eq.many"), "invalid input syntax for type integer"),
    "too many values": (
        Binding(table="items", filter=f"number=in.({','.join(map(str, range(101)))})"),
        "too many values for `in` filter. Maximum 100",
    ),
    "select of every table": (Binding(select=["id"]), "Column selection is not supported for wildcard subscriptions"),
}


@pytest.mark.parametrize("wrong", REFUSALS)
async def test_refused_bindings_in_python(python: ConnectPython, topic: str, wrong: str) -> None:
    """After SUBSCRIBED the Python client's status callback is told what is wrong with a binding."""
    binding, message = REFUSALS[wrong]
    channel = await (await (await python()).channel(topic, changes=[binding])).joined()
    state, told = await channel.next("status")
    assert state == "CHANNEL_ERROR"
    assert message in told


@pytest.mark.parametrize("wrong", REFUSALS)
async def test_refused_bindings_in_javascript(javascript: ConnectJavaScript, topic: str, wrong: str) -> None:
    """After SUBSCRIBED the JavaScript client's system callback is told what is wrong with a binding."""
    binding, message = REFUSALS[wrong]
    channel = await (await (await javascript()).channel(topic, changes=[binding])).joined()
    told = await channel.next("system")
    assert (told["extension"], told["status"]) == ("postgres_changes", "error")
    assert message in told["message"]


async def test_waiting_for_changes(
    javascript: ConnectJavaScript, owner: psycopg.AsyncConnection, room: int, topic: str
) -> None:
    """With `wait` SUBSCRIBED comes when changes are delivered: a row that is written at once is heard."""
    binding = Binding(table="items", filter=f"room=eq.{room}")
    options = {"wait": True, "timeout": 5000}
    channel = await (await javascript()).channel(topic, changes=[binding], postgres_changes_options=options)
    await channel.joined()
    await owner.execute("insert into items (room, number) values (%s, 1)", (room,))
    assert seen(await channel.next("change")) == ("INSERT", 1, None)


async def test_waiting_in_vain(javascript: ConnectJavaScript, topic: str) -> None:
    """With `wait` a binding that is refused fails the join, and the status callback is told why."""
    binding, message = REFUSALS["unpublished"]
    channel = await (await javascript()).channel(topic, changes=[binding], postgres_changes_options={"wait": True})
    state, told = await channel.subscribe()
    assert state == "CHANNEL_ERROR"
    assert message in told


async def test_same_binding_twice(connect: Connect, owner: psycopg.AsyncConnection, room: int, topic: str) -> None:
    """Two listeners of one filter: Python's both hear of a row, JavaScript's second one was left out by the client."""
    bindings = [Binding("INSERT", table="items", filter=f"room=eq.{room}")] * 2
    client = await connect()
    channel = await (await client.channel(topic, changes=bindings)).ready()
    await owner.execute("insert into items (room, number) values (%s, 1), (%s, 2)", (room, room))
    copies = 2 if type(client).__name__ == "PythonClient" else 1
    heard = await channel.take("change", 2 * copies)
    assert [change.new["number"] for change in heard] == [1] * copies + [2] * copies


@pytest.mark.parametrize("key", ["publishable_key", "anon_key"])
async def test_whole_way(connect: Connect, topic: str, room: int, email: str, key: str) -> None:
    """Whoever signs up hears at once of what is visible to that account, with keys of either generation."""
    client = await connect(key=key)
    user = await client.sign_up(email, PASSWORD)
    binding = Binding("INSERT", table="notes", filter=f"room=eq.{room}")
    channel = await (await client.channel(topic, changes=[binding])).ready()
    written = await client.insert("notes", [{"room": 0, "body": "elsewhere"}, {"room": room, "body": "here"}])
    assert [row["owner"] for row in written] == [user] * 2
    assert await channel.next("change") == Change(0, "INSERT", written[1], {})
