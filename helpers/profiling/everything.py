"""All measurements of this package in one go, small enough for a quick look."""

from __future__ import annotations

from helpers.profiling.broadcast import profile_broadcast
from helpers.profiling.connection import profile_connection
from helpers.profiling.memory import profile_memory
from helpers.profiling.results import Profiling
from helpers.profiling.subscription import compare_subscriptions
from helpers.target import Target

__all__ = ["profile_everything"]


async def profile_everything(target: Target, *, repeats: int = 3, seconds: float = 1.0) -> Profiling:
    """Connections, full table against filter, broadcast and memory, one after another.

    Args:
        repeats, seconds: of the comparison; see `compare_subscriptions`.

    Raises:
        As the single functions of this package.
    """
    return Profiling.of(
        await profile_connection(target),
        await compare_subscriptions(target, repeats=repeats, seconds=seconds),
        await profile_broadcast(target),
        await profile_memory(target),
    )
