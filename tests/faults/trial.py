"""One run: a mirror, writers, a few faults, and the reckoning."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
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
from helpers.resilience import install_change_log
from helpers.sync.mirroring.sqlite import as_stored
from helpers.workspace import fill
from tests.faults.application import MirrorProcess
from tests.faults.writers import PROBE, written

__all__ = ["Run", "drawn", "new_scene", "play"]

#: After that a mirror has not recovered.
RECOVERY_LIMIT_S = 60.0

#: What takes longer is told step by step.
SLOW_S = 4.0

#: Faults of one run, at most.
MOST = 3

#: How long a fault is there that does not end by itself, or a server is down.
LASTING_S = (0.05, 0.3, 1.0, 2.5)


#: By the primary key.
Rows = dict[tuple[Any, ...], dict[str, Any]]


@dataclass(slots=True)
class Run:
    """What became of it.

    Attributes:
        recovered_s: from the mending of each fault until a row that was written then had arrived.
        changes: that were applied. lost: those of them that Realtime did not bring.
        details: of rows that came out wrong. slow: what happened in recoveries that took long.
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
    slow: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether the mirror came out right."""
        return not (self.missing or self.foreign or self.different or self.twice or self.disordered)

    def __str__(self) -> str:
        wrong = f"{self.missing} missing, {self.foreign} foreign, {self.different} different, {self.twice} twice, "
        return (
            f"seed {self.seed}: {', '.join(self.faults)}; {self.changes} changes, {self.lost} lost by Realtime; "
            f"{'held' if self.held else wrong + f'{self.disordered} disordered'}"
            + "".join(f"\n    {line}" for line in (*self.details, *self.slow))
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


def drawn(seed: int, faults: Sequence[Fault] = tuple(FAULTS.values())) -> list[Fault]:
    """Some of them by chance, the same for a seed."""
    chance = random.Random(seed)
    return [chance.choice(faults) for _ in range(chance.randint(1, MOST))]


async def play(scene: Scene, seed: int, faults: Sequence[Fault], lasting_s: Sequence[float] = LASTING_S) -> Run:
    """Mirror, write, break one thing after the other, and compare.

    Args:
        lasting_s: how long a fault is there that does not end by itself; it is one of these.
    """
    chance, run = random.Random(seed), Run(seed)
    async with MirrorProcess(scene.service) as application:
        scene.application = application
        try:
            await _until_there(application, await _probe(scene))
            async with written(scene, seed) as run.written:
                for fault in faults:
                    await asyncio.sleep(chance.uniform(0, 0.5))
                    await _suffer(scene, application, fault, chance.choice(lasting_s), run)
            await _until_quiet(scene)
            await _compare(application, await _rows(scene), run)
        except Exception as error:
            raise NotRecovered("\n".join([str(run), *application.story()[-30:]])) from error
        _count(application, run)
    return run


class NotRecovered(AssertionError):  # noqa: N818 - a finding
    """The mirror does not follow any more."""


async def _suffer(scene: Scene, application: MirrorProcess, fault: Fault, lasting_s: float, run: Run) -> None:
    """One fault, and how long it takes until it is got over."""
    run.faults.append(fault.name)
    began = time.monotonic()
    async with fault.strike(scene, lasting_s):
        if fault.lasts:
            await asyncio.sleep(lasting_s)
    mended = time.monotonic()
    await _until_there(application, await _probe(scene))
    recovered_s = time.monotonic() - mended
    run.recovered_s.append((fault.name, recovered_s))
    if recovered_s > SLOW_S:
        run.slow += [f"{fault.name}, mended after {mended - began:.3f} s, recovered in {recovered_s:.3f} s"]
        run.slow += application.story(began)


async def _probe(scene: Scene) -> str:
    """A new row; its body, which is its own."""
    statement = "insert into messages (room_id, author, body) values (%s, %s, %s)"
    body = f"{PROBE}{secrets.token_hex(8)}"
    async with asyncio.timeout(RECOVERY_LIMIT_S):
        while True:
            try:
                async with await scene.connection() as connection:
                    await connection.execute(statement, [SEED_ROOM, next(iter(SEED_USERS.values())), body])
                    return body
            except psycopg.Error:
                await asyncio.sleep(0.02)


async def _until_there(application: MirrorProcess, body: str) -> None:
    async with asyncio.timeout(RECOVERY_LIMIT_S):
        while not application.has(body):  # noqa: ASYNC110 - a file has no events, and a short poll is what is measured
            await asyncio.sleep(0.005)


async def _until_quiet(scene: Scene) -> None:
    """A write that was given up may still be under way in the database, and commit after the comparison."""
    busy = "select count(*) from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()"
    async with asyncio.timeout(RECOVERY_LIMIT_S), await scene.connection() as connection:
        while (await (await connection.execute(busy)).fetchone()) != (0,):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.02)


async def _rows(scene: Scene) -> Rows:
    """As SQLite would hold them."""
    async with await scene.connection() as connection:
        found = await (await connection.execute("select to_jsonb(m)::text from messages m")).fetchall()
    rows = [json.loads(text, parse_float=Decimal) for (text,) in found]
    return {(row["id"],): {name: as_stored(value) for name, value in row.items()} for row in rows}


async def _compare(application: MirrorProcess, rows: Rows, run: Run) -> None:
    """Nobody writes any more: as soon as they are equal, or the time is over."""
    deadline = time.monotonic() + RECOVERY_LIMIT_S
    while (copy := application.rows()) != rows and time.monotonic() < deadline:  # noqa: ASYNC110 - it is a file
        await asyncio.sleep(0.05)
    run.missing = len(rows.keys() - copy.keys())
    run.foreign = len(copy.keys() - rows.keys())
    run.different = sum(rows[key] != row for key, row in copy.items() if key in rows)
    wrong = [key for key in rows.keys() | copy.keys() if rows.get(key) != copy.get(key)]
    run.details = [f"{key}: {' | '.join(application.story_of(key)) or 'never told'}" for key in wrong[:3]]


def _count(application: MirrorProcess, run: Run) -> None:
    counts = application.counts()
    run.changes, run.lost, run.snapshots = counts["changes"], counts["lost"], counts["snapshots"]
    run.twice, run.disordered = counts["twice"], counts["disordered"]
