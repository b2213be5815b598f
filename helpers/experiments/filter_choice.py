"""What the server says to a filter."""

from __future__ import annotations

from helpers.errors import JoinFailed
from helpers.experiments.crowd import Crowd, Seat
from helpers.experiments.tables import own_table
from helpers.profiling.results import Skipped
from helpers.target import Target
from helpers.wire.join import ChangeBinding

__all__ = ["ACCEPTED", "filter_verdict"]

ACCEPTED = "accepted"


async def filter_verdict(target: Target, row_filter: str) -> str | Skipped:
    """Subscribe with a filter to a table of our own (`id`, `seq`, `room_id`, `body`, `meta`, `sent_at`).

    Returns:
        `ACCEPTED`, or the server's own sentence.

    Raises:
        ConnectionFailed: the target does not answer.
        JoinFailed: the subscription was not ready in time, for another reason than the filter.
    """
    if not (target.writes_allowed and target.database_url):
        return Skipped("What the server says to a filter", "the workbook may not write to this target")
    async with own_table(target) as table:
        binding = ChangeBinding("INSERT", table.schema, table.name, filter=row_filter)
        try:
            async with Crowd(target, (Seat((binding,)),)):
                return ACCEPTED
        except JoinFailed as failed:
            if not failed.reason:
                raise
            return failed.reason
