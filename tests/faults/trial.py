"""One run: a mirror, writers, a few faults, and the reckoning."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg

from helpers.lab import LabSettings
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.faults import FAULTS, Fault, Scene
from helpers.prisma import SEED_ROOM, SEED_USERS
from helpers.resilience import (
    BackoffSettings,
    ResilienceSettings,
    ResilientClient,
    install_change_log,
)
from helpers.sync.mirroring import TableMirror
from helpers.workspace import fill
from tests.faults.witness import Witness
from tests.faults.writers import written

__all__ = ["SETTINGS", "Run", "new_scene", "play"]

#: Seconds in place of the defaults' tens of seconds; the rules are the same.
SETTINGS = ResilienceSettings(
    heartbeat_s=1.0,
    timeout_s=0.9,
    connect_timeout_s=3.0,
    join_timeout_s=10.0,
    backoff=BackoffSettings(base_s=0.1, cap_s=1.0, spread_s=0.1, reset_after_s=1.0),
    poll_after_s=0.5,
    poll_min_s=0.2,
    poll_max_s=1.0,
    audit_s=2.0,
)

#: After that a mirror has not recovered.
RECOVERY_LIMIT_S = 60.0


@dataclass(slots=True)
class Run:
    """What became of it.

    Attributes:
        recovered_s: from the mending of each fault until a row that was written then had arrived.
        changes: that were applied. lost: those of them that Realtime did not bring.
    """

    seed: int
    faults: list[str] = field(default_factory=list)
    recovered_s: list[tuple[str, float]] = field(default_factory=list)
    written: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    lost: int = 0
    snapshots: int = 0
    missing: int = 0
    foreign: int = 0
    different: int = 0
    twice: int = 0
    disordered: int = 0
    details: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether the mirror came out right."""
        return not (self.missing or self.foreign or self.different or self.twice or self.disordered)

    def __str__(self) -> str:
        wrong = f"{self.missing} missing, {self.foreign} foreign, {self.different} different, {self.twice} twice, "
        return (
            f"seed {self.seed}: {', '.join(self.faults)}; {self.changes} changes, {self.lost} lost by Realtime; "
            f"{'held' if self.held else wrong + f'{self.disordered} disordered'}"
            + "".join(f"\n    {line}" for line in self.details)
        )


async def new_scene() -> Scene:
    """With the workbook's tables, of which one is under a change log. To be closed by the caller."""
    changes = ChangeSettings(publication_refresh_s=1.0, cold_start_s=(0.0, 0.0))
    scene = await Scene(LabSettings(changes=changes)).__aenter__()
    try:
        await fill(scene.lab.target)
        async with await scene.connection() as connection:
            await install_change_log(connection, ["messages"])
    except BaseException:
        await scene.aclose()
        raise
    return scene


async def play(scene: Scene, seed: int, faults: Sequence[Fault] = tuple(FAULTS.values())) -> Run:
    """Mirror, write, break a few things, and compare."""
    chance, run, store = random.Random(seed), Run(seed), Witness()
    async with ResilientClient(scene.service, settings=SETTINGS) as client:
        mirror = TableMirror(client, "messages", store)
        mirroring = asyncio.create_task(mirror.run())
        try:
            await mirror.caught_up(RECOVERY_LIMIT_S)
            async with written(scene, seed) as run.written:
                for _ in range(chance.randint(1, 3)):
                    await _suffer(scene, store, chance.choice(faults), chance, run)
            await _until_quiet(scene)
            await mirror.caught_up(RECOVERY_LIMIT_S)
            _compare(store, await _rows(scene), run)
        except Exception as error:
            raise NotRecovered(_story(run, mirror, mirroring)) from error
        finally:
            mirroring.cancel()
            await asyncio.gather(mirroring, return_exceptions=True)
    _count(mirror, store, run)
    return run


class NotRecovered(AssertionError):  # noqa: N818 - a finding
    """The mirror does not follow any more."""


def _story(run: Run, mirror: TableMirror, mirroring: asyncio.Task[None]) -> str:
    """What can be told of a mirror that does not follow."""
    ended = mirroring.exception() if mirroring.done() and not mirroring.cancelled() else "it runs"
    steps = [] if mirror.subscription is None else [str(step) for step in mirror.subscription.life.transitions]
    return "\n".join([f"{run}: {ended!r}", *steps[-30:]])


async def _suffer(scene: Scene, store: Witness, fault: Fault, chance: random.Random, run: Run) -> None:
    """One fault, sometimes two at the same time, and how long it takes until it is got over."""
    run.faults.append(fault.name)
    await asyncio.sleep(chance.uniform(0, 0.5))
    async with fault.strike(scene, chance.uniform(0, 1)):
        await asyncio.sleep(chance.choice((0.05, 0.3, 1.0, 2.5)))
    mended = time.monotonic()
    await _until_there(store, await _probe(scene))
    run.recovered_s.append((fault.name, time.monotonic() - mended))


async def _probe(scene: Scene) -> tuple[int]:
    """A new row; its key."""
    statement = "insert into messages (room_id, author, body) values (%s, %s, 'probe') returning id"
    async with asyncio.timeout(RECOVERY_LIMIT_S):
        while True:
            try:
                async with await scene.connection() as connection:
                    author = next(iter(SEED_USERS.values()))
                    row = await (await connection.execute(statement, [SEED_ROOM, author])).fetchone()
                    assert row is not None
                    return (row[0],)
            except psycopg.Error:
                await asyncio.sleep(0.02)


async def _until_there(store: Witness, key: tuple[int]) -> None:
    """Writers may change or delete the row at once; then it was there all the same."""
    async with asyncio.timeout(RECOVERY_LIMIT_S):
        while not store.had(key):  # noqa: ASYNC110 - a store has no events, and a poll of 2 ms is what is measured
            await asyncio.sleep(0.002)


async def _until_quiet(scene: Scene) -> None:
    """A write that was given up may still be under way in the database, and commit after the comparison."""
    busy = "select count(*) from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()"
    async with asyncio.timeout(RECOVERY_LIMIT_S), await scene.connection() as connection:
        while (await (await connection.execute(busy)).fetchone()) != (0,):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.02)


async def _rows(scene: Scene) -> dict[tuple[Any, ...], dict[str, Any]]:
    async with await scene.connection() as connection:
        found = await (await connection.execute("select to_jsonb(m)::text from messages m")).fetchall()
    rows = [json.loads(text, parse_float=Decimal) for (text,) in found]
    return {(row["id"],): row for row in rows}


def _compare(store: Witness, rows: dict[tuple[Any, ...], dict[str, Any]], run: Run) -> None:
    run.missing = len(rows.keys() - store.rows.keys())
    run.foreign = len(store.rows.keys() - rows.keys())
    run.different = sum(rows[key] != row for key, row in store.rows.items() if key in rows)
    wrong = [key for key in rows.keys() | store.rows.keys() if rows.get(key) != store.rows.get(key)]
    run.details = [f"{key}: {' | '.join(store.story.get(key, ['never told']))}" for key in wrong[:3]]


def _count(mirror: TableMirror, store: Witness, run: Run) -> None:
    run.changes, run.lost = mirror.applied.total(), mirror.lost_by_stream
    run.snapshots, run.twice, run.disordered = mirror.snapshots, store.twice, store.disordered
