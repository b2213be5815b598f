"""Arithmetic with published quotas and prices, on the vendor's own examples."""

from __future__ import annotations

import pytest

from helpers.capacity import Flow, Traffic, most_subscribers, plans_frame, quota_use
from helpers.capacity.quota import HOSTED, SECONDS_PER_MONTH, list_price
from helpers.plans import Plan


def monthly(flow: Flow, subscribers: int, messages: float) -> Traffic:
    """So many messages written in a month, to one channel."""
    return Traffic(flow, subscribers, messages / SECONDS_PER_MONTH, frame_bytes=100)


def test_a_change_counts_once_for_each_client_that_listens() -> None:
    """Five clients: five messages."""
    assert monthly(Flow.CHANGES, 5, 1).messages_per_month == pytest.approx(5)


def test_a_broadcast_counts_once_as_sent_as_well() -> None:
    """Four clients: five messages."""
    assert monthly(Flow.BROADCAST, 4, 1).messages_per_month == pytest.approx(5)


@pytest.mark.parametrize(
    ("millions", "dollars"),
    [(1.8, 0.0), (5.0, 0.0), (8.5, 10.0), (5.000001, 2.5)],
)
def test_messages_are_sold_by_the_million(millions: float, dollars: float) -> None:
    """1.8 million are within the quota; 3.5 million beyond it are four packages."""
    traffic = monthly(Flow.CHANGES, 1, millions * 1e6)
    assert quota_use(Plan.TEAM, traffic).dollars == pytest.approx(dollars)


@pytest.mark.parametrize(("connections", "dollars"), [(350, 0.0), (500, 0.0), (501, 10.0), (1_700, 20.0)])
def test_connections_are_sold_by_the_thousand(connections: int, dollars: float) -> None:
    """1,200 beyond the quota are two packages."""
    idle = Traffic(Flow.CHANGES, connections, rate_per_s=1e-9)
    assert list_price(Plan.PRO_NO_SPEND_CAP, idle) == pytest.approx(dollars)


def test_egress_is_sold_by_the_gigabyte() -> None:
    """50 beyond the 250 of a paid plan: 4.50 dollars."""
    traffic = Traffic(Flow.CHANGES, 1, rate_per_s=3e11 / SECONDS_PER_MONTH / 100_000, frame_bytes=100_000)
    assert traffic.egress_gb_per_month == pytest.approx(300)
    assert list_price(Plan.TEAM, traffic) == pytest.approx(4.50)


@pytest.mark.parametrize(
    ("plan", "rate", "most", "limit"),
    [
        (Plan.FREE, 0.001, 200, "connections"),
        (Plan.FREE, 10.0, 0, "messages a month"),
        (Plan.PRO_NO_SPEND_CAP, 1.0, 2_499, "messages a second"),
        (Plan.TEAM, 0.1, 10_000, "connections"),
    ],
)
def test_each_load_has_its_own_limit(plan: Plan, rate: float, most: int, limit: str) -> None:
    """Few messages: connections; many: messages, by the second, or by the month where no more are sold."""
    found = most_subscribers(plan, Traffic(Flow.BROADCAST, 1, rate, active=0.1))
    assert found == (most, limit)


def test_a_load_at_its_limit_fits_and_one_more_does_not() -> None:
    """On every plan, for a load that only grows in subscribers."""
    for plan in HOSTED:
        traffic = Traffic(Flow.BROADCAST, 1, 0.01, channels=3, active=0.5)
        most, _ = most_subscribers(plan, traffic)
        for subscribers, fits in ((most, True), (most + 1, False)):
            grown = Traffic(Flow.BROADCAST, subscribers, 0.01, channels=3, active=0.5)
            assert quota_use(plan, grown).fits is fits


def test_what_a_plan_refuses_has_no_price() -> None:
    """A spend cap refuses what would cost more."""
    use = quota_use(Plan.PRO, monthly(Flow.CHANGES, 1, 6e6))
    assert use.refused == ("messages a month",) and use.dollars is None and not use.fits
    assert "refuses: messages a month" in plans_frame(monthly(Flow.CHANGES, 1, 6e6))["says"].tolist()
