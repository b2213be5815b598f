"""Workloads against the lab: by every route everything arrives, is counted, and nothing is left behind."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator

import psutil
import psycopg
import pytest
import pytest_asyncio

from helpers.errors import FailureError, SettingsError
from helpers.profiling.harness import HARNESS_LIMIT
from helpers.profiling.recording import Recording
from helpers.profiling.workloads import Action, Audience, Burst, Constant, Encoding, Poisson, Route, Workload, Writer
from helpers.profiling.workloads.measuring import measure
from helpers.target import Target
from helpers.wire.frames import Version

#: Forty messages in a fifth of a second.
BRISK = {"rate": Constant(200.0), "seconds": 0.2}


def writers() -> list[psutil.Process]:
    """Writing processes of this one."""
    return [child for child in psutil.Process().children() if "workloads.process" in " ".join(child.cmdline())]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def writer(tables: Target) -> AsyncIterator[Writer]:
    """One for all tests: they need not wait for its start."""
    async with Writer(tables) as writer:
        yield writer


@pytest.fixture
def full_table(tables: Target) -> Iterator[str]:
    """A published table of ours with replica identity full."""
    name = f"workbook_{secrets.token_hex(4)}"
    with psycopg.connect(tables.database_url or "", autocommit=True) as connection:
        connection.execute(f"""
            create table {name} (id bigserial primary key, seq bigint, body text, colour text);
            alter table {name} replica identity full;
            alter publication supabase_realtime add table {name};
            grant select on {name} to anon, authenticated;
        """)
        yield name
        connection.execute(f"drop table {name}")


def whole(recording: Recording, expected: int) -> bool:
    """Whether everything that was expected came, and nothing else. How busy this machine is says nothing of that."""
    assert [note for note in recording.notes if not note.startswith(HARNESS_LIMIT)] == []
    return (recording.expected, recording.received, recording.lost, recording.duplicated, recording.strays) == (
        expected, expected, 0, 0, 0,
    )  # fmt: skip


@pytest.mark.parametrize("route", [Route.SQL, Route.REST, Route.PRISMA])
async def test_rows_arrive_by_every_route(tables: Target, writer: Writer, route: Route) -> None:
    """Rows that were written by SQL, by PostgREST or by Prisma come as changes, numbered and timed."""
    recording = await measure(tables, Workload(route=route, **BRISK), label="rows", writer=writer)
    assert whole(recording, 40)
    assert recording.sent == recording.histogram.count == 40
    assert recording.payload_bytes > 40 * 400
    assert recording.wire_bytes > recording.payload_bytes


@pytest.mark.parametrize("route", [Route.BROADCAST, Route.HTTP, Route.DATABASE])
async def test_broadcasts_arrive_by_every_route(tables: Target, writer: Writer, route: Route) -> None:
    """Broadcasts of a WebSocket, of the HTTP endpoint and of the database reach every subscriber."""
    audience = Audience(subscribers=3)
    recording = await measure(tables, Workload(route=route, **BRISK), audience, label="all", writer=writer)
    assert whole(recording, 3 * 40)
    assert [(stream.received, stream.distinct) for stream in recording.streams] == [(40, 40)] * 3


@pytest.mark.parametrize("route", [Route.BROADCAST, Route.DATABASE])
async def test_bytes_are_numbered_too(tables: Target, writer: Writer, route: Route) -> None:
    """A binary broadcast carries its number in its first bytes."""
    workload = Workload(route=route, encoding=Encoding.BINARY, body_bytes=1_000, **BRISK)
    recording = await measure(tables, workload, label="bytes", writer=writer)
    assert whole(recording, 40)
    assert 40 * 1_000 < recording.payload_bytes < 40 * 1_200


async def test_channels_take_turns(tables: Target, writer: Writer) -> None:
    """Of three channels each gets every third message; a socket joins different ones."""
    workload = Workload(route=Route.BROADCAST, channels=3, rate=Constant(300.0), seconds=0.2)
    recording = await measure(tables, workload, Audience(subscribers=6, sockets=2), label="turns", writer=writer)
    assert whole(recording, 6 * 20)
    assert {(stream.socket, stream.channel) for stream in recording.streams} == {
        (f"socket {socket}", f"channel {channel}") for socket in range(2) for channel in range(3)
    }


async def test_filters_in_turns(tables: Target, writer: Writer) -> None:
    """Each subscriber is expected to get what its own filter lets through, and a note says nothing else came."""
    audience = Audience(subscribers=3, filter=("room_id=eq.123", "room_id=in.(123,124)", "room_id=gt.124"))
    recording = await measure(tables, Workload(**BRISK), audience, label="filters", writer=writer)
    assert whole(recording, 10 + 20 + 20)
    assert [stream.distinct for stream in recording.streams] == [10, 20, 20]


async def test_one_channel_with_many_bindings(tables: Target, writer: Writer) -> None:
    """A message that several bindings of a channel match comes once."""
    audience = Audience(bindings=3, filter=("room_id=eq.123", "room_id=lt.125", "room_id=eq.126"))
    recording = await measure(tables, Workload(**BRISK), audience, label="bindings", writer=writer)
    assert whole(recording, 30)


async def test_rows_live_and_die(tables: Target, writer: Writer, full_table: str) -> None:
    """Inserts, updates and deletes are told from each other, whether the old row comes whole or as its key."""
    actions = (Action.INSERT, Action.UPDATE, Action.DELETE)
    for table, rooms in (("events", 4), (full_table, 0)):
        workload = Workload(table=table, rooms=rooms, actions=actions, rate=Constant(300.0), seconds=0.2, rows=7)
        recording = await measure(tables, workload, Audience(subscribers=2), label="life", writer=writer)
        assert whole(recording, 2 * 60)
        deletes = await measure(tables, workload, Audience(event="DELETE"), label="death", writer=writer)
        assert whole(deletes, 20)


async def test_a_table_of_ours(tables: Target, writer: Writer, full_table: str) -> None:
    """Further columns take the values that they are given, and filters on them are told beforehand; with replica
    identity full that goes for deletes too."""
    columns = {"colour": ("red", "green", None)}
    actions = (Action.INSERT, Action.DELETE)
    workload = Workload(table=full_table, rooms=0, columns=columns, actions=actions, rate=Constant(300.0), seconds=0.2)
    audience = Audience(subscribers=2, filter=("colour=eq.red", "colour=neq.red"), select=("seq", "colour"))
    recording = await measure(tables, workload, audience, label="colours", writer=writer)
    assert whole(recording, 20 + 20)


async def test_the_old_protocol(tables: Target, writer: Writer) -> None:
    """Subscribers may speak version 1.0.0."""
    audience = Audience(version=Version.V1)
    recording = await measure(
        tables, Workload(route=Route.BROADCAST, **BRISK), audience, label="version 1", writer=writer
    )
    assert whole(recording, 40)


async def test_due_times_are_kept(tables: Target, writer: Writer) -> None:
    """Bursts and random rates are written when they are due: the writer says by how much it missed."""
    for rate in (Burst(10, 0.1), Poisson(100, seed=5)):
        recording = await measure(
            tables, Workload(route=Route.BROADCAST, rate=rate, seconds=0.3), label=str(rate), writer=writer
        )
        assert recording.sent == recording.received == Workload(rate=rate, seconds=0.3).messages
        assert recording.harness is not None
        assert recording.harness.sent_per_s == pytest.approx(recording.harness.scheduled_per_s, rel=0.2)


async def test_nothing_is_left_behind(tables: Target) -> None:
    """The process ends with its writer, and the workbook's table is empty again."""
    recording = await measure(tables, Workload(**BRISK), label="alone")
    assert recording.sent == 40
    assert writers() == [] or len(writers()) == 1  # that of the other tests
    with psycopg.connect(tables.database_url or "") as connection:
        assert connection.execute("select count(*) from events").fetchone() == (0,)


@pytest.mark.parametrize(
    ("workload", "audience", "says"),
    [
        ({"table": "messages"}, {}, 'column "seq"'),
        ({"table": "no_such_table"}, {}, "does not exist"),
        ({"columns": {"nothing": (1,)}}, {}, 'column "nothing"'),
    ],
)
async def test_what_cannot_be_written(
    tables: Target, writer: Writer, workload: dict[str, object], audience: dict[str, object], says: str
) -> None:
    """A table or column that is not there is one sentence before anybody listens."""
    with pytest.raises(FailureError, match=says):
        await measure(tables, Workload(**workload), Audience(**audience), label="wrong", writer=writer)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("workload", "audience", "says"),
    [
        ({}, {"filter": "body=eq.x"}, "Name the column's values"),
        ({}, {"filter": "room_id"}, "Correct the filter"),
        ({}, {"filter": "room_id=like.1%"}, "cannot be told without the database"),
        ({"route": Route.BROADCAST}, {"subscribers": 2, "sockets": 1}, "A socket has each channel once"),
    ],
)
async def test_what_cannot_be_told(
    tables: Target, workload: dict[str, object], audience: dict[str, object], says: str
) -> None:
    """An audience whose messages could not be counted is refused beforehand."""
    with pytest.raises(SettingsError, match=says):
        await measure(tables, Workload(**workload), Audience(**audience), label="wrong")  # type: ignore[arg-type]
