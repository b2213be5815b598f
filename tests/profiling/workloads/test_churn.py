"""Some subscribers leave and come back while others stay: nobody is blamed for what he could not hear."""

from __future__ import annotations

import pytest

from helpers.errors import SettingsError
from helpers.profiling.harness import HARNESS_LIMIT
from helpers.profiling.recording import Recording
from helpers.profiling.workloads import Audience, Churn, Constant, Route, Workload, estimate, measure
from helpers.profiling.workloads.phases import JOIN
from helpers.target import Target


def told(recording: Recording) -> list[str]:
    return [note for note in recording.notes if not note.startswith(HARNESS_LIMIT)]


@pytest.mark.parametrize(("route", "stay_s"), [(Route.BROADCAST, 0.4), (Route.SQL, 1.6)])
async def test_leavers_are_not_lost_messages(tables: Target, route: Route, stay_s: float) -> None:
    """Who stays hears everything, who was away is not expected to have heard what was due meanwhile."""
    audience = Audience(subscribers=4, sockets=2, churn=Churn(leavers=2, stay_s=stay_s, away_s=0.2))
    channels = 2 if route is Route.BROADCAST else 1
    workload = Workload(route=route, rate=Constant(100.0), seconds=2 * stay_s, channels=channels)
    recording = await measure(tables, workload, audience, label="churn")
    each = workload.messages // workload.channels
    staying, leaving = recording.streams[:2], recording.streams[2:]
    assert [stream.distinct for stream in staying] == [each, each]
    assert all(0 < stream.distinct <= each for stream in leaving)
    if route is Route.BROADCAST:  # a poll can still bring what was committed while somebody was away for a moment
        assert all(stream.distinct < each for stream in leaving)
    assert 2 * each < recording.expected < 4 * each
    assert recording.lost == 0
    (note,) = told(recording)
    assert "subscribers came back" in note
    joins = recording.phase(JOIN)
    assert joins is not None
    assert joins.count >= 2


async def test_everybody_may_leave(tables: Target) -> None:
    """A measurement with nobody who stays ends as well."""
    audience = Audience(subscribers=2, churn=Churn(leavers=2, stay_s=0.2, away_s=0.1))
    workload = Workload(route=Route.HTTP, rate=Constant(50.0), seconds=1)
    recording = await measure(tables, workload, audience, label="all leave")
    assert recording.lost == 0
    assert recording.sent == 50


def test_churn_takes_joins() -> None:
    """They count against the quota of joins."""
    workload = Workload(rate=Constant(10.0), seconds=6)
    churning = estimate(workload, Audience(subscribers=4, churn=Churn(leavers=2, stay_s=1, away_s=0.5)))
    assert (estimate(workload, Audience(subscribers=4)).joins, churning.joins) == (4, 4 + 8)


@pytest.mark.parametrize("wrong", [{"leavers": 0}, {"leavers": 3}, {"stay_s": 0.01}, {"away_s": -1}])
def test_churn_is_bounded(wrong: dict[str, float]) -> None:
    """Nobody can leave more often than a server would bear, or more than there are."""
    with pytest.raises(SettingsError, match="Let at least one of them leave"):
        Audience(subscribers=2, churn=Churn(**({"leavers": 1} | wrong)))  # type: ignore[arg-type]
