"""Sleep, clocks that are set, and processes that stand still."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from helpers.lab.network import Ending, network
from helpers.resilience import ClockWatch, Happened, JumpKind, ResilientClient, State
from tests.resilience.conftest import Logged
from tests.resilience.test_subscription import QUICK, collected


class Machine:
    """Both clocks of a machine that can be put to sleep and set. Its monotonic clock is the real one."""

    def __init__(self) -> None:
        self.set_by_s = 0.0

    def wall(self) -> float:
        return time.time() + self.set_by_s


@pytest.mark.parametrize(
    ("ran_s", "passed_s", "kind", "seconds"),
    [
        (1.0, 1.0, None, 0),
        (3.9, 3.9, None, 0),
        (1.0, 3.9, None, 0),
        (1.0, 601.0, JumpKind.FORWARD, 600),
        (1.0, -3599.0, JumpKind.BACK, 3600),
        (31.0, 31.0, JumpKind.STALLED, 30),
        (31.0, 631.0, JumpKind.FORWARD, 600),
    ],
)
def test_what_both_clocks_say(ran_s: float, passed_s: float, kind: JumpKind | None, seconds: float) -> None:
    """Monotonic and wall clock, a second after the last look, and what is concluded."""
    ran, passed = 100.0, 5000.0
    watch = ClockWatch(monotonic=lambda: ran, wall=lambda: passed)
    ran, passed = ran + ran_s, passed + passed_s
    jump = watch.look(expected_s=1.0)
    assert (jump.kind if jump else None) is kind
    if jump is not None:
        assert jump.seconds == pytest.approx(seconds)
        assert f"{seconds:.0f} s" in str(jump)
    assert watch.look(expected_s=0.0) is None, "a jump is told once"


async def test_after_ten_minutes_of_sleep_a_dead_link_is_found_at_once(logged: Logged) -> None:
    """Long before the next heartbeat is due, and what was committed meanwhile arrives."""
    machine, settings = Machine(), replace(QUICK, heartbeat_s=600.0, tick_s=0.1, poll_after_s=600.0)
    async with (
        network(logged.target) as via,
        ResilientClient(via.target, settings=settings, wall=machine.wall) as client,
    ):
        subscription = client.subscribe(logged.source())
        await subscription.wait_for(State.LIVE)
        via.cut(Ending.SERVER_GONE)
        await logged.run("insert into {} values (1, 'while it slept', 0)")
        machine.set_by_s += 600.0
        items = await collected(subscription, 1, limit_s=5.0)
    assert [item.key for item in items] == [(1,)]
    assert [jump.kind for jump in client.jumps] == [JumpKind.FORWARD]
    assert list(subscription.life.losses) == ["a heartbeat was not answered within 0.5 s"]


async def test_a_link_that_survived_the_sleep_is_kept(logged: Logged) -> None:
    """It answers the heartbeat, so nothing is done; and a later loss is spread as any other."""
    machine = Machine()
    async with ResilientClient(logged.target, settings=replace(QUICK, tick_s=0.1), wall=machine.wall) as client:
        subscription = client.subscribe(logged.source())
        await subscription.wait_for(State.LIVE)
        machine.set_by_s += 600.0
        async with asyncio.timeout(30.0):
            while not client.jumps:  # noqa: ASYNC110 - a client tells nobody of a jump
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        assert (subscription.state, client.sockets) == (State.LIVE, 1)


async def test_a_clock_that_was_set_back_brings_a_fresh_token(logged: Logged) -> None:
    """By that clock the old one looks good for an hour more than it is."""
    machine, given = Machine(), []

    async def source() -> str:
        given.append(logged.token(lives_s=3600))
        return given[-1]

    settings = replace(QUICK, tick_s=0.1)
    async with ResilientClient(logged.target, token=source, settings=settings, wall=machine.wall) as client:
        subscription = client.subscribe(logged.source())
        await subscription.wait_for(State.LIVE)
        machine.set_by_s -= 3600.0
        async with asyncio.timeout(30.0):
            while len(given) < 2:  # noqa: ASYNC110 - a source tells nobody when it is asked
                await asyncio.sleep(0.01)
        await logged.run("insert into {} values (1, 'a', 0)")
        await collected(subscription, 1)
    assert [jump.kind for jump in client.jumps] == [JumpKind.BACK]
    assert Happened.LINK_LOST not in [step.happened for step in subscription.life.transitions]
