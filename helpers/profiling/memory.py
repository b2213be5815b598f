"""What one more subscription costs a client in memory, as a slope and not as a division."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from helpers.errors import FailureError, SettingsError
from helpers.probes.crowd import Answer, Begin, Grow, Question
from helpers.profiling.results import MemoryProfile, Slope
from helpers.profiling.statistics import slope
from helpers.profiling.worker import Worker, WorkerGone
from helpers.profiling.workloads.workload import TABLE
from helpers.results import utc_now
from helpers.target import Target

__all__ = ["MAX_SUBSCRIPTIONS", "ask_crowd", "profile_memory"]

#: Below the 100 channels that one socket may have, and the 200 sockets of the free plan.
MAX_SUBSCRIPTIONS = 90

ANSWER_LIMIT_S = 120.0


async def profile_memory(target: Target, *, subscriptions: int = 40, step: int = 4) -> MemoryProfile:
    """Open more and more subscriptions in a fresh process, and fit a line through its memory.

    Allocations are traced, and not the resident size read, because the latter moves in steps larger than a few
    subscriptions.

    Raises:
        SettingsError: more subscriptions than a free project allows, or too few steps for a line.
        FailureError: the target refused some of them.
    """
    if not (0 < subscriptions <= MAX_SUBSCRIPTIONS and 0 < step <= subscriptions // 2):
        raise SettingsError(
            "planning the memory profile",
            f"{subscriptions} subscriptions in steps of {step} make no line",
            f"Choose at most {MAX_SUBSCRIPTIONS} subscriptions, in at least two steps",
        )
    counts = range(0, subscriptions + 1, step)
    return MemoryProfile(
        target=str(target),
        taken_at=utc_now(),
        shared_socket_kib=_slope_kib(counts, await _traced_bytes(target, counts, per_socket=MAX_SUBSCRIPTIONS + 1)),
        own_socket_kib=_slope_kib(counts, await _traced_bytes(target, counts, per_socket=1)),
    )


async def ask_crowd(worker: Worker, question: Question) -> Answer:
    """Have the crowd do something.

    Raises:
        FailureError: it could not.
    """
    tried, advice = "holding subscriptions in a process of their own", "Try fewer subscriptions"
    try:
        answer = await worker.ask(question, Answer, ANSWER_LIMIT_S)
    except WorkerGone as gone:
        raise FailureError(tried, str(gone), advice) from None
    if answer.error:
        raise FailureError(tried, answer.error, advice)
    return answer


async def _traced_bytes(target: Target, counts: Sequence[int], *, per_socket: int) -> list[int]:
    """After one subscription, with which is made whatever is made only once, and so many more."""
    table = TABLE if target.writes_allowed else None
    topic = f"workbook:memory:{secrets.token_hex(4)}"
    async with Worker("helpers.probes.crowd") as worker:
        await ask_crowd(worker, Begin(target, topic, table, per_socket, traced=True))
        answers = [await ask_crowd(worker, Grow(1 + count)) for count in counts]
    return [answer.traced_bytes or 0 for answer in answers]


def _slope_kib(subscriptions: Sequence[int], memory_bytes: Sequence[int]) -> Slope:
    per_subscription, low, high = slope(subscriptions, [size / 1024 for size in memory_bytes])
    return Slope(per_subscription, low, high, n=len(subscriptions), largest=subscriptions[-1])
