"""What targets, machines and people do to a measurement is told in its result, and never averaged away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest
import pytest_asyncio

from helpers.errors import FailureError
from helpers.lab import Lab, LabSettings
from helpers.lab.network import Conditions, Way, broadcasts, drop, network
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.profiling.recording import NO_SAMPLES, Recording
from helpers.profiling.workloads import Audience, Constant, Route, StepLoad, Workload, Writer, find_knee, measure
from helpers.profiling.workloads.orders import Written
from helpers.profiling.workloads.senders.sql import APPLICATION
from helpers.profiling.workloads.writer import Planned
from helpers.results import load_result, save_result
from helpers.target import Target
from helpers.workspace import fill

pytestmark = pytest.mark.usefixtures("impatient")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def narrow() -> AsyncIterator[Target]:
    """A lab with room for three users and few messages, that refuses at once."""
    limits = Limits(users=3, events_per_s=100)
    settings = RealtimeSettings(limits=limits, handshake_error_delay_s=0, rate_tick_s=0.1, rate_ticks=6)
    async with Lab(LabSettings(realtime=settings)) as lab:
        await fill(lab.target)
        yield lab.target


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def narrow_writer(narrow: Target) -> AsyncIterator[Writer]:
    """One for all tests there: they need not wait for its start."""
    async with Writer(narrow) as writer:
        yield writer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def writer(tables: Target) -> AsyncIterator[Writer]:
    """The same for the lab of all tests."""
    async with Writer(tables) as writer:
        yield writer


def said(recording: Recording, words: str) -> bool:
    return any(words in note for note in recording.notes)


async def test_a_target_that_refuses_requests(narrow: Target, narrow_writer: Writer) -> None:
    """A refused message is not sent and not expected; the answer is told with its count."""
    recording = await measure(
        narrow, Workload(route=Route.HTTP, rate=Constant(500.0), seconds=1), label="429", writer=narrow_writer
    )
    assert recording.sent < 500
    assert recording.expected == recording.sent
    assert said(recording, f"{500 - recording.sent} of 500 messages were not accepted")
    assert said(recording, "HTTP 429")


async def test_a_target_that_drops_in_silence(narrow: Target, narrow_writer: Writer) -> None:
    """Changes over the quota are dropped without a word: they are lost, as nobody says otherwise."""
    workload = Workload(rate=Constant(400.0), seconds=2)  # many looks at the database, and many at the rate
    recording = await measure(narrow, workload, label="silent", writer=narrow_writer)
    assert recording.sent == recording.expected == 800
    assert recording.lost == 800 - recording.received > 0


async def test_a_target_that_is_full(narrow: Target, narrow_writer: Writer) -> None:
    """Who was not let in is told, and the others are measured; where nobody was let in there is no measurement."""
    workload = Workload(route=Route.HTTP, rate=Constant(10.0), seconds=0.3)
    await asyncio.sleep(1.0)  # the rate of the tests before is forgotten
    recording = await measure(narrow, workload, Audience(subscribers=5), label="full", writer=narrow_writer)
    # One sentence for each reason; on a busy machine one of the two may have heard no answer.
    absent = [note for note in recording.notes if "did not come in" in note]
    assert sum(int(note.partition(" ")[0]) for note in absent) == 2
    assert (recording.expected, recording.lost) == (3 * recording.sent, 0)
    nowhere = replace(narrow, api_url="http://127.0.0.1:1")
    with pytest.raises(FailureError, match="none of them came in"):
        await measure(nowhere, workload, Audience(subscribers=2), label="closed")


async def test_a_target_that_delivers_too_much(tables: Target, writer: Writer) -> None:
    """Rows that policies should have kept back are counted by themselves, and have no part in the latency."""
    workload = Workload(rate=Constant(200.0), seconds=0.2)
    recording = await measure(tables, workload, Audience(sees="room_id=eq.123"), label="leak", writer=writer)
    assert (recording.expected, recording.received, recording.histogram.count) == (10, 40, 10)
    assert said(recording, "30 messages came that no filter asked for, or no policy allows")


async def test_messages_of_others(tables: Target, writer: Writer) -> None:
    """Rows that somebody else writes meanwhile are told, and belong to nothing."""

    async def somebody_else() -> None:
        with psycopg.connect(tables.database_url or "", autocommit=True) as connection:
            while True:
                connection.execute("insert into events (seq, room_id) values (5, 123)")
                await asyncio.sleep(0.05)

    other = asyncio.create_task(somebody_else())
    try:
        recording = await measure(tables, Workload(rate=Constant(100.0), seconds=1), label="company", writer=writer)
    finally:
        other.cancel()
    assert (recording.received, recording.lost) == (100, 0)
    assert recording.strays > 0
    assert said(recording, "came that this run did not send")


async def test_a_target_that_delivers_nothing(target: Target) -> None:
    """No samples are no number: neither a latency nor a knee."""
    silence = Conditions(to_client=Way(frames=(drop(broadcasts),)))
    workload = Workload(route=Route.BROADCAST, rate=Constant(100.0), seconds=0.2)
    async with network(target, silence) as via:
        recording = await measure(via.target, workload, label="nothing")
        load = await find_knee(via.target, workload, [20])
    assert (recording.sent, recording.received, recording.lost) == (20, 0, 20)
    assert NO_SAMPLES in recording.notes
    assert recording.throughput_per_s == 0
    assert recording.to_frame()["metric"].str.startswith("latency").sum() == 0
    assert load.knee is not None
    assert "nothing arrived; 100 % are lost" in str(load)


class Troubled(Writer):
    """A writer to which something happens in the middle of its work."""

    async def carry_out(self, planned: Planned, at: float) -> Written:
        asyncio.get_running_loop().call_later(at - time.monotonic() + 0.3, self.trouble)
        return await super().carry_out(planned, at)

    def trouble(self) -> None:
        psutil.Process(self.pid).kill()


class Disconnected(Troubled):
    def trouble(self) -> None:
        with psycopg.connect(self._target.database_url or "") as connection:
            query = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s"
            connection.execute(query, [APPLICATION])


async def test_a_worker_that_dies(tables: Target) -> None:
    """Without its writer nobody knows what was sent, so there is no result, and a sentence that says why."""
    async with Troubled(tables) as writer:
        with pytest.raises(FailureError, match=r"workloads\.process ended"):
            await measure(tables, Workload(rate=Constant(100.0), seconds=1), label="dies", writer=writer)
    with psycopg.connect(tables.database_url or "") as connection:
        assert connection.execute("select count(*) from events").fetchone() == (0,)


async def test_a_run_that_was_interrupted(tables: Target) -> None:
    """What its writer has to say is not taken for the answer to the next run; the writer is gone instead."""
    async with Writer(tables) as writer:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await measure(tables, Workload(rate=Constant(20.0), seconds=10), label="too long", writer=writer)
        with pytest.raises(FailureError, match=r"workloads\.process ended"):
            await measure(tables, Workload(rate=Constant(20.0), seconds=0.2), label="next", writer=writer)


async def test_a_database_that_hangs_up(tables: Target) -> None:
    """What was not committed is not expected, what was is accounted for, and the database's words are told."""
    async with Disconnected(tables) as writer:
        recording = await measure(tables, Workload(rate=Constant(100.0), seconds=1), label="hung up", writer=writer)
    assert 10 < recording.sent < 100
    assert recording.expected == recording.sent
    assert recording.lost == 0
    assert said(recording, "of 100 messages were not accepted")
    assert said(recording, "the writer was told 1 time: ")


async def test_a_rate_out_of_reach(tables: Target, writer: Writer) -> None:
    """Forty megabytes within 20 ms are beyond any machine: what was reached is told beside what was asked for."""
    workload = Workload(route=Route.BROADCAST, rate=Constant(2_000.0), seconds=0.02, body_bytes=1_000_000)
    recording = await measure(tables, workload, label="too much", writer=writer)
    assert recording.harness is not None
    assert recording.harness.sent_per_s < 1_500
    assert said(recording, "2,000 messages/s were asked for and")
    assert recording.histogram.max_s > 0.005  # what was sent late is late


async def test_steps_that_were_measured_are_kept(tables: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the writer dies in a later step, the earlier ones are not thrown away, and no knee is made of it."""
    begun: list[float] = []

    class Mortal(Troubled):
        async def carry_out(self, planned: Planned, at: float) -> Written:
            begun.append(at)
            return await (super().carry_out(planned, at) if len(begun) > 1 else Writer.carry_out(self, planned, at))

    monkeypatch.setattr("helpers.profiling.workloads.knee.Writer", Mortal)
    load = await find_knee(tables, Workload(seconds=0.5), [20, 40, 80])
    assert len(load.steps) == 1
    assert load.knee is None
    assert str(load) == (
        "The knee was not reached: at 40/s helpers.profiling.workloads.process ended. It was good up to 20/s."
    )


async def test_step_loads_are_saved_whole(tables: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is read back equals what was measured, histograms and phases included."""
    monkeypatch.setenv("WORKBOOK_RESULTS_DIR", str(tmp_path))
    load = await find_knee(tables, Workload(seconds=0.5), [50])
    save_result("steps", load)
    assert load_result("steps", StepLoad) == load
