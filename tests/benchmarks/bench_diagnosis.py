"""How long a full diagnosis takes: of the lab, layer by layer, and of a project with 2,000 tables."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from dataclasses import replace

import psycopg

from helpers import workspace
from helpers.diagnosis import Diagnosis, diagnose
from helpers.lab import Lab, LabSettings
from helpers.target import Target

RUNS = 5
TABLES = 2_000
#: What the whole diagnosis may take, in seconds.
LAB_GOAL_S, TABLES_GOAL_S = 5.0, 15.0
#: A table as applications have it: row-level security, an index behind the policy, rows, published. Every one of them.
TABLE = """
do $do$
begin
  for number in {first}..{last} loop
    execute format('create table crowd.table_%1$s (id bigint generated always as identity primary key, user_id uuid,
      room_id bigint, body text, price numeric, created_at timestamptz not null default now())', number);
    execute format('create index on crowd.table_%s (user_id)', number);
    execute format('grant select on crowd.table_%s to authenticated', number);
    execute format('alter table crowd.table_%s enable row level security', number);
    execute format('create policy own on crowd.table_%s for select to authenticated
      using (user_id = (select auth.uid()))', number);
    execute format('insert into crowd.table_%s (user_id, body) select gen_random_uuid(), repeat(''x'', 50)
      from generate_series(1, 10)', number);
    execute format('alter publication supabase_realtime add table crowd.table_%s', number);
  end loop;
end $do$
"""
#: Tables made in one transaction; each holds locks until its end.
BATCH = 100


async def measure() -> None:
    """Diagnose one lab several times, small and crowded."""
    async with Lab(LabSettings()) as lab:
        await workspace.fill(lab.target)
        small = [await timed(lab.target) for _ in range(RUNS)]
        tell("full diagnosis of the lab, 3 repeats", small, LAB_GOAL_S)
        tell_layers(small)
        await crowd(lab.info["database_url"])
        readonly = replace(lab.target, writes_allowed=False)
        crowded = [await timed(readonly) for _ in range(RUNS)]
        tell(f"with {TABLES:,} published tables more", crowded, TABLES_GOAL_S)
        tell_slowest(crowded[0][1])


async def crowd(database_url: str, tables: int = TABLES) -> None:
    """Make the tables, and let PostgreSQL learn their statistics."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("create schema crowd; grant usage on schema crowd to authenticated")
        for first in range(0, tables, BATCH):
            await connection.execute(TABLE.format(first=first, last=first + BATCH - 1).encode())
        await connection.execute("analyze")


async def timed(target: Target) -> tuple[float, Diagnosis]:
    started = time.monotonic()
    diagnosis = await diagnose(target)
    return time.monotonic() - started, diagnosis


def tell(what: str, results: list[tuple[float, Diagnosis]], goal_s: float) -> None:
    seconds = [took for took, _ in results]
    verdict = "met" if max(seconds) < goal_s else "missed"
    print(f"{what}: {statistics.median(seconds):.2f} s", end=" ")
    print(f"({min(seconds):.2f}–{max(seconds):.2f}), n = {len(seconds)}; goal < {goal_s:g} s {verdict}", end="; ")
    print(f"load of the machine {os.getloadavg()[0]:.1f}; {results[0][1].headline}")


def tell_layers(results: list[tuple[float, Diagnosis]]) -> None:
    for number, layer in enumerate(results[0][1].layers):
        samples = [sample for _, result in results for sample in result.layers[number].samples_ms]
        if samples:
            spread = f"({min(samples):.1f}–{max(samples):.1f}), n = {len(samples)}"
            print(f"  {layer.name:<14} {statistics.median(samples):>7.1f} ms {spread}")


def tell_slowest(diagnosis: Diagnosis) -> None:
    """Where the evidence of a large project comes from that took longest."""
    slowest = sorted(diagnosis.checks, key=lambda check: -check.took_ms)[:5]
    print("  slowest evidence: " + ", ".join(f"{check.id} {check.took_ms:.0f} ms" for check in slowest))


def main() -> None:
    asyncio.run(measure())
