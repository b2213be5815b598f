"""The poll ladder: how a latency is split at a look, what the runs say, and a real server that is watched."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Sequence

import numpy as np
import pytest

from helpers.client import RealtimeClient
from helpers.experiments.experiment import Experiment, Metric
from helpers.experiments.ladder.answer import ladder_answer
from helpers.experiments.ladder.compare import arm_name
from helpers.experiments.ladder.looks import LookWatch
from helpers.experiments.ladder.results import Ladder, Point, Watched, decomposed
from helpers.experiments.ladder.settings import IDLE, POLL_100, REAL, STREAMING, Traffic
from helpers.experiments.ladder.stand import Stand
from helpers.experiments.tables import own_table
from helpers.plots import ladder_plot, sawtooth_plot
from helpers.profiling.processes import ProcessesUnknown, find_processes
from helpers.target import Target
from helpers.wire.join import ChangeBinding, JoinConfig

ISOLATED = "isolated changes"
EPOCH_S = 1.8e9


def split(
    committed: Sequence[float], received: Sequence[float], looks: Sequence[float], polls: bool = True
) -> tuple[Point, ...]:
    committed_s, received_s, looks_s = (EPOCH_S + np.array(times) for times in (committed, received, looks))
    return decomposed(np.arange(len(committed)), committed_s, received_s, looks_s, EPOCH_S, polls=polls)


def test_a_latency_is_split_at_the_look_that_found_the_change() -> None:
    """Committed 100 ms after a look and 400 ms before the next, received 5 ms after that."""
    (point,) = split([1.1], [1.505], [1.0, 1.5, 2.0])
    assert point.since_look_ms == pytest.approx(100, abs=0.01)
    assert point.wait_ms == pytest.approx(400, abs=0.01)
    assert point.processing_ms == pytest.approx(5, abs=0.01)


def test_a_change_whose_look_was_not_seen_is_left_out() -> None:
    """It arrived before the next look that is known: there was another; and before the first look nothing is known."""
    assert [point.number for point in split([0.9, 1.1, 1.2, 2.1], [1.0, 1.3, 1.6, 2.2], [1.0, 1.5])] == [2]
    assert split([1.1], [1.2], []) == ()


def test_without_looks_nothing_waits() -> None:
    """A server that streams is told of a commit at once."""
    (point,) = split([1.1], [1.102], [], polls=False)
    assert point.wait_ms == 0
    assert point.processing_ms == pytest.approx(2, abs=0.01)


def watched(setting: str, waits_ms: Sequence[float], processing_ms: float = 5.0) -> Watched:
    """One change a second that waited so long."""
    points = (
        Point(number, number + 0.5, 500 - wait, wait, wait + processing_ms) for number, wait in enumerate(waits_ms)
    )
    looks = () if setting == STREAMING else tuple(np.arange(0, len(waits_ms), 0.5).tolist())
    return Watched(setting, ISOLATED, float(len(waits_ms)), tuple(points), looks)


def test_parts_hold_what_was_committed_in_them() -> None:
    """The first half's changes and looks are not the second half's."""
    found = watched(REAL, [100, 200, 300, 400])
    assert [found.values(part, 2)["poll wait p50"] for part in (0, 1)] == [150, 350]
    assert [found.values(part, 2)["looks"] for part in (0, 1)] == [2, 2]


def experiment_of(runs: Sequence[Watched]) -> Experiment:
    arms = tuple(arm_name(setting, traffic) for setting in (REAL, POLL_100, STREAMING) for traffic in (ISOLATED, IDLE))
    return Experiment("poll ladder", "?", "lab", "2026-01-01", "small", 1.0, arms, (Metric("looks", ""),), ())


WAITS = (30.0, 260.0, 410.0, 120.0, 480.0, 330.0, 70.0, 200.0)


def test_an_effect_is_told_with_its_size() -> None:
    """Waits that are gone are, by pairs of changes."""
    runs = [
        watched(REAL, WAITS),
        watched(POLL_100, [wait / 5 for wait in WAITS]),
        watched(STREAMING, [0.0] * len(WAITS)),
    ]
    said = ladder_answer(experiment_of(runs), runs, ISOLATED)
    assert "real ladder: an isolated change waits 237.5 ms" in said
    assert "mostly waiting" in said
    assert "streaming: nothing waits for a look" in said
    assert "poll 100 ms against real ladder, change by change: latency: better by" in said


def test_equal_settings_show_no_difference() -> None:
    """The same waits in another order are no gain."""
    runs = [watched(REAL, WAITS), watched(POLL_100, WAITS[::-1])]
    said = ladder_answer(experiment_of(runs), runs, ISOLATED)
    assert "poll 100 ms against real ladder, change by change: latency: no difference shown" in said
    assert "streaming: no isolated change was measured" in said


def test_pictures_say_when_there_is_nothing_to_draw() -> None:
    """And draw when there is."""
    runs = [watched(REAL, WAITS), watched(STREAMING, [0.0] * len(WAITS))]
    for draw in (sawtooth_plot, ladder_plot):
        assert "no picture" in draw(Ladder(experiment_of([]), ())).axes[0].texts[0].get_text()
        assert draw(Ladder(experiment_of(runs), tuple(runs))).axes[0].lines


async def test_looks_of_a_real_server_are_seen(target: Target) -> None:
    """It looks every 500 ms while nothing happens, and the database's clock is known to a few milliseconds."""
    async with own_table(target) as table, RealtimeClient(target) as client:
        channel = client.channel("looks", JoinConfig(changes=(ChangeBinding(schema=table.schema, table=table.name),)))
        await channel.subscribe(timeout=20)
        watch = await asyncio.to_thread(LookWatch, target)
        with contextlib.closing(watch):
            clock = await asyncio.to_thread(watch.clock)
            looks = await asyncio.to_thread(watch.watch, 1.8)
    assert 0 <= clock.uncertain_s < 0.02
    assert looks.size >= 3
    assert 0.49 < np.median(np.diff(looks)) < 0.7


async def test_a_setting_is_watched_in_a_lab_that_is_gone_afterwards() -> None:
    """Every change has its wait, which is no longer than the setting allows; nothing is left running."""
    async with Stand.open(POLL_100) as stand:
        found = await stand.run(Traffic(ISOLATED, 20, 1))
        idle = await stand.idle(Traffic(IDLE, 0, 0.6), parts=2)
        target = stand.target
    assert found.lost == 0
    assert len(found.points) >= 5
    assert found.unseen <= len(found.points) // 4
    assert all(point.wait_ms >= 0 and point.processing_ms > 0 for point in found.points)
    assert np.median([point.wait_ms for point in found.points]) < 200
    assert idle.points == ()
    assert len(idle.looks_s) >= 3
    assert len(idle.database_cpu) == 2
    assert not math.isnan(sum(idle.database_cpu))
    with pytest.raises(ProcessesUnknown):
        find_processes(target)
