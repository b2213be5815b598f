"""How long a dead link goes unnoticed, and what a heartbeat keeps alive: by the interval between heartbeats."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial

from helpers.client import ClientState, RealtimeClient
from helpers.errors import SettingsError
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.rounds import run_rounds
from helpers.experiments.size import Size
from helpers.experiments.waiting import at_once
from helpers.lab.network import Conditions, Ending, Lifetime, network
from helpers.profiling.networks import profile_link_loss
from helpers.target import Target

__all__ = [
    "LATEST", "NOTICED", "RECOVERY_GOAL_S", "SURVIVED", "VENDOR_INTERVAL_S", "VENDOR_TIMEOUT_S", "arm_of",
    "compare_heartbeats", "compare_idle_timeouts", "expected_detection_s", "interval_of", "latest_known_s",
    "worst_detection_s",
]  # fmt: skip

#: The target of this workbook: "Reconnect in < 30 sec".
RECOVERY_GOAL_S = 30.0
#: When a dead link is known, realtime-js waits this long before its first attempt to reconnect (`reconnectAfterMs`).
RECONNECT_S = 1.0
#: The vendor's clients: 25 s between heartbeats, 10 s for any other answer (realtime-js, `lib/constants.ts`).
VENDOR_INTERVAL_S, VENDOR_TIMEOUT_S = 25.0, 10.0
#: An arm's mean may be so far from the model before the answer says that the model does not hold: what a busy
#: machine adds to a second.
_FITS_PERCENT = 10.0

NOTICED = Metric("noticed after, mean", "s")
LATEST = Metric("noticed after, most", "s")
TOLD = Metric("a closed link", "s")
SURVIVED = Metric("links alive at the end", "%", higher_is_better=True, most=100.0)
HEARTBEATS = Metric("heartbeats for each link", "")

_INTERVALS_S = {Size.SMALL: (0.2, 0.4, 0.8), Size.FULL: (1.0, 5.0, 15.0, 25.0)}
_TIMEOUTS_S = {Size.SMALL: 0.2, Size.FULL: 10.0}
_ROUNDS = {Size.SMALL: 3, Size.FULL: 5}
_LINKS = {Size.SMALL: 8, Size.FULL: 16}
_MOST_S = 120.0
_MOST_LINKS = 50


def expected_detection_s(interval_s: float, timeout_s: float) -> float:
    """Mean time until a client knows of a link that died in silence at a random moment.

    Half of the interval passes on average until the next heartbeat, then the limit for its answer.
    """
    return interval_s / 2 + timeout_s


def worst_detection_s(interval_s: float, timeout_s: float) -> float:
    """The same for a link that died right after a heartbeat was answered."""
    return interval_s + timeout_s


def latest_known_s(goal_s: float = RECOVERY_GOAL_S) -> float:
    """When a dead link must be known at the latest, for the first attempt to reconnect to come within the goal."""
    return goal_s - RECONNECT_S


async def compare_heartbeats(
    target: Target,
    *,
    intervals_s: Sequence[float] | None = None,
    timeout_s: float | None = None,
    size: Size = Size.SMALL,
    rounds: int | None = None,
    links: int | None = None,
) -> Experiment:
    """Let links die in silence, at moments that are spread over the interval, and wait until the client knows.

    Beside each of them a link is closed properly, which needs no heartbeat. Nothing is written.

    Args:
        intervals_s: between heartbeats, an arm each.
        timeout_s: for the answer to a heartbeat.
        links: that die in each run of an arm, one at each of as many moments.

    Raises:
        SettingsError: an interval, the timeout or the number of links cannot be.
        ConnectionFailed: the target cannot be reached.
    """
    intervals, limit_s = intervals_s or _INTERVALS_S[size], timeout_s or _TIMEOUTS_S[size]
    links = links or _LINKS[size]
    _check([*intervals, limit_s], links)

    async def lose(interval_s: float, _: int) -> Outcome:
        profile = await profile_link_loss(target, heartbeat_s=interval_s, timeout_s=limit_s, repeats=links)
        noticed = {loss.ending: loss.noticed_s for loss in profile.losses}
        silent, closed = noticed[Ending.SERVER_GONE.value], noticed[Ending.CLOSE.value]
        return Outcome({
            NOTICED.name: sum(silent) / links, LATEST.name: max(silent), TOLD.name: sum(closed) / links
        })  # fmt: skip

    async with at_once({arm_of(interval): partial(lose, interval) for interval in intervals}) as arms:
        return await run_rounds(
            "keep-alive",
            "How long does a dead link go unnoticed?",
            target,
            arms,
            metrics=(NOTICED, LATEST, TOLD),
            rounds=rounds or _ROUNDS[size],
            size=size,
            answer=partial(_say_model, intervals, limit_s),
            settings={"timeout_s": limit_s, "links a run": links, "intervals_s": list(intervals)},
        )


def arm_of(interval_s: float) -> str:
    """What the arm of an interval is called."""
    return f"every {interval_s:g} s"


def interval_of(arm: str) -> float:
    """The interval of an arm, in seconds."""
    return float(arm.split()[1])


async def compare_idle_timeouts(
    target: Target,
    *,
    idle_s: float | None = None,
    shares: Sequence[float] = (0.4, 0.8, 1.5),
    size: Size = Size.SMALL,
    rounds: int | None = None,
    links: int = 4,
) -> Experiment:
    """Stay connected through a load balancer that closes what is idle, with heartbeats at shares of its timeout.

    Args:
        idle_s: after which the load balancer closes; 60 s in the full size, as Elastic Load Balancing and nginx do.
        shares: of it between two heartbeats, an arm each; the vendor's clients have 25 s of 60 s.
    """
    idle = idle_s or (0.75 if size is Size.SMALL else 60.0)
    _check([idle, *shares], links)

    async def stay(share: float, _: int) -> Outcome:
        return await _stay(target, idle, share * idle, links)

    async with at_once({f"at {share:g} of the timeout": partial(stay, share) for share in shares}) as arms:
        return await run_rounds(
            "idle timeout",
            "Which heartbeat keeps a link through a load balancer?",
            target,
            arms,
            metrics=(SURVIVED, HEARTBEATS),
            rounds=rounds or (1 if size is Size.SMALL else 2),
            size=size,
            answer=partial(_say_survivors, idle),
            settings={"idle_s": idle, "links a run": links},
        )


async def _stay(target: Target, idle_s: float, interval_s: float, links: int) -> Outcome:
    """How many are left after three times the timeout."""
    balancer = Conditions(name="load balancer", lifetime=Lifetime(idle_s=idle_s))
    async with contextlib.AsyncExitStack() as stack:
        via = await stack.enter_async_context(network(target, balancer))
        clients = [RealtimeClient(via.target, heartbeat_s=interval_s) for _ in range(links)]
        for client in clients:
            await stack.enter_async_context(client)
        await asyncio.sleep(3 * idle_s)
        alive = sum(client.state is ClientState.OPEN for client in clients)
        beats = sum(client.counters.frames_out for client in clients)
    return Outcome({SURVIVED.name: 100 * alive / links, HEARTBEATS.name: beats / links})


def _say_model(intervals: Sequence[float], timeout_s: float, experiment: Experiment) -> str:
    measured = [one for one in intervals if experiment.values(arm_of(one), NOTICED.name)]
    off = [
        100 * (experiment.estimate(arm_of(one), NOTICED.name).mean / expected_detection_s(one, timeout_s) - 1)
        for one in measured
    ]
    if not off:
        return "No link was measured."
    furthest = max(off, key=abs)
    if abs(furthest) > _FITS_PERCENT:
        return (
            f"The model, half of the interval and then the timeout, does not describe these runs: it is off by "
            f"{furthest:+.0f} %. Either the machine was busy, or the client does something else."
        )
    expected, worst = (
        model(VENDOR_INTERVAL_S, VENDOR_TIMEOUT_S) for model in (expected_detection_s, worst_detection_s)
    )
    return (
        f"Half of the interval and then the timeout: all {len(off)} arms lie within {abs(furthest):.1f} % of it. "
        f"With {VENDOR_INTERVAL_S:g} s and {VENDOR_TIMEOUT_S:g} s that is {expected:g} s on average and {worst:g} s at "
        f"most; to be back within {RECOVERY_GOAL_S:g} s ({RECONNECT_S:g} s passes before the first attempt) send "
        f"a heartbeat every {latest_known_s() - VENDOR_TIMEOUT_S:g} s at least."
    )


def _say_survivors(idle_s: float, experiment: Experiment) -> str:
    alive = {arm: experiment.estimate(arm, SURVIVED.name) for arm in experiment.arms}
    kept = [arm for arm, found in alive.items() if found.n and found.mean == 100]
    lost = [arm for arm, found in alive.items() if found.n and found.mean == 0]
    some = [arm for arm in alive if arm not in (*kept, *lost) and alive[arm].n]
    said = [
        f"{what}: heartbeats {', '.join(arms)}"
        for what, arms in (("All links lived", kept), ("some", some), ("none", lost))
        if arms
    ]
    return "; ".join(said) + f" ({idle_s:g} s without a byte)."


def _check(seconds: Sequence[float], links: int) -> None:
    tried = "planning the heartbeats"
    if not all(0 < one <= _MOST_S for one in seconds):
        given = ", ".join(f"{one:g}" for one in seconds)
        raise SettingsError(tried, f"{given} are not all possible", f"Choose times above 0 and at most {_MOST_S:g} s")
    if not 0 < links <= _MOST_LINKS:
        raise SettingsError(tried, f"{links} links", f"Choose 1 to {_MOST_LINKS}")
