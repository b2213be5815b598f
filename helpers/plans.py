"""What the vendor's plans allow of Realtime: the numbers of its pages, in one place.

Sources: https://supabase.com/docs/guides/realtime/limits, and for messages a month
https://supabase.com/docs/guides/platform/manage-your-usage/realtime-messages (both read in November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["QUOTAS", "Plan", "Quota"]


class Plan(StrEnum):
    """By their names in settings."""

    SELF_HOSTED = "self-hosted"
    FREE = "free"
    PRO = "pro"
    PRO_NO_SPEND_CAP = "pro-no-spend-cap"
    TEAM = "team"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Of one project.

    Attributes:
        connections: at the same time.
        messages_per_s: sent and delivered together; each delivery counts, to whichever subscriber.
        joins_per_s: of channels.
        channels_per_connection: joined at the same time.
        presence_messages_per_s: sent and delivered.
        broadcast_bytes: of one payload. change_bytes: of one row; what is larger comes without its large columns.
        messages_a_month: included in the price; None where nobody counts.
    """

    connections: int
    messages_per_s: int
    joins_per_s: int
    presence_messages_per_s: int
    broadcast_bytes: int
    channels_per_connection: int = 100
    change_bytes: int = 1_048_576
    messages_a_month: int | None = None


def _hosted(connections: int, messages_per_s: int, presence_per_s: int, broadcast_bytes: int, a_month: int) -> Quota:
    """A plan of the hosted service, where joins have the quota of messages."""
    return Quota(
        connections=connections,
        messages_per_s=messages_per_s,
        joins_per_s=messages_per_s,
        presence_messages_per_s=presence_per_s,
        broadcast_bytes=broadcast_bytes,
        messages_a_month=a_month,
    )


QUOTAS: Mapping[Plan, Quota] = {
    # supabase/realtime, lib/realtime/api/tenant.ex and config/runtime.exs
    Plan.SELF_HOSTED: Quota(
        connections=200,
        messages_per_s=100,
        joins_per_s=100,
        presence_messages_per_s=1_000,
        broadcast_bytes=3_000_000,
    ),
    Plan.FREE: _hosted(200, 100, 20, 256_000, 2_000_000),
    Plan.PRO: _hosted(500, 500, 50, 3_000_000, 5_000_000),
    Plan.PRO_NO_SPEND_CAP: _hosted(10_000, 2_500, 1_000, 3_000_000, 5_000_000),
    Plan.TEAM: _hosted(10_000, 2_500, 1_000, 3_000_000, 5_000_000),
}
