"""The poll ladder: how long a change waits for the server's next look, and what it would cost to wait less."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from helpers.experiments.experiment import Metric, Outcome
from helpers.experiments.ladder.answer import ladder_answer
from helpers.experiments.ladder.results import Ladder, Watched
from helpers.experiments.ladder.settings import PARTS, SETTINGS, Traffic, traffics
from helpers.experiments.ladder.stand import Stand
from helpers.experiments.rounds import Arm, run_rounds
from helpers.experiments.size import Size, experiment_size

__all__ = ["METRICS", "arm_name", "compare_ladder"]

METRICS = (
    Metric("poll wait p50", "ms"),
    Metric("processing p50", "ms"),
    Metric("latency p50", "ms"),
    Metric("latency p95", "ms"),
    Metric("looks", "queries/s"),
    Metric("database CPU", "ms a second"),
)

QUESTION = (
    "How much of a change's latency is waiting for the server's next look, and what does looking more often cost?"
)


def arm_name(setting: str, traffic: str) -> str:
    return f"{setting}, {traffic}"


async def compare_ladder(*, size: Size | str | None = None) -> Ladder:
    """Watch `postgres_changes` in three labs of its own: the real server's ladder, a look every 100 ms, and streaming.

    Each change's latency is split at the next look. Looks are seen in the database's own statistics; commits
    and looks are told by one clock, the database's. The labs run side by side and get the same changes at the same
    moments; a round of the experiment is a part of that time, in all of them.

    Raises:
        SettingsError: there is no such size.
        LabError: a lab could not be started.
    """
    chosen = experiment_size(size)
    async with contextlib.AsyncExitStack() as stack:
        opened = [stack.enter_async_context(Stand.open(setting)) for setting in SETTINGS]
        together = _Together(await asyncio.gather(*opened), PARTS[chosen])
        experiment = await run_rounds(
            "poll ladder",
            QUESTION,
            together.stands[0].target,
            together.arms(traffics(chosen)),
            metrics=METRICS,
            rounds=PARTS[chosen],
            size=chosen,
            answer=lambda found: ladder_answer(found, together.watched, traffics(chosen)[0].name),
            settings={"labs": "its own, one for each setting, side by side; a round is a part of the same time"},
        )
    return Ladder(experiment, tuple(together.watched))


class _Together:
    """Has each traffic written to all stands at once; whichever arm comes first begins it."""

    def __init__(self, stands: Sequence[Stand], parts: int) -> None:
        self.stands = stands
        self.watched: list[Watched] = []
        self._parts = parts
        self._running: dict[str, asyncio.Task[dict[str, Watched | BaseException]]] = {}

    def arms(self, traffics: Sequence[Traffic]) -> dict[str, Arm]:
        """One for each setting and traffic."""
        return {
            arm_name(stand.setting, traffic.name): self._arm(stand.setting, traffic)
            for traffic in traffics
            for stand in self.stands
        }

    def _arm(self, setting: str, traffic: Traffic) -> Arm:
        async def arm(number: int) -> Outcome:
            if traffic.name not in self._running:
                self._running[traffic.name] = asyncio.create_task(self._all(traffic))
            found = (await self._running[traffic.name])[setting]
            if isinstance(found, BaseException):
                raise found
            return Outcome(found.values(number, self._parts), notes=_notes(found) if number == 0 else ())

        return arm

    async def _all(self, traffic: Traffic) -> dict[str, Watched | BaseException]:
        runs = [stand.run(traffic) if traffic.per_s else stand.idle(traffic, self._parts) for stand in self.stands]
        found = await asyncio.gather(*runs, return_exceptions=True)
        self.watched += [one for one in found if isinstance(one, Watched)]
        return {stand.setting: one for stand, one in zip(self.stands, found, strict=True)}


def _notes(watched: Watched) -> tuple[str, ...]:
    told = []
    if watched.lost:
        told.append(f"changes that did not arrive: {watched.lost}")
    if watched.unseen:
        told.append(f"changes left out, as no look was seen between their commit and their arrival: {watched.unseen}")
    return tuple(told)
