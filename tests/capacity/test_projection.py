"""From one server to many clients."""

from __future__ import annotations

import math

import pytest

from helpers.capacity import CLIENTS, Assumptions, Capacity, Flow, project, projections_frame
from helpers.capacity.published import not_published, rows_of


def test_servers_grow_with_clients(capacity: Capacity) -> None:
    """A hundred times the clients need a hundred times the servers, within the rounding; the interval goes along."""
    few, some, many = project(capacity)
    assert (few.clients, some.clients, many.clients) == CLIENTS == (10_000, 1_000_000, 100_000_000)
    assert many.servers.value == pytest.approx(100 * some.servers.value, rel=0.05)
    for row in (few, some, many):
        assert row.servers.low <= row.servers.value <= row.servers.high
    assert many.servers.low < many.servers.high


def test_counts_follow_from_the_assumptions(capacity: Capacity) -> None:
    """10,000 clients in channels of 50, each with a message in 100 s, half of them there, for half of the month."""
    given = Assumptions(subscribers=50, sent_per_client_s=0.01, online=0.5, active=0.5)
    (row,) = project(capacity, [10_000], given)
    assert row.connections == 5_000 and row.sent_per_s == pytest.approx(50)
    assert row.deliveries_per_s == pytest.approx(2_500)
    assert row.messages_per_month == pytest.approx(2_550 * 0.5 * 730 * 3_600)


def test_no_published_plan_carries_a_million(capacity: Capacity) -> None:
    """It says so, and what the largest plan refuses; a small quiet crowd fits on the smallest."""
    _, some, _ = project(capacity)
    assert some.plan == "not on any published plan" and "connections" in some.refused
    (small,) = project(capacity, [100], Assumptions(sent_per_client_s=0.0005, active=0.1))
    assert small.plan == "free" and not small.refused


def test_more_servers_do_not_help_who_reads_all_changes(capacity: Capacity) -> None:
    """A project has one reader of changes: beyond what it reads no number of servers helps."""
    few, _, many = project(capacity, given=Assumptions(flow=Flow.CHANGES))
    assert few.servers.value == 1 and math.isinf(many.servers.value)
    assert "no number helps" in projections_frame([many]).loc["servers of one core"].iloc[0]


def test_more_headroom_needs_more_servers(capacity: Capacity) -> None:
    """Half of each server kept free, against a tenth."""
    little, much = (
        project(capacity, [10_000_000], Assumptions(headroom=share, sent_per_client_s=1.0))[0] for share in (0.1, 0.5)
    )
    assert much.servers.value > 1.2 * little.servers.value


def test_published_figures_cover_no_more_than_they_show() -> None:
    """Clients, deliveries and changes of one row, not the best of several."""
    assert not_published(Flow.CHANGES, 5_000, 50_000, 10) == ""
    assert "35,000 clients" in not_published(Flow.CHANGES, 35_000, 50_000, 1)
    assert "64 changes a second" in not_published(Flow.CHANGES, 500, 1_000, 100)
    assert not_published(Flow.BROADCAST, 250_000, 800_000, 8_000) == ""


def test_published_rows_agree_with_themselves() -> None:
    """Without policies every client receives every change, with them one in five."""
    for row in rows_of(Flow.CHANGES):
        assert row.deliveries_per_s == row.clients * row.changes_per_s
    for row in rows_of(Flow.SECURED):
        assert row.deliveries_per_s == row.clients * row.changes_per_s / 5
