"""Connection shapes, and what a big message does to the small ones behind it."""

from __future__ import annotations

from dataclasses import replace

import psutil
import psycopg
import pytest

from helpers.errors import SettingsError
from helpers.experiments.experiment import Experiment
from helpers.experiments.head_of_line import ALONE, ANOTHER, SAME, _Received, compare_head_of_line
from helpers.experiments.shapes import MANY_SOCKETS, ONE_CHANNEL, ONE_SOCKET, compare_shapes
from helpers.experiments.tables import PREFIX
from helpers.lab.network import Conditions
from helpers.profiling.results import Skipped
from helpers.target import Target
from helpers.wire.events import Broadcast


def probes() -> list[str]:
    """Processes of ours that still run."""
    lines = (" ".join(child.cmdline()) for child in psutil.Process().children())
    return [line for line in lines if "helpers.probes" in line]


def tables(target: Target) -> list[str]:
    """Tables of experiments that still exist."""
    query = "select tablename from pg_tables where tablename like %s"
    with psycopg.connect(target.database_url or "") as connection:
        return [name for (name,) in connection.execute(query, [f"{PREFIX}%"]).fetchall()]


async def test_three_shapes(target: Target) -> None:
    """Every shape hears of every row; fewer joins cost fewer bytes, and fewer sockets less memory, which is shown."""
    before = tables(target)
    experiment = await compare_shapes(target, subscriptions=20, rounds=2)
    assert isinstance(experiment, Experiment)
    assert experiment.arms == (MANY_SOCKETS, ONE_CHANNEL, ONE_SOCKET)
    assert experiment.notes == ()  # no run failed: all rows arrived
    size = {arm: experiment.estimate(arm, "bytes to subscribe").mean for arm in experiment.arms}
    assert size[ONE_CHANNEL] < 0.6 * size[ONE_SOCKET]
    memory = experiment.contrast("client memory", ONE_SOCKET)
    assert memory is not None and memory.gain.change_percent < -30
    assert experiment.estimate(ONE_SOCKET, "server CPU").mean > 0
    assert "One channel against many sockets: " in experiment.answer
    assert probes() == [] and tables(target) == before


async def test_shapes_need_a_table(target: Target) -> None:
    """Where nothing may be written, that is said; a number of subscriptions that no socket allows is refused."""
    skipped = await compare_shapes(replace(target, writes_allowed=False))
    assert isinstance(skipped, Skipped) and "WORKBOOK_ALLOW_WRITES" in str(skipped)
    for count in (1, 101):
        with pytest.raises(SettingsError):
            await compare_shapes(target, subscriptions=count)


async def test_a_big_message_delays_those_behind_it(target: Target) -> None:
    """On its own socket by the time that the link needs for it; on another socket not at all."""
    link = Conditions.link("2 Mbit/s", rtt_ms=20, down_kbit_per_s=2_000, up_kbit_per_s=2_000)
    experiment = await compare_head_of_line(target, conditions=link, big_bytes=100_000, rounds=3)
    slowest = {
        arm: experiment.estimate(arm, "slowest small message per big one").mean for arm in (ALONE, SAME, ANOTHER)
    }
    assert slowest[SAME] > slowest[ALONE] + 250  # 400 ms on the link, less what the small ones come later
    assert slowest[ANOTHER] < slowest[SAME] - 200
    assert experiment.estimate(SAME, "more than 50 ms later than the link").mean > 10
    assert f"With {SAME}" in experiment.answer and "worse by" in experiment.answer


async def test_equal_arms_show_no_difference(target: Target) -> None:
    """A message that is not big delays nothing that could be shown."""
    experiment = await compare_head_of_line(target, conditions=Conditions(name="none"), big_bytes=1_000, rounds=4)
    contrast = experiment.contrast("more than 50 ms later than the link", SAME)
    assert contrast is None or not contrast.gain.shown
    assert experiment.estimate(SAME, "more than 50 ms later than the link").mean < 30


async def test_messages_too_big_for_a_plan_are_refused(target: Target) -> None:
    """More than the free plan takes is not sent."""
    with pytest.raises(SettingsError, match="300,000 bytes"):
        await compare_head_of_line(target, big_bytes=300_000)


def test_a_late_message_of_one_run_is_none_of_the_next() -> None:
    """Messages are numbered anew in each run; a number alone would be counted, and as if it had come early."""
    first, second = (_Received(due_at=[1.0], expected=1) for _ in range(2))
    said = {"run": first.run, "n": 0}
    late = Broadcast(topic="x", received_at=1.5, size_bytes=10, event="small", payload=said)
    second.hear(late)
    assert not second.latency_ms and not second.all_there.is_set()
    first.hear(late)
    assert first.latency_ms == {0: pytest.approx(500.0)}
