"""What a subscription costs a tab: measured in a real one, and told with its limits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from helpers.errors import SettingsError
from helpers.experiments.browser.chromium import CHROMIUM_VARIABLE
from helpers.experiments.browser.subscribing import HEAP, PROCESS_CPU, TabPlan, compare_tab_costs
from helpers.plots import tab_costs_plot
from helpers.target import Target

QUICK = TabPlan((1, 5, 10, 20), (1, 5, 10), 10.0, 0.3, at_once=3)


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.usefixtures("chromium")
async def test_a_client_for_each_costs_more_heap_than_a_channel(target: Target) -> None:
    """All three ways are measured; memory grows by kibibytes with each subscription, more so with a client for each."""
    found = await compare_tab_costs(target, plan=QUICK)
    shared, own, changes = (found.cost(way, HEAP) for way in found.ways)
    assert shared and shared.line and own and own.line and changes and changes.line
    assert shared.line.low > 1 and shared.line.high < own.line.low
    assert changes.line.grows and changes.line.high < own.line.low
    points = found.points_frame()
    assert len(points) == 3 * 4 * (len(QUICK.levels) + len(QUICK.busy_levels))
    assert (points[points.cost == PROCESS_CPU].y >= 0).all() and points[points.cost == PROCESS_CPU].y.sum() > 0
    assert "KiB of a tab's heap alive" in found.answer and "of less than 10 MB" in found.answer
    assert all(way in text for way, text in zip(found.ways, legend(tab_costs_plot(found)), strict=True))
    assert "supabase-js 2." in found.notes[0] and "browser " in found.notes[0] and "new lab" in found.notes[0]


async def test_without_a_browser_the_answer_says_so(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is measured, nothing fails, and what to install is told."""
    monkeypatch.setenv(CHROMIUM_VARIABLE, "/nowhere/chromium")
    found = await compare_tab_costs(target)
    assert found.costs == () and found.table().empty
    assert "Install Chromium" in tab_costs_plot(found).axes[0].texts[0].get_text()
    assert found.answer.startswith("Not measured, because /nowhere/chromium cannot be run. Install Chromium")


async def test_sizes_that_make_no_line_are_refused(target: Target) -> None:
    """Three are needed, and they grow."""
    with pytest.raises(SettingsError, match="1, 1, 5 cannot be used"):
        await compare_tab_costs(target, plan=replace(QUICK, levels=(1, 1, 5)))
