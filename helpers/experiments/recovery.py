"""How long it takes until everything is right again, fault by fault."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg

from helpers.errors import FailureError
from helpers.experiments.size import Size
from helpers.lab import LabSettings
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.faults import FAULTS, Scene
from helpers.progress import Progress
from helpers.resilience import (
    BackoffSettings,
    ChangeLog,
    ResilienceSettings,
    ResilientClient,
    SqlLogReader,
    State,
    Subscription,
    install_change_log,
)
from helpers.results import utc_now

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Recoveries", "Recovery", "measure_recovery"]

#: Those that fit into a minute; the others restart servers.
QUICK = ("reset", "half-open", "black hole", "slot lost", "connections ended", "operator disconnects")
REPEATS = {Size.SMALL: 2, Size.FULL: 20}

#: How long a fault lasts that does not end by itself.
FAULT_S = 0.5
LIMIT_S = 60.0

SETTINGS = ResilienceSettings(
    heartbeat_s=1.0,
    timeout_s=0.9,
    backoff=BackoffSettings(base_s=0.1, cap_s=1.0, spread_s=0.1, reset_after_s=1.0),
    poll_after_s=0.5,
    audit_s=1.0,
)


@dataclass(frozen=True, slots=True)
class Recovery:
    """One fault, several times.

    Attributes:
        seconds: from when it was mended until a change that was committed then had arrived.
        told_in_s: from its begin until the subscription knew, where it came to know at all.
        by: the ways by which those changes came.
    """

    fault: str
    happens: str
    seconds: tuple[float, ...]
    told_in_s: tuple[float, ...]
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recoveries:
    """All that were tried. heartbeat_s: of the subscription."""

    target: str
    taken_at: str
    heartbeat_s: float
    recoveries: tuple[Recovery, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row for each fault: recovery and detection in seconds."""
        import pandas as pd

        return pd.DataFrame(
            {
                "fault": one.fault,
                "recovered, median (s)": float(np.median(one.seconds)),
                "slowest (s)": max(one.seconds),
                "noticed, slowest (s)": max(one.told_in_s, default=float("nan")),
                "came by": ", ".join(sorted(set(one.by))),
                "n": len(one.seconds),
            }
            for one in self.recoveries
        ).set_index("fault")

    def __str__(self) -> str:
        return f"{self.to_frame().round(2).to_string()}\n{self.answer}"

    def _repr_html_(self) -> str:
        return str(self.to_frame().round(2).to_html()) + f"<p><strong>{self.answer}</strong></p>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))

    @property
    def answer(self) -> str:
        """What these runs say to the seed's 30 s."""
        slowest = max(self.recoveries, key=lambda one: max(one.seconds))
        times = [seconds for one in self.recoveries for seconds in one.seconds]
        verdict = "within" if max(times) <= 30 else "beyond"
        middle = float(np.median(times))
        return (
            f"The slowest recovery took {max(times):.2f} s ({slowest.fault}), {verdict} the 30 s that are asked for; "
            f"the median of all {len(times)} was {middle:.2f} s, with heartbeats every {self.heartbeat_s:g} s."
        )


async def measure_recovery(
    *, size: Size = Size.SMALL, faults: Sequence[str] = QUICK, repeats: int | None = None
) -> Recoveries:
    """Break a lab of its own in one way after another, and wait each time until a new change arrives.

    Args:
        faults: names of `helpers.lab.faults.FAULTS`; not of those that happen to an application's process.

    Raises:
        KeyError: there is no such fault. SettingsError: it needs a process to happen to.
        FailureError: it did not recover within a minute.
    """
    chosen = [FAULTS[name] for name in faults]
    changes = ChangeSettings(cold_start_s=(0.0, 0.0), publication_refresh_s=1.0)
    async with Scene(LabSettings(changes=changes)) as scene:
        async with await scene.connection() as connection:
            await connection.execute(
                "create table pulse (id bigint generated always as identity primary key, body text)"
            )
            await install_change_log(connection, ["pulse"])
        async with ResilientClient(scene.service, settings=SETTINGS) as client:
            patient = _Patient(scene, client.subscribe(ChangeLog(SqlLogReader(scene.database_url), "pulse")))
            await patient.subscription.wait_for(State.LIVE)
            found = []
            with Progress() as progress:
                for fault in chosen:
                    progress.say(f"recovery: {fault}")
                    runs = [await patient.suffer(fault.name) for _ in range(repeats or REPEATS[size])]
                    found.append(_recovery(fault.name, fault.happens, runs))
        return Recoveries(str(scene.lab.target), utc_now(), SETTINGS.heartbeat_s, tuple(found))


#: Recovered in, told in, came by.
Run = tuple[float, float | None, str]


def _recovery(name: str, happens: str, runs: Sequence[Run]) -> Recovery:
    seconds, told, by = zip(*runs, strict=True)
    return Recovery(name, happens, seconds, tuple(value for value in told if value is not None), by)


class _Patient:
    """A subscription that faults happen to."""

    def __init__(self, scene: Scene, subscription: Subscription) -> None:
        self.scene, self.subscription = scene, subscription

    async def suffer(self, fault: str) -> Run:
        began = time.monotonic()
        async with FAULTS[fault].strike(self.scene, FAULT_S):
            if FAULTS[fault].lasts:
                await asyncio.sleep(FAULT_S)
        mended = time.monotonic()
        key = await self._commit()
        by = await self._arrival(key)
        recovered = time.monotonic() - mended
        await self.subscription.wait_for(State.LIVE, timeout=LIMIT_S)
        left = [
            step.at for step in self.subscription.life.transitions if step.before is State.LIVE and step.at >= began
        ]
        return recovered, left[0] - began if left else None, by

    async def _commit(self) -> int:
        async with asyncio.timeout(LIMIT_S):
            while True:
                try:
                    async with await self.scene.connection() as connection:
                        row = await (
                            await connection.execute("insert into pulse (body) values ('beat') returning id")
                        ).fetchone()
                        assert row is not None
                        return int(row[0])
                except psycopg.Error:
                    await asyncio.sleep(0.02)

    async def _arrival(self, key: int) -> str:
        try:
            async with asyncio.timeout(LIMIT_S):
                async for item in self.subscription:
                    if item.record.get("id") == key:
                        return item.origin.value
        except TimeoutError:
            pass
        tried, happened = "recovering from a fault", f"the change did not arrive within {LIMIT_S:.0f} s"
        raise FailureError(tried, happened, "Look at `subscription.life.transitions`")
