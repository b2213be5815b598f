"""What one more subscription and one more message cost."""

from __future__ import annotations

from dataclasses import replace

import psutil
import pytest

from helpers.errors import FailureError, SettingsError
from helpers.experiments.crowded import Crowding, busy_crowd, idle_crowd
from helpers.experiments.marginal import POLITE, compare_marginal_costs
from helpers.experiments.marginal_results import MarginalCost, MarginalCosts, Point
from helpers.experiments.tables import own_table
from helpers.lab import Lab, LabSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.plots import marginal_plot
from helpers.profiling.lines import fit_line
from helpers.target import Target, TargetKind

WAYS = {"straight": [0.0, 10.1, 19.9, 30.0, 40.1, 50.0], "bent": [0.0, 1.0, 4.1, 9.0, 16.1, 25.0]}
LEVELS = (1, 10, 20, 30)


def ours() -> list[str]:
    """Processes that this one has started for a measurement."""
    lines = (" ".join(child.cmdline()) for child in psutil.Process().children())
    return [line for line in lines if "helpers.probes" in line]


async def test_sockets_cost_more_than_channels(target: Target) -> None:
    """A socket each costs client and server more memory than a shared one; all four ways are measured, and told."""
    labs = len(psutil.Process().children())
    found = await compare_marginal_costs(target, levels=LEVELS)
    assert len(found.ways) == 4
    for kind in ("broadcast", "postgres_changes"):
        for cost in ("client memory, traced", "server memory"):
            own, shared = (found.cost(f"{kind}, {way}", cost) for way in ("a socket each", "shared socket"))
            assert own is not None and own.line is not None and shared is not None and shared.line is not None
            assert own.line.low > 0 and own.line.per_one > shared.line.per_one
    assert "One more broadcast subscription costs the client" in found.answer
    assert "target of less than 10 MB a subscription is kept" in found.answer
    assert "new labs without quotas" in found.notes[0]
    assert len(found.points_frame()) == 4 * 10 * len(LEVELS)
    assert len(found.to_frame()) == 4 * 10
    assert ours() == [] and len(psutil.Process().children()) == labs


async def test_elsewhere_quotas_are_kept_and_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a target that is not the lab, joins and messages are paced, and no table is made."""
    monkeypatch.setattr("helpers.experiments.marginal.POLITE", replace(POLITE, idle_s=0.05, messages=1))
    limits = Limits(users=50, joins_per_s=30, events_per_s=90)
    settings = RealtimeSettings(limits=limits, rate_tick_s=0.5, rate_ticks=2)
    async with Lab(LabSettings(realtime=settings)) as lab:
        stranger = replace(
            lab.target, kind=TargetKind.HOSTED, database_url=None, writes_allowed=False,
            api_url=lab.target.api_url.replace("127.0.0.1", "localhost"),
        )  # fmt: skip
        found = await compare_marginal_costs(stranger, levels=(1, 3, 5))
    assert found.ways == ("broadcast, a socket each", "broadcast, shared socket")
    assert any("nothing may be written" in note for note in found.notes)
    traced = found.cost("broadcast, a socket each", "client memory, traced")
    assert traced is not None and traced.line is not None and traced.line.per_one > 5


async def test_a_target_that_refuses_is_an_error() -> None:
    """Its reason is told, and no process stays behind."""
    settings = RealtimeSettings(suspend=True, handshake_error_delay_s=0)
    async with Lab(LabSettings(realtime=settings)) as lab:
        with pytest.raises(FailureError, match="holding subscriptions"):
            await compare_marginal_costs(replace(lab.target, kind=TargetKind.LOCAL), levels=(1, 2, 3))
    assert ours() == []


async def test_what_was_not_delivered_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quota that swallows messages without a word ends the measurement with a count; it is not averaged away."""
    monkeypatch.setattr("helpers.experiments.crowded.DELIVERY_LIMIT_S", 1.5)
    settings = RealtimeSettings(limits=Limits(events_per_s=5), rate_tick_s=0.1, rate_ticks=30)
    async with Lab(LabSettings(realtime=settings)) as lab, own_table(lab.target) as table:
        crowding = Crowding((2, 3, 4), per_socket=3, table=table, idle_s=0.05, messages=20)
        with pytest.raises(FailureError, match=r"\d+ of \d+ messages did not arrive"):
            async for _ in busy_crowd(lab.target, crowding):
                pass


@pytest.mark.parametrize("levels", [(1, 2), (1, 10, 5), (1, 100, 100_000), (0, 1, 2)])
async def test_sizes_that_make_no_line_are_refused(target: Target, levels: tuple[int, ...]) -> None:
    """Too few, not growing, too many."""
    with pytest.raises(SettingsError):
        await compare_marginal_costs(target, levels=levels)


async def test_a_crowd_counts_what_it_receives(target: Target) -> None:
    """Each subscription gets each message; the client's CPU is that of the crowd's process."""
    crowding = Crowding((2, 4), per_socket=3, table=None, idle_s=0.05, messages=5)
    busy = [level async for level in busy_crowd(target, crowding)]
    assert [level.delivered for level in busy] == [10, 20]
    idle = [level async for level in idle_crowd(target, crowding)]
    assert [level.subscriptions for level in idle] == [2, 4]
    assert all(level.used.client_cpu_s > 0 and level.used.server_cpu_s for level in (*busy, *idle))


def test_a_line_that_does_not_fit_is_told() -> None:
    """The table says that it is no straight line, and the sentence what that means."""
    cost = MarginalCost("a way", "server memory", "KiB", fit_line([0, 1, 2, 3, 4, 5], [0, 1, 4.1, 9, 16.1, 25]))
    assert "no straight line" in str(cost)
    assert "one more costs more and more" in cost.bend
    flat = MarginalCost("a way", "server memory", "KiB", fit_line([0, 1, 2, 3], [5, 5.1, 4.9, 5]))
    assert "no growth shown" in str(flat) and flat.bend == ""
    assert str(MarginalCost("a way", "server memory", "KiB", None)) == "not known"
    whole = MarginalCosts("?", "lab", "2026-01-01", "small", 1.0, (cost, flat), ())
    assert "no straight line" in whole.table().to_string()
    assert "<table" in whole._repr_html_()


def test_the_picture_has_a_panel_for_each_cost_and_a_line_for_each_way() -> None:
    """Points and line of each way; a line that does not fit is dotted."""
    points = [Point(way, "server memory", x, y) for way, y_of in WAYS.items() for x, y in enumerate(y_of)]
    costs = tuple(MarginalCost(way, "server memory", "KiB", fit_line(range(6), y_of)) for way, y_of in WAYS.items())
    figure = marginal_plot(MarginalCosts("?", "lab", "2026-01-01", "small", 1.0, costs, tuple(points)))
    (panel,) = figure.axes
    styles = {str(line.get_linestyle()) for line in panel.get_lines()}
    assert panel.get_title(loc="left") == "server memory" or panel.get_title() == "server memory"
    assert len(panel.get_lines()) == 2 * len(WAYS)
    assert {"-", ":"} <= styles
