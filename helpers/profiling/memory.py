"""What one more subscription costs a client in memory, as a slope and not as a division."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.errors import FailureError, SettingsError
from helpers.profiling.arm import TABLE
from helpers.profiling.memory_probe import Answer, Question
from helpers.profiling.results import MemoryProfile, Slope
from helpers.profiling.statistics import slope
from helpers.profiling.worker import Worker, WorkerGone
from helpers.results import utc_now
from helpers.target import Target

__all__ = ["profile_memory"]

#: Below the 100 channels that one socket may have, and the 200 sockets of the free plan.
MAX_SUBSCRIPTIONS = 90

ANSWER_LIMIT_S = 120.0


async def profile_memory(target: Target, *, subscriptions: int = 40, step: int = 4) -> MemoryProfile:
    """Open more and more subscriptions in a fresh process, and fit a line through its memory.

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
    question = Question(target, TABLE if target.writes_allowed else None, subscriptions, step)
    answer = await _ask(question)
    return MemoryProfile(
        target=str(target),
        taken_at=utc_now(),
        own_socket_kib=_slope_kib(answer.subscriptions, answer.own_socket),
        shared_socket_kib=_slope_kib(answer.subscriptions, answer.shared_socket),
    )


async def _ask(question: Question) -> Answer:
    tried, advice = "measuring the memory of subscriptions", "Try fewer subscriptions"
    try:
        async with Worker("helpers.profiling.memory_probe") as worker:
            answer = await worker.ask(question, Answer, ANSWER_LIMIT_S)
    except WorkerGone as gone:
        raise FailureError(tried, str(gone), advice) from None
    if answer.error:
        raise FailureError(tried, answer.error, advice)
    return answer


def _slope_kib(subscriptions: Sequence[int], memory_bytes: Sequence[int]) -> Slope:
    per_subscription, low, high = slope(subscriptions, [size / 1024 for size in memory_bytes])
    return Slope(per_subscription, low, high, n=len(subscriptions), largest=subscriptions[-1])
