"""Heartbeats: what they notice, what they keep alive, and what they cost."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
import pytest_asyncio

from helpers.errors import ConnectionFailed, SettingsError
from helpers.experiments import (
    HeartbeatCost,
    Outcome,
    compare_heartbeats,
    compare_idle_timeouts,
    compare_official_clients,
    profile_heartbeat_cost,
)
from helpers.experiments.keepalive import expected_detection_s, worst_detection_s
from helpers.experiments.waiting import at_once
from helpers.lab.network import DOWN, network
from helpers.plots import clients_plot, detection_plot, heartbeat_cost_plot
from helpers.target import Target

NOTICED = "noticed after, mean"


def test_the_model() -> None:
    """A link dies in the middle of an interval on average, and right after an answer at worst."""
    assert expected_detection_s(25, 10) == 22.5
    assert worst_detection_s(25, 10) == 35
    assert worst_detection_s(15, 15) == 30


async def test_a_longer_interval_is_found_to_notice_later(target: Target) -> None:
    """A dead link is not known before its heartbeat's limit, a closed one long before."""
    found = await compare_heartbeats(target, intervals_s=(0.2, 0.8), timeout_s=0.3, links=4, rounds=2)
    assert found.arms == ("every 0.2 s", "every 0.8 s")
    for arm in found.arms:
        assert found.estimate(arm, NOTICED).mean > 0.25
        assert found.estimate(arm, "a closed link").mean < found.estimate(arm, NOTICED).mean / 2
    later = found.contrast(NOTICED, "every 0.8 s")
    assert later is not None and later.gain.change_percent > 25
    assert "35 s at most" in found.answer or "busy" in found.answer
    picture = detection_plot(found)
    assert len(picture.axes[0].get_lines()) == 4


async def test_a_loop_that_stands_still_does_not_fit_the_model(target: Target) -> None:
    """The answer says that the runs are off, and concludes nothing from them."""

    async def hog() -> None:
        while True:
            time.sleep(0.4)  # noqa: ASYNC251 - the fault that is put in
            await asyncio.sleep(0.02)

    hogging = asyncio.create_task(hog())
    try:
        found = await compare_heartbeats(target, intervals_s=(0.2,), timeout_s=0.2, links=3, rounds=1)
    finally:
        hogging.cancel()
    assert "does not describe these runs" in found.answer


async def test_a_heartbeat_within_the_idle_timeout_keeps_the_link(target: Target) -> None:
    """And one that comes later than it loses every link."""
    found = await compare_idle_timeouts(target, idle_s=0.6, shares=(0.3, 2), rounds=1, links=3)
    assert found.values("at 0.3 of the timeout", "links alive at the end") == [100]
    assert found.values("at 2 of the timeout", "links alive at the end") == [0]
    assert found.answer.startswith("All links lived: heartbeats at 0.3 of the timeout; none: heartbeats at 2 of")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cost(target: Target) -> HeartbeatCost:
    """Of a few heartbeats."""
    return await profile_heartbeat_cost(target, rates_per_s=(0, 200, 500), seconds=0.4, rounds=2)


async def test_the_cost_of_a_heartbeat_is_measured(cost: HeartbeatCost) -> None:
    """Its bytes are those of the protocol; it takes CPU time of client and server."""
    up = len('[null,"100","phoenix","heartbeat",{}]') + 6
    assert cost.up.value == pytest.approx(up, abs=2)
    assert 50 < cost.down.value < 90
    assert cost.waking_us > 0
    some, none = cost.server_percent(500), cost.server_percent(0)
    assert some is not None and none is not None and some.mean > none.mean
    assert "bytes up" in cost.experiment.answer and "400/s, take" in cost.experiment.answer
    assert len(heartbeat_cost_plot(cost).axes) == 2


async def test_heartbeats_that_could_not_be_sent_are_told(target: Target) -> None:
    """An arm is called by the rate that was asked for; a note says where that was not reached."""
    cost = await profile_heartbeat_cost(target, rates_per_s=(0, 20, 4_000), seconds=0.2, connections=2, rounds=2)
    told = [note for note in cost.experiment.notes if "could not send them all in time" in note]
    assert len(told) == 1 and told[0].startswith("4000/s, round 1; 4000/s, round 2: 4,000 heartbeats/s")


async def test_what_a_rate_costs_is_read_between_those_measured(cost: HeartbeatCost) -> None:
    """And beyond the last one by the slope of those above none."""
    arm = cost.experiment.arms[-1]
    rate, last = (cost.experiment.estimate(arm, name).mean for name in ("heartbeats", "server's CPU"))
    assert cost.server is not None
    middle, end, beyond = (cost.server_percent(one) for one in (0.5 * rate, rate, rate + 1_000))
    assert middle is not None and end is not None and beyond is not None
    assert end.mean == pytest.approx(last)
    assert beyond.mean == pytest.approx(last + cost.server.value / 10)
    assert middle.low <= middle.mean <= middle.high


async def test_the_plan_follows_from_the_cost(cost: HeartbeatCost) -> None:
    """Of 10,000 clients with an interval of 20 s a server sees 500 heartbeats a second."""
    plan = cost.plan(intervals_s=(5, 14, 20, 25)).set_index("interval (s)")
    assert list(plan["heartbeats/s at the server"]) == [2_000, 714.3, 500, 400]
    assert list(plan["noticed, at most (s)"]) == [10, 28, 40, 50]
    assert list(plan["back within 30 s"]) == ["yes", "yes", "no", "no"]
    assert (plan["rate"][5], plan["rate"][25]) == ("extrapolated", "measured")
    assert list(plan["a client, an hour: heartbeats"]) == [720, 257, 180, 144]
    assert list(cost.plan(intervals_s=(19, 20), timeout_s=10)["back within 30 s"]) == ["yes", "no"]


async def test_a_plan_without_a_heartbeat_says_what_is_not_known(cost: HeartbeatCost) -> None:
    """Within a project's quota rates are so low that a short run may see none."""
    still = tuple(replace(one, value=0.0) if one.metric == "heartbeats" else one for one in cost.experiment.measures)
    plan = replace(cost, experiment=replace(cost.experiment, measures=still)).plan(intervals_s=(25,))
    assert list(plan["client's CPU (ms)"]) == ["not known"]


async def test_the_python_client_does_not_notice_that_answers_stop(target: Target) -> None:
    """Pings are answered all the same; the JavaScript client counts heartbeats and notices both deaths."""
    found = await compare_official_clients(target, rounds=1, links=2)
    unnoticed = {arm: found.estimate(arm, "answers stop, unnoticed").mean for arm in found.arms}
    assert unnoticed.pop("supabase-py, default") == 100
    assert set(unnoticed.values()) == {0}
    for arm in found.arms:
        assert found.values(arm, "half-open link, mean")
    assert "supabase-py, default" in found.answer and "did not notice" in found.answer
    assert "not noticed" in [text.get_text() for text in clients_plot(found).axes[0].texts]


async def test_what_cannot_be_is_refused(target: Target) -> None:
    """Before anything runs."""
    with pytest.raises(SettingsError, match="make no line"):
        await profile_heartbeat_cost(target, rates_per_s=(0, 1))
    with pytest.raises(SettingsError, match="9000"):
        await profile_heartbeat_cost(target, rates_per_s=(0, 1, 9_000))
    with pytest.raises(SettingsError, match="above 0"):
        await compare_heartbeats(target, intervals_s=(-1,))
    with pytest.raises(SettingsError, match="99 links"):
        await compare_heartbeats(target, links=99)
    with pytest.raises(SettingsError, match=r"scale 0\.5"):
        await compare_official_clients(target, scale=0.5)


async def test_a_server_that_refuses_is_the_error(target: Target) -> None:
    """And nothing is left running."""
    before = asyncio.all_tasks()
    async with network(target, DOWN) as via:
        with pytest.raises(ConnectionFailed):
            await compare_heartbeats(via.target, intervals_s=(0.2, 0.4), rounds=1)
    assert {task for task in asyncio.all_tasks() - before if "helpers/" in repr(task)} == set()


async def test_arms_that_wait_run_at_the_same_time() -> None:
    """Each meets all others in every round; leaving ends what still runs."""
    meeting = asyncio.Barrier(2)

    async def meet(_: int) -> Outcome:
        async with asyncio.timeout(30):
            await meeting.wait()
        return Outcome({})

    async with at_once({"one": meet, "other": meet}) as arms:
        for number in range(2):
            assert [await arms[name](number) for name in arms] == [Outcome({}), Outcome({})]
        arms["one"](7)
        await asyncio.sleep(0)
    assert meeting.n_waiting == 0
    async with at_once({"only": meet}, rounds=2) as arms:
        assert [await arms["only"](number) for number in range(2)] == [Outcome({}), Outcome({})]
