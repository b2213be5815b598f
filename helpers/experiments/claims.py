"""Subscribers with the same claims against subscribers with different ones, under one policy.

Our lab asks about a row once for each different set of claims. The real server asks for each subscription, whatever
its claims (supabase/realtime, `apply_rls`). This experiment measures what that difference is worth, so that nobody
takes the lab's cheaper case for the real server's.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

import numpy as np

from helpers.errors import SettingsError
from helpers.experiments.bursts import run_burst
from helpers.experiments.cpu import CpuClock
from helpers.experiments.crowd import Crowd, Seat
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.own_rows import write_rows
from helpers.experiments.policies import MAX_SUBSCRIBERS
from helpers.experiments.quick_lab import quick_lab, wait_setting
from helpers.experiments.rounds import Arm, run_rounds
from helpers.experiments.size import Size, experiment_size
from helpers.experiments.tables import OwnTable, own_table
from helpers.lab import Lab
from helpers.profiling.results import Skipped
from helpers.target import Target, TargetKind
from helpers.wire.join import ChangeBinding

__all__ = ["DIFFERENT", "SAME", "compare_claims"]

QUESTION = "Does it matter whether subscribers share their claims?"
DIFFERENT, SAME = "each their own session", "one token for all"
CPU, LATENCY = Metric("database CPU", "µs a change"), Metric("latency p50", "ms")

SUBSCRIBERS = {Size.SMALL: 50, Size.FULL: 300}
ROUNDS = {Size.SMALL: 4, Size.FULL: 10}
ROWS = 40


async def compare_claims(
    target: Target, *, size: Size | str | None = None, subscribers: int | None = None, rounds: int | None = None
) -> Experiment | Skipped:
    """One user, subscribed many times: with one token, or with a token of its own for each session.

    Everybody may see every row and gets it, so that only the questions differ. It starts a lab of its own.

    Raises:
        SettingsError: an unknown size, or more subscribers than a measurement should have.
        LabError, NodeError: the lab did not start.
    """
    chosen = experiment_size(size)
    count = SUBSCRIBERS[chosen] if subscribers is None else subscribers
    if not 0 < count <= MAX_SUBSCRIBERS:
        advice = f"Choose from 1 to {MAX_SUBSCRIBERS}"
        raise SettingsError("planning the comparison of claims", f"subscribers is {count}", advice)
    if target.kind is not TargetKind.LAB:
        return Skipped("What equal claims spare", "it takes users' tokens, which we can only mint in the lab")
    user = str(uuid.uuid4())
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(quick_lab(target))
        clock = await CpuClock.of(lab.target)
        arms: dict[str, Arm] = {}
        for name, tokens in _tokens(lab, user, count).items():
            table = await stack.enter_async_context(_table(lab.target))
            crowd = await stack.enter_async_context(Crowd(lab.target, _seats(table, tokens)))
            arms[name] = partial(_run, table, crowd, clock, user)
        return await run_rounds(
            "claims",
            QUESTION,
            lab.target,
            arms,
            metrics=(CPU, LATENCY),
            rounds=rounds or ROUNDS[chosen],
            size=chosen,
            answer=partial(_answer, count),
            settings={"rows in a burst": ROWS, "subscribers": count, **wait_setting(lab.target)},
        )


def _tokens(lab: Lab, user: str, count: int) -> dict[str, list[str]]:
    """Tokens of Supabase Auth differ by session, also of one user."""
    sessions = [str(uuid.uuid4()) for _ in range(count)]
    return {
        DIFFERENT: [lab.token(sub=user, session_id=session) for session in sessions],
        SAME: [lab.token(sub=user, session_id=sessions[0])] * count,
    }


def _table(target: Target) -> contextlib.AbstractAsyncContextManager[OwnTable]:
    policies, readers = ("user_id = (select auth.uid())",), ("authenticated",)
    return own_table(target, columns={"user_id": "uuid"}, policies=policies, readers=readers)


def _seats(table: OwnTable, tokens: Sequence[str]) -> list[Seat]:
    binding = ChangeBinding("INSERT", table.schema, table.name)
    return [Seat((binding,), token) for token in tokens]


async def _run(table: OwnTable, crowd: Crowd, clock: CpuClock, user: str, number: int) -> Outcome:
    write, everybody = partial(write_rows, table, [user], ROWS), np.ones((crowd.seats, ROWS), dtype=np.bool_)
    burst = await run_burst(crowd, clock, write, label=str(table), table=table.name, wanted=everybody)
    database_s = burst.cpu.database_s
    values = {
        CPU.name: None if database_s is None else 1e6 * database_s / ROWS,
        LATENCY.name: burst.latency_p50_ms,
    }
    return Outcome(values, burst.recording)


def _answer(subscribers: int, experiment: Experiment) -> str:
    contrast = experiment.contrast(CPU.name, SAME, DIFFERENT)
    if contrast is None:
        return "The two could not be compared."
    return (
        f"For {subscribers} subscribers, one token for all in place of one for each costs the lab's database: "
        f"{contrast.gain.verdict}. The real server asks for each subscription either way: there, count on the dearer."
    )
