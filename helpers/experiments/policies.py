"""What row-level security costs: policy by policy, for more and more subscribers.

Realtime asks the policies about each change once for every subscription whose filter lets it through, on one database
connection, one after the other (supabase/realtime, `apply_rls`). Our subscribers have claims of their own, and our lab
asks on one connection, so that it does the same work.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from helpers.errors import SettingsError
from helpers.experiments.bursts import Burst, run_burst
from helpers.experiments.checks import change_us, claims_of
from helpers.experiments.cpu import CpuClock
from helpers.experiments.crowd import Crowd, Seat
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.membership import membership
from helpers.experiments.own_rows import POLICIES, Policy, policy_table, write_rows
from helpers.experiments.policy_answer import policy_answer
from helpers.experiments.quick_lab import quick_lab, wait_setting
from helpers.experiments.rounds import Arm, run_rounds
from helpers.experiments.size import Size, experiment_size
from helpers.experiments.tables import OwnTable
from helpers.lab import Lab
from helpers.profiling.results import Skipped
from helpers.profiling.statistics import slope
from helpers.target import Target, TargetKind
from helpers.wire.join import ChangeBinding

__all__ = ["asked_at", "compare_policies", "counts_of", "cpu_at", "latency_at"]

QUESTION = "What does a policy cost for each change, and how does it grow with the number of subscribers?"
ONE_MORE = "one more subscriber"

SUBSCRIBERS = {Size.SMALL: (1, 10, 50), Size.FULL: (1, 10, 50, 200, 500)}
ROUNDS = {Size.SMALL: 3, Size.FULL: 6}
ROWS = 200
#: Before anything counts: the first change of a table is dearer, as everybody has to get to know it.
WARM_ROWS = 10
MAX_SUBSCRIBERS = 500
#: Times that the checks alone are made in each round; the quickest counts, as other work on the machine only adds.
ASKED = 3


def cpu_at(subscribers: int) -> str:
    """Name of the metric: CPU time of the database for each change."""
    return f"database CPU, {subscribers} subscriber{'s' * (subscribers > 1)}"


def latency_at(subscribers: int) -> str:
    """Name of the metric: from commit to receipt, in a burst."""
    return f"latency p50, {subscribers} subscriber{'s' * (subscribers > 1)}"


async def compare_policies(
    target: Target,
    *,
    size: Size | str | None = None,
    subscribers: Sequence[int] | None = None,
    policies: Sequence[Policy] = POLICIES,
    rounds: int | None = None,
) -> Experiment | Skipped:
    """Write bursts of rows, each of which one subscriber may see, under one policy after the other.

    It starts a lab of its own, which asks on one connection as the real server does, waits less when it is idle, and
    has no quotas. The first of `policies` is what the others are compared with.

    Args:
        subscribers: how many, each number a column; three or more for a slope.

    Raises:
        SettingsError: an unknown size, or more subscribers than a measurement should have.
        LabError, NodeError: the lab did not start.
    """
    chosen = experiment_size(size)
    counts = tuple(subscribers or SUBSCRIBERS[chosen])
    most = max(counts, default=0)
    if not all(0 < count <= MAX_SUBSCRIBERS for count in counts):
        advice = f"Choose from 1 to {MAX_SUBSCRIBERS}"
        raise SettingsError("planning the comparison of policies", f"subscribers are {counts}", advice)
    if target.kind is not TargetKind.LAB:
        return Skipped("What policies cost", "it takes users' tokens, which we can only mint in the lab")
    async with quick_lab(target) as lab, _worlds(lab, policies, counts) as arms:
        return await run_rounds(
            "policies",
            QUESTION,
            lab.target,
            arms,
            metrics=_metrics(counts),
            rounds=rounds or ROUNDS[chosen],
            size=chosen,
            answer=partial(policy_answer, cpu=cpu_at(most), asked=asked_at(most), subscribers=most),
            settings={"rows in a burst": ROWS, "subscribers": counts, **wait_setting(lab.target)},
        )


def counts_of(experiment: Experiment) -> list[int]:
    """Of how many subscribers this experiment tells."""
    prefix = cpu_at(1).partition(", ")[0] + ", "
    names = (metric.name for metric in experiment.metrics if metric.name.startswith(prefix))
    return [int(name.removeprefix(prefix).split()[0]) for name in names]


def asked_at(subscribers: int) -> str:
    """Name of the metric: CPU of the checks of a change, in the database alone, one subscriber after the other."""
    return f"asked one by one, {subscribers} subscriber{'s' * (subscribers > 1)}"


def _metrics(counts: Sequence[int]) -> list[Metric]:
    slopes = [Metric(ONE_MORE, "µs of database CPU a change", signed=True)] if len(counts) > 2 else []
    return [
        *(Metric(cpu_at(count), "µs a change") for count in counts),
        *slopes,
        Metric(asked_at(max(counts)), "µs a change"),
        *(Metric(latency_at(count), "ms") for count in counts),
    ]


@dataclass(frozen=True, slots=True)
class _Stand:
    """A policy's table for a number of subscribers, who are the first users."""

    table: OwnTable
    users: tuple[str, ...]


@asynccontextmanager
async def _worlds(lab: Lab, policies: Sequence[Policy], counts: Sequence[int]) -> AsyncIterator[Mapping[str, Arm]]:
    """All tables made and everybody subscribed; yields the arms."""
    users = tuple(str(uuid.uuid4()) for _ in range(max(counts)))
    async with AsyncExitStack() as stack:
        member = await stack.enter_async_context(membership(lab.target, users))
        stands = {
            (policy.name, count): _Stand(
                await stack.enter_async_context(policy_table(lab.target, policy, member)), users[:count]
            )
            for policy in policies
            for count in counts
        }
        clock = await CpuClock.of(lab.target)
        crowds = {
            count: await stack.enter_async_context(Crowd(lab.target, _seats(lab, policies, stands, users[:count])))
            for count in counts
        }
        for (_, count), stand in stands.items():
            await _burst(crowds[count], clock, stand, WARM_ROWS)
        yield {
            policy.name: partial(_run, policy, crowds, clock, {count: stands[policy.name, count] for count in counts})
            for policy in policies
        }


def _seats(
    lab: Lab, policies: Sequence[Policy], stands: Mapping[tuple[str, int], _Stand], users: Sequence[str]
) -> list[Seat]:
    """One socket for each user, which is subscribed to the tables of all policies."""
    tables = [(policy, stands[policy.name, len(users)].table) for policy in policies]
    return [
        Seat(
            tuple(
                ChangeBinding(
                    "INSERT", table.schema, table.name, filter=f"user_id=eq.{user}" if policy.filtered else None
                )
                for policy, table in tables
            ),
            lab.token(sub=user),
        )
        for user in users
    ]


async def _run(
    policy: Policy, crowds: Mapping[int, Crowd], clock: CpuClock, stands: Mapping[int, _Stand], number: int
) -> Outcome:
    """One burst for each number of subscribers, and the checks of the largest alone."""
    bursts = {count: await _burst(crowds[count], clock, stand, ROWS) for count, stand in stands.items()}
    cpu_us = {count: _per_change_us(burst) for count, burst in bursts.items()}
    values: dict[str, float | None] = {cpu_at(count): cpu for count, cpu in cpu_us.items()}
    values |= {latency_at(count): burst.latency_p50_ms for count, burst in bursts.items()}
    known = [(count, cpu) for count, cpu in cpu_us.items() if cpu is not None]
    if len(known) > 2:
        values[ONE_MORE] = slope(*zip(*known, strict=True))[0]
    most = max(bursts)
    if policy.using:
        values[asked_at(most)] = await _asked_us(policy, stands[most])
    return Outcome(values, bursts[most].recording, tuple(_leaks(bursts, stands)))


async def _asked_us(policy: Policy, stand: _Stand) -> float:
    """Who is asked about a change: everybody, or with a filter its owner alone."""
    (row,) = await stand.table.run(f"select id, user_id::text as owner from {stand.table.quoted} limit 1")
    claims = claims_of([row["owner"]] if policy.filtered else stand.users)
    return min([await change_us(stand.table, row["id"], claims) for _ in range(ASKED)])


async def _burst(crowd: Crowd, clock: CpuClock, stand: _Stand, rows: int) -> Burst:
    write = partial(write_rows, stand.table, stand.users, rows)
    owners = np.arange(rows) % len(stand.users) == np.arange(len(stand.users))[:, None]
    return await run_burst(crowd, clock, write, label=str(stand.table), table=stand.table.name, wanted=owners)


def _per_change_us(burst: Burst) -> float | None:
    return None if burst.cpu.database_s is None else 1e6 * burst.cpu.database_s / ROWS


def _leaks(bursts: Mapping[int, Burst], stands: Mapping[int, _Stand]) -> list[str]:
    """A row that came to somebody else than its owner would make all of this worthless."""
    wrong = sum(
        receipt.change.record.get("user_id") != stands[count].users[receipt.seat]
        for count, burst in bursts.items()
        for receipt in burst.receipts
    )
    lost = sum(burst.recording.lost for burst in bursts.values())
    return [
        *([f"{wrong:,} rows came to somebody who may not see them"] if wrong else []),
        *([f"{lost:,} rows did not arrive"] if lost else []),
    ]
