"""Runs scenarios side by side, and tells what differed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from helpers.lab.conformance.compare import Difference, compare, frames
from helpers.lab.conformance.deliberate import reason_for
from helpers.lab.conformance.plan import LANES, comes_back
from helpers.lab.conformance.recording import Recording, load
from helpers.lab.conformance.replay import Replay
from helpers.lab.conformance.server import GivenServer, LabServer, Server

__all__ = ["VERSIONS", "Outcome", "Tell", "run_given", "run_labs"]

VERSIONS = ("v1", "v2")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scenario: how many messages were compared, which differed without a reason, which with one."""

    recording: Recording
    frames: int
    differences: tuple[Difference, ...]
    deliberate: tuple[Difference, ...]


Tell = Callable[[Outcome], None]


async def run_labs(scenarios: Collection[str], tell: Tell) -> None:
    """Replay scenarios in both versions, on as many labs as there are lanes; tell of each when it is done."""
    await asyncio.gather(*(_lane(lane, version, tell) for lane in _lanes(scenarios) for version in VERSIONS))


async def run_given(scenarios: Collection[str], server: GivenServer, tell: Tell) -> None:
    """Replay scenarios one after another on a server that runs already, but for those that would end it."""
    recordings = [load(scenario, version) for scenario in sorted(scenarios) for version in VERSIONS]
    for recording in recordings:
        if not comes_back(recording.scenario):
            tell(await _outcome(server, recording))


def _lanes(scenarios: Collection[str]) -> Iterator[tuple[str, ...]]:
    for lane in LANES:
        chosen = tuple(scenario for scenario in lane if scenario in scenarios)
        if chosen:
            yield chosen


async def _lane(scenarios: tuple[str, ...], version: str, tell: Tell) -> None:
    async with LabServer(comes_back=any(map(comes_back, scenarios))) as server:
        for scenario in scenarios:
            tell(await _outcome(server, load(scenario, version)))


async def _outcome(server: Server, recording: Recording) -> Outcome:
    replay = Replay(server, recording)
    await replay.run()
    # In a thread, as thousands of messages take a second on a busy machine, and others are being timed meanwhile.
    differences = await asyncio.to_thread(compare, recording, replay.rows)
    meant = tuple(difference for difference in differences if reason_for(difference))
    rest = tuple(difference for difference in differences if difference not in meant)
    return Outcome(recording, frames(recording), rest, meant)
