"""What a measurement will take of a plan's quota, told before it begins; above the quota only with an explicit yes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from helpers.errors import SettingsError
from helpers.plans import QUOTAS, Plan, Quota
from helpers.profiling.workloads.audience import Audience, Hearing
from helpers.profiling.workloads.rates import peak_per_s
from helpers.profiling.workloads.workload import Route, Workload
from helpers.target import Target, TargetKind

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["JOINS_PER_S", "Expected", "Share", "estimate", "permit", "plan_of"]

#: So fast subscribers join on a target that is not the lab: half of the free plan's quota.
JOINS_PER_S = 50.0

#: What a broadcast's payload holds besides its text: number, names, braces; and at most the id that the database adds.
_FRAME_BYTES = 80

_TRIED = "planning the load"


@dataclass(frozen=True, slots=True)
class Share:
    """One quota, and what is taken of it."""

    name: str
    expected: float
    quota: float

    @property
    def percent(self) -> float:
        return 100 * self.expected / self.quota

    @property
    def is_above(self) -> bool:
        return self.expected > self.quota

    def __str__(self) -> str:
        return f"{self.name}: {self.expected:,.0f} of {self.quota:,.0f} ({self.percent:,.3g} %)"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a measurement will take.

    Attributes:
        sent: broadcasts; rows are not messages until they are delivered. delivered: to all subscribers together.
        peak_per_s: the most of both within one second.
        joins, joins_per_s: of channels, the sender's included.
        connections: the sender's included. channels_per_connection: on the one that has the most.
        payload_bytes: of one message. is_broadcast: whether messages are broadcasts, which have a quota of their own.
    """

    sent: int
    delivered: int
    peak_per_s: int
    joins: int
    joins_per_s: float
    connections: int
    channels_per_connection: int
    payload_bytes: int
    is_broadcast: bool

    @property
    def messages(self) -> int:
        """As the vendor counts them: each one sent, and each one delivered to a subscriber."""
        return self.sent + self.delivered

    def shares(self, quota: Quota) -> tuple[Share, ...]:
        """What is taken of each quota."""
        payload = quota.broadcast_bytes if self.is_broadcast else quota.change_bytes
        shares = (
            Share("messages a second, at the peak", self.peak_per_s, quota.messages_per_s),
            Share("joins a second", self.joins_per_s, quota.joins_per_s),
            Share("connections", self.connections, quota.connections),
            Share("channels on a connection", self.channels_per_connection, quota.channels_per_connection),
            Share("bytes in a message", self.payload_bytes, payload),
        )
        monthly = quota.messages_a_month
        return shares if monthly is None else (*shares, Share("messages a month", self.messages, monthly))

    def to_frame(self, quota: Quota) -> pd.DataFrame:
        """One row for each quota."""
        import pandas as pd

        rows = [(share.name, share.expected, share.quota, share.percent) for share in self.shares(quota)]
        return pd.DataFrame(rows, columns=["quota of", "expected", "quota", "share (%)"])

    def __str__(self) -> str:
        both = f"{self.sent:,} sent, {self.delivered:,} delivered"
        return f"{self.messages:,} messages ({both}), up to {self.peak_per_s:,}/s"


def estimate(workload: Workload, audience: Audience | None = None) -> Expected:
    """Count beforehand what a measurement will take.

    Raises:
        SettingsError: it cannot be told who will hear what.
    """
    audience = audience or Audience()
    hearing = Hearing.of(workload, audience, full_identity=True)  # the more of the two is the safe estimate
    listeners = np.bincount(hearing.kind_of, minlength=len(hearing.kinds)) @ hearing.kinds.astype(np.int64)
    own = int(workload.is_broadcast)
    by_socket = workload.route is Route.BROADCAST
    again = audience.churn.joins(workload.seconds) if audience.churn else 0
    joins = audience.subscribers + again + (workload.channels if by_socket else 0)
    return Expected(
        sent=own * workload.messages,
        delivered=int(listeners.sum()),
        peak_per_s=peak_per_s(workload.due_s(), listeners + own),
        joins=joins,
        joins_per_s=min(joins, JOINS_PER_S),
        connections=audience.connections + int(by_socket),
        channels_per_connection=max(audience.channels_per_socket, workload.channels if by_socket else 0),
        payload_bytes=workload.body_bytes + _FRAME_BYTES,
        is_broadcast=workload.is_broadcast,
    )


def plan_of(target: Target) -> Plan:
    """Whose quota holds for a target: the one that was named, else the least that it can be."""
    return target.plan or (Plan.FREE if target.kind is TargetKind.HOSTED else Plan.SELF_HOSTED)


def permit(
    target: Target,
    workload: Workload,
    audience: Audience | None = None,
    *,
    above_quota: bool | None = None,
    show: Callable[[str], None] = print,
) -> Expected:
    """Let a measurement begin, or not: on a target that is not the lab nothing goes above its plan unasked.

    Args:
        above_quota: a yes or a no; None asks the target, which has it from `WORKBOOK_ABOVE_QUOTA`.
        show: is given the expected shares before anything above the quota begins.

    Raises:
        SettingsError: it would go above the quota, and nobody has allowed that; with count and shares.
    """
    expected = estimate(workload, audience)
    if target.kind is TargetKind.LAB:
        return expected
    plan = plan_of(target)
    shares = expected.shares(QUOTAS[plan])
    above = "; ".join(str(share) for share in shares if share.is_above)
    if not above:
        return expected
    told = f"{expected} are expected on {target}, above the quota of the plan {plan}: {above}"
    if not (target.above_quota if above_quota is None else above_quota):
        advice = (
            "Plan less, name your plan in WORKBOOK_PLAN, or allow it: "
            "above_quota=True, or WORKBOOK_ABOVE_QUOTA=yes. It may cost money, and stop other users of the project"
        )
        raise SettingsError(_TRIED, told, advice)
    show(f"Allowed: {told}. All shares: {'; '.join(map(str, shares))}.")
    return expected
