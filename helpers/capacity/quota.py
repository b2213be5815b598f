"""What a plan allows and asks for a load: arithmetic with published numbers only."""

from __future__ import annotations

import math
from dataclasses import dataclass

from helpers.capacity.design import Flow
from helpers.plans import QUOTAS, Plan, Quota

__all__ = ["HOSTED", "PRICE_SOURCES", "QuotaUse", "Traffic", "most_subscribers", "quota_use"]

#: Where prices, and what they include, stand (quotas: `helpers.plans`); each read in November 2026.
PRICE_SOURCES: tuple[str, ...] = (
    "https://supabase.com/docs/guides/platform/manage-your-usage/realtime-messages",
    "https://supabase.com/docs/guides/platform/manage-your-usage/realtime-peak-connections",
    "https://supabase.com/docs/guides/platform/manage-your-usage/egress",
)

#: Plans that are sold with a price list, the smallest first; those that sell more than they include.
HOSTED = (Plan.FREE, Plan.PRO, Plan.PRO_NO_SPEND_CAP, Plan.TEAM)
_METERED = (Plan.PRO_NO_SPEND_CAP, Plan.TEAM)

#: A billing cycle of 730 hours, as in the vendor's own examples.
SECONDS_PER_MONTH = 730 * 3_600.0

#: Included in a month; peak connections beyond are sold by the thousand, messages by the million, both whole.
_PEAK_INCLUDED = {Plan.FREE: 200, Plan.PRO: 500, Plan.PRO_NO_SPEND_CAP: 500, Plan.TEAM: 500}
_EGRESS_GB_INCLUDED = {Plan.FREE: 5.0, Plan.PRO: 250.0, Plan.PRO_NO_SPEND_CAP: 250.0, Plan.TEAM: 250.0}
_MESSAGES_PER_PACKAGE, _DOLLARS_PER_MESSAGES = 1_000_000, 2.50
_CONNECTIONS_PER_PACKAGE, _DOLLARS_PER_CONNECTIONS = 1_000, 10.0
_DOLLARS_PER_GB = 0.09


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a plan counts.

    Attributes:
        flow: a broadcast counts once as sent and once for each receiver; a change once for each receiver.
        subscribers: of each channel. channels: used by different people, each on a connection of their own.
        rate_per_s: messages or changes on each channel, while people are there.
        frame_bytes: of a delivery.
        active: share of the month during which people are there.
    """

    flow: Flow
    subscribers: float
    rate_per_s: float
    channels: float = 1
    frame_bytes: float = 500.0
    active: float = 1.0

    @property
    def connections(self) -> float:
        """One for each subscriber."""
        return self.subscribers * self.channels

    @property
    def deliveries_per_s(self) -> float:
        """To all subscribers."""
        return self.rate_per_s * self.connections

    @property
    def messages_per_s(self) -> float:
        """As they are counted."""
        return self.deliveries_per_s + (0.0 if self.flow.is_change else self.rate_per_s * self.channels)

    @property
    def messages_per_month(self) -> float:
        """As they are counted."""
        return self.messages_per_s * self.active * SECONDS_PER_MONTH

    @property
    def egress_gb_per_month(self) -> float:
        """Of deliveries; gigabytes are 10⁹ bytes."""
        return self.deliveries_per_s * self.frame_bytes * self.active * SECONDS_PER_MONTH / 1e9


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """What a load takes of a plan.

    Attributes:
        shares: of each quota; 1 is all of it.
        refused: the quotas that it goes above and that cannot be bought on this plan.
        dollars: a month, beyond the plan's own price; None if the plan refuses the load.
    """

    plan: Plan
    shares: dict[str, float]
    refused: tuple[str, ...]
    dollars: float | None

    @property
    def fits(self) -> bool:
        """Whether the plan carries the load, for money if need be."""
        return not self.refused


def quota_use(plan: Plan, traffic: Traffic) -> QuotaUse:
    """Count a load against a hosted plan.

    Raises:
        KeyError: it is no hosted plan.
    """
    quota = QUOTAS[plan]
    now = {
        "connections": traffic.connections / quota.connections,
        "messages a second": traffic.messages_per_s / quota.messages_per_s,
    }
    monthly = {
        "messages a month": traffic.messages_per_month / _messages_included(quota),
        "egress a month": traffic.egress_gb_per_month / _EGRESS_GB_INCLUDED[plan],
    }
    refusable = now if plan in _METERED else now | monthly
    refused = tuple(name for name, share in refusable.items() if share > 1)
    return QuotaUse(plan, now | monthly, refused, None if refused else list_price(plan, traffic))


def list_price(plan: Plan, traffic: Traffic) -> float:
    """Dollars a month for what goes beyond the included, by the list, whether or not the plan would carry it."""
    messages = _packages(traffic.messages_per_month - _messages_included(QUOTAS[plan]), _MESSAGES_PER_PACKAGE)
    connections = _packages(traffic.connections - _PEAK_INCLUDED[plan], _CONNECTIONS_PER_PACKAGE)
    egress_gb = max(0.0, traffic.egress_gb_per_month - _EGRESS_GB_INCLUDED[plan])
    return messages * _DOLLARS_PER_MESSAGES + connections * _DOLLARS_PER_CONNECTIONS + egress_gb * _DOLLARS_PER_GB


def most_subscribers(plan: Plan, traffic: Traffic) -> tuple[int, str]:
    """The most subscribers that each of the load's channels may have on a plan, and which quota it is."""
    quota, sent = QUOTAS[plan], 0 if traffic.flow.is_change else 1
    rate = traffic.rate_per_s * traffic.channels
    a_month = rate * traffic.active * SECONDS_PER_MONTH
    limits = {
        "connections": quota.connections / traffic.channels,
        "messages a second": quota.messages_per_s / rate - sent,
    }
    if plan not in _METERED:
        limits["messages a month"] = _messages_included(quota) / a_month - sent
        limits["egress a month"] = _EGRESS_GB_INCLUDED[plan] * 1e9 / (a_month * traffic.frame_bytes)
    name = min(limits, key=lambda one: limits[one])
    return max(0, math.floor(limits[name] + 1e-9)), name


def _messages_included(quota: Quota) -> int:
    if quota.messages_a_month is None:
        raise KeyError("this plan counts no messages a month")
    return quota.messages_a_month


def _packages(beyond: float, size: int) -> int:
    return max(0, math.ceil(beyond / size))
