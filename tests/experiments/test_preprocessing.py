"""The row, or only what is needed of it: triggers, a webhook, and an Edge Function on Deno."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import aiohttp
import psutil
import pytest
import pytest_asyncio

from helpers import deno
from helpers.client import RealtimeClient
from helpers.errors import FailureError, NodeError, SettingsError, TargetError
from helpers.experiments import Experiment, Size, compare_preprocessing, run_rounds
from helpers.experiments.edge_function import SLIM, EdgeFunction
from helpers.experiments.tables import own_table
from helpers.experiments.way_run import BYTES, LATENCY, LOST, WayRun
from helpers.experiments.ways import BROADCAST, COLUMNS, DOWN, FUNCTION, ROW, SELECTED, TRIGGER, Way, _listening_allowed
from helpers.experiments.webhook import own_webhook
from helpers.plots import preprocessing_plot
from helpers.profiling import Skipped
from helpers.profiling.workloads import Constant, Workload, Writer
from helpers.profiling.workloads.orders import Written
from helpers.profiling.workloads.writer import Planned
from helpers.target import Target

NEEDED = {"seq": 7, "room_id": 123, "status": "open"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def found(target: Target) -> Experiment:
    """One round of a few rows."""
    experiment = await compare_preprocessing(target, rounds=1, rate_per_s=100, seconds=0.4)
    assert isinstance(experiment, Experiment)
    return experiment


def children() -> set[str]:
    """Programs that this process has started and that run."""
    return {child.name() for child in psutil.Process().children(recursive=True)}


async def test_only_the_function_that_is_down_loses_rows(found: Experiment) -> None:
    """All others deliver everything, and the answer says so."""
    assert found.arms == (ROW, SELECTED, BROADCAST, TRIGGER, FUNCTION, DOWN)
    lost = {arm: found.estimate(arm, LOST.name).mean for arm in found.arms}
    assert lost.pop(DOWN) > 20
    assert set(lost.values()) == {0}
    assert f"{DOWN} lost" in found.answer
    assert any("nobody repeats them" in note for note in found.notes)


async def test_needed_fields_are_a_fraction_of_the_bytes(found: Experiment) -> None:
    """`broadcast_changes` sends the whole row, as the row itself does."""
    size = {arm: found.estimate(arm, BYTES.name).mean for arm in found.arms}
    assert min(size[ROW], size[BROADCAST]) > 2_000
    assert max(size[TRIGGER], size[FUNCTION]) < 300
    assert size[TRIGGER] < size[SELECTED] < size[ROW] / 3


async def test_cpu_time_of_each_part_is_told(found: Experiment) -> None:
    """Webhook and function cost something where they are, and nothing where they are not."""
    for part in ("webhook's CPU", "function's CPU"):
        assert found.estimate(FUNCTION, part).mean > 0
        assert found.estimate(TRIGGER, part).mean == 0
    assert found.estimate(ROW, "database's CPU").mean > 0
    assert found.estimate(FUNCTION, "function, cold call").mean > found.estimate(FUNCTION, "function, warm call").mean
    assert "first call took" in found.answer


async def test_two_equal_ways_show_no_difference(target: Target) -> None:
    """The same way under two names saves nothing."""
    workload = Workload(rate=Constant(100), seconds=0.1, columns={"status": ("open",)})
    async with own_table(target, columns=COLUMNS) as table, Writer(target) as writer:
        arms = {name: WayRun(target, writer, workload, name, Way(table)) for name in ("one", "other")}
        same = await run_rounds(
            "same", "Is it less?", target, arms, metrics=(BYTES,), rounds=2, size=Size.SMALL, answer=str
        )
    change = same.contrast(BYTES.name, "other")
    assert change is not None and not change.gain.shown
    assert "no difference shown" in str(change)


async def test_the_picture_has_a_row_for_each_arm(found: Experiment) -> None:
    """And tells the loss in words."""
    size, late, cpu = preprocessing_plot(found).axes
    assert len(size.get_yticklabels()) == 6
    assert any("% lost" in text.get_text() for text in size.texts)
    assert late.get_xscale() == "log"
    assert {text.get_text() for text in cpu.get_legend().get_texts()} == {
        "database", "Realtime", "webhook", "function"
    }  # fmt: skip
    assert found.estimate(TRIGGER, LATENCY.name).n == 1


async def test_nothing_is_left_behind(found: Experiment, target: Target) -> None:
    """No table, no policy, no function, no process."""
    assert "deno" not in children()
    async with own_table(target, published=False) as table:
        left = await table.run(
            "select relname as name from pg_class"
            " where relname like 'workbook\\_%%' and relkind = 'r' and relname <> %s"
            " union all select polname from pg_policy where polname like 'workbook\\_%%'"
            " union all select proname from pg_proc where proname like 'workbook\\_%%'",
            [table.name],
        )
    assert left == []


async def test_without_deno_the_other_ways_are_measured(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says what is missing and how to get it."""
    monkeypatch.setenv("WORKBOOK_DENO", "/nowhere/deno")
    less = await compare_preprocessing(target, rounds=1, rate_per_s=100, seconds=0.1)
    assert isinstance(less, Experiment)
    assert less.arms == (ROW, SELECTED, BROADCAST, TRIGGER)
    assert "/nowhere/deno is not a Deno that runs" in less.notes[0] and "WORKBOOK_DENO" in less.notes[0]
    assert "first call" not in less.answer
    assert len(preprocessing_plot(less).axes[0].get_yticklabels()) == 4


async def test_where_nothing_may_be_written_it_is_skipped(target: Target) -> None:
    """With a sentence that says what to set."""
    said = await compare_preprocessing(replace(target, writes_allowed=False))
    assert isinstance(said, Skipped)
    assert "WORKBOOK_ALLOW_WRITES" in str(said)
    assert preprocessing_plot(said).axes
    with pytest.raises(SettingsError, match="no third"):
        await compare_preprocessing(target, rate_per_s=2, seconds=1)


async def test_the_function_broadcasts_the_needed_fields(target: Target) -> None:
    """And nothing of the rest of the row; a caller without the key is refused."""
    row = {**NEEDED, "body": "much"}
    async with (
        EdgeFunction(target) as function,
        RealtimeClient(target) as client,
        aiohttp.ClientSession() as http,
    ):
        channel = client.channel("slim:1")
        await channel.subscribe()
        assert await function.call(http, "slim:1", row) == 202
        async with asyncio.timeout(30):
            event = await anext(aiter(channel.events()))
        assert event.payload == NEEDED  # type: ignore[union-attr]
        async with http.post(function.url, json={"record": row}) as answer:
            assert answer.status == 401
        before = function.cpu_s
        await function.stop()
        assert function.cpu_s >= before > 0
        with pytest.raises(aiohttp.ClientError):
            await function.call(http, "slim:1", row)
        await function.start()
        assert await function.call(http, "slim:1", row) == 202
    assert "deno" not in children()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody tells it")
async def test_a_function_ends_with_the_process_that_started_it() -> None:
    """Even when that is killed."""
    code = (
        "import asyncio\n"
        "from helpers.experiments.edge_function import EdgeFunction\n"
        "from helpers.target import Target, TargetKind\n"
        "async def main():\n"
        "    async with EdgeFunction(Target(TargetKind.LAB, 'http://127.0.0.1:1', 'key')) as function:\n"
        "        print(function.url, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    assert (await parent.stdout.readline()).startswith(b"http://")
    (deno_process,) = psutil.Process(parent.pid).children()
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(30):
        while deno_process.is_running() and deno_process.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_function_that_cannot_start_says_why(target: Target, tmp_path: Path) -> None:
    """With Deno's last line, and without its process."""
    broken = tmp_path / "broken.ts"
    broken.write_text("const = 1;")
    with pytest.raises(FailureError, match="starting the Edge Function"):
        await EdgeFunction(target, broken).start()
    assert "deno" not in children()


async def test_a_function_reads_and_asks_nothing_else(target: Target, tmp_path: Path) -> None:
    """It has no right to files, to other hosts, or to other variables."""
    curious = tmp_path / "curious.ts"
    names = ["read", "net", "env", "run", "write"]
    curious.write_text(
        "const asked = await Promise.all(" + json.dumps(names) + ".map((name) => Deno.permissions.query({ name })));"
        "Deno.serve(() => Response.json(asked.map((one) => one.state)));"
    )
    async with (
        EdgeFunction(target, curious) as function,
        aiohttp.ClientSession() as http,
        http.get(function.url) as answer,
    ):
        states = dict(zip(names, await answer.json(), strict=True))
    assert set(states.values()) <= {"prompt", "denied"}


async def test_a_webhook_is_sent_once_and_its_failure_is_recorded(target: Target) -> None:
    """Nobody listens at the address: the rows are there, the calls are lost."""
    async with (
        own_table(target, published=False) as table,
        own_webhook(target, table, "http://127.0.0.1:9/") as webhook,
    ):
        await table.run(f"insert into {table.quoted} (seq) select generate_series(1, 300)")
        delivered = await webhook.settled(300, 10)
        assert (delivered.taken, delivered.answered, sum(delivered.failures.values())) == (300, 0, 300)
        assert (await table.run(f"select count(*) from {table.quoted}"))[0]["count"] == 300
        assert webhook.cpu_s > 0
        with pytest.raises(FailureError, match="300 of 301"):
            await webhook.settled(301, 0.1)


async def test_a_webhook_needs_a_table_of_ours(target: Target) -> None:
    """Where nothing may be written there is none."""
    async with own_table(target, published=False) as table:
        with pytest.raises(TargetError):
            async with own_webhook(replace(target, writes_allowed=False), table, "http://127.0.0.1:9/"):
                pass


def test_deno_is_pinned_by_hash_and_no_part_of_the_installation() -> None:
    """Its lock is its own, holds no address, and names one executable."""
    folder = Path(deno.__file__).parent / "npm"
    lock = json.loads((folder / "deno" / "package-lock.json").read_text())["packages"]
    wanted = json.loads((folder / "deno" / "package.json").read_text())["dependencies"]
    assert {path.removeprefix("node_modules/") for path in lock if path} == set(wanted)
    for name, version in wanted.items():
        package = lock[f"node_modules/{name}"]
        assert package["version"] == version
        assert package["integrity"].startswith("sha512-") and "resolved" not in package
    assert "deno" not in (folder / "package.json").read_text()


def test_deno_elsewhere_is_the_one_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Or there is none, and the sentence says what to do."""
    monkeypatch.delenv("WORKBOOK_DENO", raising=False)
    monkeypatch.setattr(deno, "is_pinned_here", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NodeError, match="none is pinned for"):
        deno.deno_executable()
    (tmp_path / "deno").symlink_to("/bin/true")
    assert deno.deno_executable() == tmp_path / "deno"
    with pytest.raises(NodeError, match="not a Deno that runs"):
        deno.deno_version(tmp_path / "deno")


def test_deno_gets_no_secrets_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """And asks nobody for updates."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    environment = deno.deno_environment()
    assert "DATABASE_URL" not in environment
    assert environment["DENO_NO_UPDATE_CHECK"] == "1"
    assert SLIM.is_file() and os.access(SLIM, os.R_OK)


async def test_a_policy_goes_with_its_block_though_its_connection_broke(target: Target) -> None:
    """It stands in a table of the project's, where nobody else would ever take it away."""
    async with own_table(target, published=False) as other:
        async with own_table(target, published=False) as table, _listening_allowed(target, table, "workbook:x"):
            await table.connection.close()
        assert await other.run("select 1 from pg_policy where polname like 'workbook\\_%%'") == []


class _Function:
    """Says what becomes of it."""

    cpu_s = 0.0

    def __init__(self) -> None:
        self.said: list[str] = []

    async def stop(self) -> None:
        self.said.append("stop")

    async def start(self) -> None:
        self.said.append("start")


class _Lost(Writer):
    """A writer whose process is lost at once."""

    async def carry_out(self, planned: Planned, at: float) -> Written:
        raise FailureError("writing", "the process is gone", "Try again")


async def test_an_outage_ends_with_its_run_though_the_writer_failed(target: Target) -> None:
    """Else the next run would meet a function that is down, or that goes down in its midst."""
    function, workload = _Function(), Workload(rate=Constant(20), seconds=0.3, columns={"status": ("open",)})
    async with own_table(target, columns=COLUMNS) as table, _Lost(target) as writer:
        way = Way(table, function=cast(EdgeFunction, function))
        with pytest.raises(FailureError, match="the process is gone"):
            await WayRun(target, writer, workload, DOWN, way, outage=True)(0)
        assert function.said == ["stop", "start"]
