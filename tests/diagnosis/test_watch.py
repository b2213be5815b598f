"""Watching the real lab: in health, over losses, interrupted, without a database, and of nothing at all."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import uuid
from dataclasses import replace

import msgspec
import psycopg
import pytest
import pytest_asyncio

from helpers import workspace
from helpers.diagnosis import diagnose, watch
from helpers.diagnosis.evidence import Evidence, TableName, Watched
from helpers.diagnosis.evidence.watch import Second, Tally
from helpers.diagnosis.results import Status
from helpers.diagnosis.rules import judge
from helpers.diagnosis.watching.plan import Patience
from helpers.lab import Lab, LabSettings
from helpers.lab.network import DOWN, PERFECT, Ending, network
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.target import Target, TargetKind
from tests.diagnosis.samples import evidence

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIMIT_S = 20.0
EVENTS = TableName("public", "events")
QUICK = Patience(heartbeat_s=0.3, answer_s=3, join_s=5, return_s=(0.05,), settle_s=0.8, settle_limit_s=3, stretch_s=0.1)
INSERT = "insert into events (room_id, sent_at, seq, body, meta) values (1, now(), %s, 'watched', '{}')"


def findings(seen: Watched) -> dict[str, str]:
    given: Evidence = evidence(watched=seen)
    return {check.id: check.cause for check in judge(given) if check.is_finding}


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def warm(clinic: Lab) -> None:
    """Changes have been subscribed to before: the first subscriber waits a second or two for the server's start."""
    await watch(clinic.target, 0.1, ["events"], patience=QUICK)


async def write(surgeon: psycopg.AsyncConnection, count: int, pause_s: float = 0.03) -> None:
    for number in range(count):
        await surgeon.execute(INSERT, [number])
        await asyncio.sleep(pause_s)


async def test_a_healthy_lab_gives_no_finding(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """All that is written while somebody watches arrives once, in order, and the database confirms it."""
    told: list[Second] = []
    writing = asyncio.create_task(write(surgeon, 20))
    seen = await watch(patient, 0.8, ["events"], ["room:1"], patience=QUICK, progress=told.append)
    await writing
    assert findings(seen) == {}
    (committed,) = seen.committed
    assert (committed.missed, committed.unsure) == (0, "")
    assert committed.changed == committed.visible
    assert 0 < (committed.changed or 0) <= seen.tables[0].arrived.inserts <= 20
    assert sum(each.changes for each in seen.timeline) >= seen.events
    assert len(told) >= 8
    assert seen.heartbeats.answered >= 2
    assert not seen.interrupted


async def test_updates_and_deletes_are_compared_too(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """A row that was changed must have come; one that is gone is no loss."""

    async def change() -> None:
        for number in range(12):
            await surgeon.execute(INSERT, [number])
            await surgeon.execute("update events set body = 'again' where seq = %s and body = 'watched'", [number])
            await surgeon.execute("delete from events where seq = %s and body = 'again'", [number - 1])
            await asyncio.sleep(0.05)

    writing = asyncio.create_task(change())
    seen = await watch(patient, 0.8, ["events"], patience=QUICK)
    await writing
    assert findings(seen) == {}
    tally = seen.tables[0].arrived
    assert min(tally.inserts, tally.updates, tally.deletes) > 0


async def test_it_comes_back_and_knows_what_it_missed(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """Through a server that is down for a while: the rows of that while are counted as missed, and named."""
    async with network(patient) as via:

        async def outage() -> None:
            await write(surgeon, 5)
            await asyncio.sleep(0.6)
            via.set(DOWN)
            await write(surgeon, 4, 0.1)
            await asyncio.sleep(0.6)  # the server polls, and nobody is there
            via.set(PERFECT)

        breaking = asyncio.create_task(outage())
        seen = await watch(via.target, 2.2, ["events"], patience=QUICK)
        await breaking
    assert (seen.drop_count, seen.connects) == (1, 2)
    assert seen.drops[0].away_s is not None
    assert seen.subscriptions[0].joins == 2
    (committed,) = seen.committed
    assert committed.missed == 4
    assert len(committed.examples) == 3
    assert set(findings(seen)) == {"reconnecting"}
    assert "4 rows or messages" in findings(seen)["reconnecting"]
    assert any(error.kind == "connect" for error in seen.errors)


async def test_broadcasts_from_the_database_are_compared(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """Rows of `realtime.messages` must arrive by their ids."""

    async def send() -> None:
        for number in range(1, 13):
            await surgeon.execute(
                "select realtime.send(jsonb_build_object('n', %s::int), 'said', 'room:9', false)", [number]
            )
            await asyncio.sleep(0.05)

    sending = asyncio.create_task(send())
    seen = await watch(patient, 0.5, [], ["room:9"], sequence="n", patience=QUICK)
    await sending
    (topic,) = seen.topics
    assert topic.with_id == topic.broadcasts >= (topic.committed or 0) > 0
    assert (topic.missed, topic.skipped, topic.reordered, topic.duplicates) == (0, 0, 0, 0)


async def test_rows_of_others_are_not_missed(clinic: Lab, patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """What policies hide from the watcher is counted as written, and not as lost."""
    await surgeon.execute(
        "create table clinic.notes (id int generated always as identity primary key, owner uuid);"
        "grant usage on schema clinic to authenticated; grant select on clinic.notes to authenticated;"
        "alter table clinic.notes enable row level security;"
        "create policy own on clinic.notes for select to authenticated using (owner = (select auth.uid()));"
        "alter publication supabase_realtime add table clinic.notes"
    )
    me = str(uuid.uuid4())

    async def insert() -> None:
        for number in range(20):
            await surgeon.execute(
                "insert into clinic.notes (owner) values (%s)", [me if number % 2 else str(uuid.uuid4())]
            )
            await asyncio.sleep(0.03)

    writing = asyncio.create_task(insert())
    seen = await watch(patient, 0.5, ["clinic.notes"], token=clinic.token(sub=me), patience=QUICK)
    await writing
    (committed,) = seen.committed
    assert committed.missed == 0
    assert 0 < (committed.visible or 0) < (committed.changed or 0)
    assert (seen.role, findings(seen)) == ("authenticated", {})


async def test_ctrl_c_gives_what_was_seen(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """The first one ends the watch early, with all that a whole one has, and leaves the signal as it was."""
    before = signal.getsignal(signal.SIGINT)

    def interrupt(second: Second) -> None:
        if second.changes:
            os.kill(os.getpid(), signal.SIGINT)

    writing = asyncio.create_task(write(surgeon, 10))
    async with asyncio.timeout(LIMIT_S):
        seen = await watch(patient, 600, ["events"], patience=QUICK, progress=interrupt)
    await writing
    assert seen.interrupted
    assert seen.events > 0
    assert signal.getsignal(signal.SIGINT) is before


async def test_a_cancelled_watch_leaves_nothing_running(patient: Target) -> None:
    """Cancelling is not Ctrl-C: it ends at once and gives nothing."""
    before = asyncio.all_tasks()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.4):
            await watch(patient, 600, ["events"], patience=QUICK)
    assert asyncio.all_tasks() == before


async def test_what_nobody_answers_is_watched_all_the_same() -> None:
    """A target that is not there gives a result, in bounded time, that says so."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        nobody = Target(TargetKind.LOCAL, f"http://127.0.0.1:{held.getsockname()[1]}", "sb_publishable_x")
        patience = replace(QUICK, answer_s=0.2, join_s=0.2)
        async with asyncio.timeout(LIMIT_S):
            seen = await watch(nobody, 0.3, ["events"], patience=patience)
    assert (seen.connects, seen.events, seen.not_compared) == (0, 0, "DATABASE_URL is not set")
    assert {error.kind for error in seen.errors} == {"connect"}
    assert findings(seen) == {}


async def test_without_a_database_the_rest_is_watched(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """Nothing can be said about losses, and it says why; all else is there."""
    writing = asyncio.create_task(write(surgeon, 10))
    seen = await watch(replace(patient, database_url=None), 1.0, ["events"], patience=QUICK)
    await writing
    assert (seen.committed, seen.not_compared) == ((), "DATABASE_URL is not set")
    assert seen.events > 0
    assert seen.tables[0].duplicates == 0


async def test_it_writes_nothing(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """As many rows are there afterwards, and PostgreSQL's statistics count no write."""
    before = await (await surgeon.execute("select count(*) from events")).fetchone()
    seen = await watch(patient, 0.3, ["events"], patience=QUICK)
    assert await (await surgeon.execute("select count(*) from events")).fetchone() == before
    assert seen.committed[0].statistics == Tally()


async def test_the_result_shows_and_saves_itself(patient: Target) -> None:
    """As text, HTML, a table and JSON, without a secret in any."""
    seen = await watch(patient, 0.3, ["events"], patience=QUICK)
    shown = "\n".join([str(seen), seen._repr_html_(), repr(seen), msgspec.json.encode(seen).decode()])
    secrets = [patient.publishable_key, patient.secret_key, patient.jwt_secret, patient.database_url]
    assert [secret for secret in secrets if secret and secret in shown] == []
    assert str(seen).startswith("Watched as anon for ")
    assert list(seen.to_frame().columns) == ["at_s", "changes", "broadcasts", "errors", "connected"]
    assert len(seen.to_frame()) == len(seen.timeline)
    assert msgspec.json.decode(msgspec.json.encode(seen), type=Watched) == seen


async def test_a_diagnosis_may_watch(patient: Target) -> None:
    """With `watch_s` its rules are judged; without, each says what to set."""
    lines: list[str] = []
    diagnosis = await diagnose(patient, ["events"], repeats=1, watch_s=1.2, progress=lines.append)
    assert diagnosis.check("reconnecting").status is Status.OK
    assert diagnosis.check("missed_events").status is Status.OK
    assert any(line.startswith("Watching, 0 s") for line in lines)
    assert diagnosis.findings == ()


async def test_a_half_open_connection_is_told_from_a_quiet_one(patient: Target) -> None:
    """Nothing arrives in either case; only heartbeats tell which it is."""
    async with network(patient) as via:

        def leave(second: Second) -> None:
            if 0.3 < second.at_s < 0.45:
                via.cut(Ending.SERVER_GONE)

        patience = replace(QUICK, answer_s=0.3)
        seen = await watch(via.target, 1.2, ["events"], patience=patience, progress=leave)
    assert [drop.dead for drop in seen.drops] == [True] * seen.drop_count
    assert seen.heartbeats.unanswered == seen.drop_count >= 1
    assert set(findings(seen)) == {"dead_link"}


async def test_what_a_quota_drops_is_missed_and_explained() -> None:
    """The server drops changes beyond its limit and says nothing; the database knows, and the rule names the quota."""
    limited = RealtimeSettings(limits=Limits(events_per_s=20), rate_tick_s=0.1, rate_ticks=5)
    async with Lab(LabSettings(realtime=limited)) as lab:
        await workspace.fill(lab.target)
        await watch(lab.target, 0.1, ["events"], patience=QUICK)
        url = lab.info["database_url"]
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            writing = asyncio.create_task(write(connection, 200, 0.005))
            seen = await watch(lab.target, 1.5, ["events"], quota_per_s=20, patience=QUICK)
            await writing
    assert seen.missed > 0
    assert set(findings(seen)) == {"near_event_limit"}
    assert "dropped in silence" in findings(seen)["near_event_limit"]
