"""What a measurement takes of a quota is told beforehand, and above it nothing goes unasked."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from helpers.errors import SettingsError, TargetError
from helpers.lab.realtime.settings import Limits
from helpers.plans import QUOTAS, Plan
from helpers.profiling.workloads import Audience, Burst, Constant, Route, Workload, measure
from helpers.profiling.workloads.quota import JOINS_PER_S, estimate, permit, plan_of
from helpers.target import Target, TargetKind


def project(**settings: str) -> Target:
    """A project as `.env` names it."""
    names = {"SUPABASE_URL": "https://abcdefgh.supabase.co", "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x"}
    return Target.from_env(names | settings)


TOO_FAST = Workload(route=Route.BROADCAST, rate=Constant(60.0), seconds=2)
PROJECT = project()


def test_broadcasts_count_when_sent_and_when_delivered() -> None:
    """Four listeners make five messages of one broadcast (the vendor's own example)."""
    expected = estimate(Workload(route=Route.BROADCAST, rate=Constant(1.0), seconds=1), Audience(subscribers=4))
    assert (expected.sent, expected.delivered, expected.messages) == (1, 4, 5)
    assert (expected.connections, expected.joins, expected.channels_per_connection) == (5, 5, 1)


def test_changes_count_once_for_each_listener() -> None:
    """Five listeners make five messages of one change, and a filter keeps some from being any."""
    workload = Workload(rate=Constant(40.0), seconds=1)
    assert estimate(workload, Audience(subscribers=5)).messages == 5 * 40
    some = estimate(workload, Audience(subscribers=2, filter=("room_id=eq.123", "room_id=in.(123,124)")))
    assert (some.sent, some.delivered) == (0, 10 + 20)
    assert some.connections == 2


def test_the_peak_is_that_of_the_fullest_second() -> None:
    """A burst counts whole, however long the pauses are."""
    workload = Workload(route=Route.HTTP, rate=Burst(50, 10.0), seconds=30)
    expected = estimate(workload, Audience(subscribers=3))
    assert (expected.messages, expected.peak_per_s) == (150 * 4, 50 * 4)


def test_the_lab_has_no_quota() -> None:
    """There everything is permitted, and counted all the same."""
    lab = replace(PROJECT, kind=TargetKind.LAB)
    assert permit(lab, TOO_FAST).messages == 240


@pytest.mark.parametrize(
    ("workload", "audience", "says"),
    [
        (TOO_FAST, Audience(), "messages a second, at the peak: 120 of 100 (120 %)"),
        (Workload(rate=Constant(10.0)), Audience(subscribers=201), "connections: 201 of 200"),
        (Workload(rate=Constant(1.0)), Audience(subscribers=101, sockets=1), "channels on a connection: 101 of 100"),
        (
            Workload(route=Route.HTTP, rate=Constant(1.0), body_bytes=300_000),
            Audience(),
            "bytes in a message: 300,080 of 256,000",
        ),
        (
            Workload(rate=Constant(1_600.0), seconds=300),
            Audience(subscribers=5),
            "messages a month: 2,400,000 of 2,0",
        ),
    ],
)
def test_above_the_quota_is_refused(workload: Workload, audience: Audience, says: str) -> None:
    """With the expected count, the share, and how to allow it."""
    with pytest.raises(SettingsError) as told:
        permit(PROJECT, workload, audience)
    assert says in str(told.value)
    assert f"{estimate(workload, audience).messages:,} messages" in str(told.value)
    assert "WORKBOOK_ABOVE_QUOTA=yes" in str(told.value)


def test_within_the_quota_nobody_is_asked() -> None:
    """Sixty messages a second are permitted on the free plan."""
    shown: list[str] = []
    permit(PROJECT, Workload(route=Route.BROADCAST, rate=Constant(30.0)), show=shown.append)
    assert shown == []


def test_a_yes_is_shown_first() -> None:
    """The argument or the target allow it, and the shares are shown; a no in the argument wins."""
    shown: list[str] = []
    permit(PROJECT, TOO_FAST, above_quota=True, show=shown.append)
    allowed = project(WORKBOOK_ABOVE_QUOTA="yes")
    permit(allowed, TOO_FAST, show=shown.append)
    assert len(shown) == 2
    assert all("240 messages (120 sent, 120 delivered), up to 120/s" in line for line in shown)
    assert all("messages a month: 240 of 2,000,000" in line for line in shown)
    with pytest.raises(SettingsError):
        permit(allowed, TOO_FAST, above_quota=False)


def test_the_plan_can_be_named() -> None:
    """The free plan is assumed; a larger one has to be named, and one that there is not is told."""
    assert plan_of(PROJECT) is Plan.FREE
    assert plan_of(replace(PROJECT, kind=TargetKind.LOCAL)) is Plan.SELF_HOSTED
    permit(project(WORKBOOK_PLAN="Pro"), TOO_FAST)
    with pytest.raises(TargetError, match="WORKBOOK_PLAN='gold' is no plan"):
        project(WORKBOOK_PLAN="gold")


async def test_measuring_asks_first() -> None:
    """A measurement above the quota does not begin: the project, which there is not, is not even looked for."""
    with pytest.raises(SettingsError, match="above the quota of the plan free"):
        await measure(PROJECT, TOO_FAST, label="too fast")


def test_the_lab_keeps_the_same_numbers() -> None:
    """The lab's limits of a plan are the quotas that are told here."""
    for plan, quota in QUOTAS.items():
        limits = Limits.of(plan.value)
        assert (limits.users, limits.events_per_s, limits.joins_per_s, limits.payload_bytes) == (
            quota.connections, quota.messages_per_s, quota.joins_per_s, quota.broadcast_bytes,
        )  # fmt: skip


async def test_a_project_is_treated_gently(tables: Target) -> None:
    """On a target that is not the lab subscribers join no faster than half of the free plan's quota allows."""
    gentle = replace(tables, kind=TargetKind.HOSTED)
    workload = Workload(route=Route.BROADCAST, rate=Constant(8.0), seconds=0.5)
    began = time.monotonic()
    recording = await measure(gentle, workload, Audience(subscribers=10), label="gentle")
    assert (recording.sent, recording.received) == (4, 40)
    assert time.monotonic() - began >= 9 / JOINS_PER_S + 0.5


async def test_more_is_measured_when_it_is_allowed(tables: Target, capsys: pytest.CaptureFixture[str]) -> None:
    """With a yes the same measurement begins, after its shares are shown."""
    workload = Workload(route=Route.BROADCAST, rate=Constant(200.0), seconds=0.5)
    hosted = replace(tables, kind=TargetKind.HOSTED)
    recording = await measure(hosted, workload, label="allowed", above_quota=True)
    assert recording.received == 100
    assert "messages a second, at the peak: 200 of 100 (200 %)" in capsys.readouterr().out
