"""Changes applied per second, by each way to keep a second store, and what it costs the database.

Every way gets the same changes of a change log, as fast as it takes them; the tables are compared afterwards. Batches
write of each row the last change only; but none of the batches here has a row twice, as the load first inserts as many
rows as the largest holds, and then updates some and deletes the others: every change counted is one written. Database
load is what PostgreSQL's processes spent, and the statements that Prisma sent. Every figure is the median of some
rounds, with their range; the ratio is that of the rounds, each way against the naive handler of the same round.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from helpers.lab import Lab
from helpers.prisma import deploy_migrations, json_type, prisma_client, statements_sent
from helpers.prisma.datamodel import read_datamodel
from helpers.prisma.generate import SCHEMA
from helpers.profiling.meters import Meters
from helpers.resilience import ChangeLog, Item, Origin, SqlLogReader, install_change_log
from helpers.sync import Converter, Load
from helpers.sync.load import Source, open_source
from helpers.sync.mirroring import MemoryStore, snapshot
from tests.benchmarks.sync_arms import Arm, Stage, arms_of, stores_behind

ROUNDS = 3
LOAD = Load(inserts=1_000, updates=600, deletes=400, per_transaction=25)
WARM_UP = Load(inserts=40, updates=20, deletes=10)
GOAL = 10.0

DIFFERENT = """
select count(*) filter (where to_jsonb(s) is distinct from to_jsonb(m))
from messages s full join mirrored_messages m on m.id = s.id
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One arm in one round. wrong: rows that differ from the source's; None if the copy is elsewhere."""

    per_s: float
    database_cpu_us: float
    statements: int
    wrong: int | None
    errors: int


def main() -> None:
    asyncio.run(_compare())


async def _compare() -> None:
    found: dict[str, list[Run]] = {arm.name: [] for arm in arms_of()}
    async with _stage() as (stage, source):
        await _round(stage, source, -1, WARM_UP)
        for number in range(ROUNDS):
            for name, run in (await _round(stage, source, number, LOAD)).items():
                found[name].append(run)
    _print(found)


@asynccontextmanager
async def _stage() -> AsyncIterator[tuple[Stage, Source]]:
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(Lab())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        target = replace(lab.target, schema="public")  # the one that the Data API exposes
        deploy_migrations(target.database_url or "", "public")
        client = await prisma_client(target)
        stack.push_async_callback(client.disconnect)
        source = await stack.enter_async_context(open_source(target, "benchmark"))
        await install_change_log(source.connection, ["messages"])
        converter = Converter.of(read_datamodel(SCHEMA), "messages", json_type(client))
        yield Stage(target, client, converter, folder), source


async def _round(stage: Stage, source: Source, number: int, load: Load) -> dict[str, Run]:
    """The same changes for every arm; the order of the arms rotates."""
    url = stage.target.database_url or ""
    await source.connection.execute("delete from messages")
    stage.behind = await stores_behind(stage, number)
    for store in stage.behind.values():
        async with snapshot(url, "messages") as now:
            await store.replace(now)
    stage.items = await _written(source, url, load)
    arms = arms_of()
    turn = number % len(arms)
    found = {arm.name: await _measure(arm, stage, source.connection) for arm in (*arms[turn:], *arms[:turn])}
    memory, file = stage.behind["memory"], stage.behind["sqlite"]
    assert isinstance(memory, MemoryStore)
    assert len(memory.rows) == len(await file.rows()) == load.inserts - load.deletes  # type: ignore[attr-defined]
    await file.__aexit__()  # type: ignore[attr-defined]
    return found


async def _written(source: Source, url: str, load: Load) -> list[Item]:
    """Write the load, and read it from the log."""
    reader = SqlLogReader(url)
    log = ChangeLog(reader, "messages")
    items: list[Item] = []
    async for _ in log.read(Origin.CATCH_UP):
        pass  # where to begin
    await source.change(load, await source.insert(load))
    async for page in log.read(Origin.CATCH_UP):
        for item in page:
            log.mark(item)
            items.append(item)
    await reader.close()
    assert len(items) == load.changes
    return items


async def _measure(arm: Arm, stage: Stage, connection: psycopg.AsyncConnection) -> Run:
    await connection.execute("delete from mirrored_messages")
    await connection.execute("vacuum (analyze) mirrored_messages")
    stage.errors, before = 0, await statements_sent(stage.client)
    async with Meters(stage.target) as meters:
        began = time.perf_counter()
        await arm.run(stage)
        seconds = time.perf_counter() - began
    row = await (await connection.execute(DIFFERENT)).fetchone()
    return Run(
        per_s=len(stage.items) / seconds,
        database_cpu_us=1e6 * (meters.usage.database_cpu_s or 0.0) / len(stage.items),
        statements=await statements_sent(stage.client) - before,
        wrong=row[0] if arm.writes_copy and row else None,
        errors=stage.errors,
    )


def _print(found: dict[str, list[Run]]) -> None:
    naive = found[arms_of()[0].name]
    ratios = {
        name: [run.per_s / other.per_s for run, other in zip(runs, naive, strict=True)] for name, runs in found.items()
    }
    print(f"{LOAD.changes:,} changes (insert, update, delete), {ROUNDS} rounds: median (range)")
    print(
        f"{'':36}{'changes/s':<24}{'x naive':<22}{'PostgreSQL µs/change':<24}{'statements':>10}"
        f"{'wrong rows':>12}{'errors':>8}"
    )
    for name, runs in found.items():
        wrong = [run.wrong for run in runs if run.wrong is not None]
        sent = [run.statements for run in runs]
        print(
            f"{name:36}{_told([run.per_s for run in runs]):<24}{_told(ratios[name], 1):<22}"
            f"{_told([run.database_cpu_us for run in runs]):<24}{statistics.median(sent):>10,.0f}"
            f"{f'{max(wrong):,}' if wrong else 'elsewhere':>12}{max(run.errors for run in runs):>8,}"
        )
    best = max(statistics.median(ratios[name]) for name in ratios if name.startswith("batches"))
    print(
        "Data API: the lab's counts in doubles, as supabase-js does, so that prices of more digits are refused or wrong"
    )
    print(f"goal: batches at least {GOAL:.0f} times the naive handler: {best:.1f} times, {_verdict(best)}")


def _verdict(best: float) -> str:
    return "reached" if best >= GOAL else "MISSED"


def _told(values: Sequence[float], digits: int = 0) -> str:
    low, high = min(values), max(values)
    return f"{statistics.median(values):,.{digits}f} ({low:,.{digits}f}-{high:,.{digits}f})"


if __name__ == "__main__":
    main()
