"""One subscription under load, and two of them side by side: full table against filter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from helpers.errors import SettingsError
from helpers.profiling.arm import POLL_WAIT_S, Arm, profile_of, room_of
from helpers.profiling.results import Comparison, Profile, Skipped
from helpers.profiling.statistics import Gain, paired_gain
from helpers.profiling.workloads.measuring import Measured
from helpers.profiling.workloads.rates import Constant
from helpers.profiling.workloads.workload import FIRST_ROOM, TABLE, Workload
from helpers.profiling.workloads.writer import Writer
from helpers.results import utc_now
from helpers.target import Target, TargetKind

__all__ = ["compare_subscriptions", "profile_subscription"]

#: Rows a second in the lab, and elsewhere, where each delivery counts against the free plan's 100 messages a second.
RATE_PER_S, GENTLE_RATE_PER_S = 200.0, 80.0


async def profile_subscription(
    target: Target,
    *,
    table: str = TABLE,
    filter: str | None = None,
    interest: str | None = None,
    seconds: float = 5.0,
    rate_per_s: float = GENTLE_RATE_PER_S,
    rooms: int = 4,
) -> Profile | Skipped:
    """Subscribe, write a load, and account for every message.

    Args:
        table: must be the workbook's own `events`, because the load is written to it.
        filter: of the subscription, ``room_id=eq.<id>``; None subscribes to the full table.
        interest: the rows that the application wants, as a filter; by default those that `filter` names.
        seconds, rate_per_s, rooms: of the load, see `Workload`.

    Raises:
        SettingsError: a table, filter or load that cannot be measured, or goes above the target's plan.
        ConnectionFailed, JoinFailed: the target refused the subscription.
        FailureError: the load could not be written.
    """
    interest = interest or filter
    arm = Arm(target, _workload(table, interest, seconds, rate_per_s, rooms), filter, interest)
    if not target.writes_allowed:
        return _not_written()
    async with Writer(target) as writer:
        return profile_of(arm, [await arm.run(writer)])


async def compare_subscriptions(
    target: Target,
    *,
    table: str = TABLE,
    filter: str = "room_id=eq.123",
    seconds: float = 1.2,
    rate_per_s: float | None = None,
    rooms: int = 4,
    repeats: int = 5,
) -> Comparison | Skipped:
    """Full table against filter, in pairs of runs that follow each other; every other pair begins with the filter.

    Args:
        filter: the rows that the application wants, ``room_id=eq.<id>``; one arm subscribes with it, one without.
        repeats: number of pairs, at least 2.
        table, seconds, rooms: as in `profile_subscription`; each run of an arm takes `seconds`.
        rate_per_s: by default 200 in the lab, and a rate that fits the free plan elsewhere.

    Raises:
        As `profile_subscription`.
    """
    rate_per_s = rate_per_s or (RATE_PER_S if target.kind is TargetKind.LAB else GENTLE_RATE_PER_S)
    workload = _workload(table, filter, seconds, rate_per_s, rooms)
    if repeats < 2:
        raise SettingsError("planning the comparison", f"repeats is {repeats}", "Choose at least 2 repeats")
    if not target.writes_allowed:
        return _not_written()
    full, filtered = Arm(target, workload, None, filter), Arm(target, workload, filter, filter)
    async with Writer(target) as writer:
        pairs = [await _pair(full, filtered, writer, number) for number in range(repeats)]
    return _comparison(full, filtered, pairs)


async def _pair(full: Arm, filtered: Arm, writer: Writer, number: int) -> tuple[Measured, Measured]:
    """One run of each arm; the order alternates so that neither always meets the warmer server."""
    if number % 2:
        second = await filtered.run(writer, number)
        return await full.run(writer, number), second
    return await full.run(writer, number), await filtered.run(writer, number)


def _workload(table: str, interest: str | None, seconds: float, rate_per_s: float, rooms: int) -> Workload:
    if table != TABLE:
        raise SettingsError(
            "planning the load", f"load is not written to {table!r}", f"Profile {TABLE!r}, the workbook's own table"
        )
    room = FIRST_ROOM if interest is None else room_of(interest)
    return Workload(rate=Constant(rate_per_s), seconds=seconds, rooms=rooms, first_room=room)


def _not_written() -> Skipped:
    return Skipped(
        "Subscriptions under load",
        "the workbook may not write to this target (set DATABASE_URL and WORKBOOK_ALLOW_WRITES=yes)",
    )


def _comparison(full: Arm, filtered: Arm, pairs: Sequence[tuple[Measured, Measured]]) -> Comparison:
    runs = [(profile_of(full, [one]), profile_of(filtered, [other])) for one, other in pairs]
    return Comparison(
        target=str(full.target),
        taken_at=utc_now(),
        full=profile_of(full, [one for one, _ in pairs]),
        filtered=profile_of(filtered, [other for _, other in pairs]),
        pairs=tuple(runs),
        gains=gains_of(runs),
        poll_wait_ms=1_000 * POLL_WAIT_S,
    )


#: What is compared: name, unit, and where a run tells it; None from a run that cannot, as nothing arrived.
METRICS: tuple[tuple[str, str, Callable[[Profile], float | None]], ...] = (
    ("messages", "a run", lambda run: run.received),
    ("bytes received", "bytes a run", lambda run: run.wire_bytes_in),
    ("client CPU", "% of a core", lambda run: run.client_cpu_percent),
    ("latency p50", "ms", lambda run: run.latency_ms.p50 if run.latency_ms else None),
    ("latency p95", "ms", lambda run: run.latency_ms.p95 if run.latency_ms else None),
)


def gains_of(runs: Sequence[tuple[Profile, Profile]]) -> tuple[Gain, ...]:
    """What the second of each pair changed against the first, metric by metric."""
    found = (
        paired_gain(metric, unit, [value(one) for one, _ in runs], [value(other) for _, other in runs])
        for metric, unit, value in METRICS
    )
    return tuple(gain for gain in found if gain is not None)
