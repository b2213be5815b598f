"""Tabs in the background, for a few seconds: what the browser does to them, and what is told of it."""

from __future__ import annotations

import pytest

from helpers.experiments.browser.chromium import CHROMIUM_VARIABLE
from helpers.experiments.browser.hiding import HidingPlan, watch_hidden_tabs
from helpers.experiments.browser.hiding_results import Pulse, PulseStudy, TabKind
from helpers.plots import pulses_plot

QUICK = HidingPlan(heartbeat_s=0.5, idle_s=2.0, watched_s=4.0, grace_s=1.0)


@pytest.mark.usefixtures("chromium")
async def test_hidden_tabs_go_on_and_frozen_ones_are_closed() -> None:
    """Timers of a hidden tab wait for the whole second; a frozen tab is silent, and closed without knowing."""
    study = await watch_hidden_tabs(plan=QUICK)
    front, hidden, worker = study.pulse(), study.pulse(hidden=True), study.pulse(hidden=True, worker=True)
    assert len(front.beats) >= 5 and front.lost_s is None and front.back_s == 0
    assert 0 < len(hidden.beats) < len(front.beats) and hidden.lost_s is None
    assert len(hidden.beats) < len(worker.beats)
    for with_worker in (False, True):
        frozen = study.pulse(hidden=True, frozen=True, worker=with_worker)
        assert frozen.beats == () and frozen.ticks == () and frozen.believed == "joined"
        assert frozen.lost_s is not None and frozen.lost_s < 3.5 and frozen.back_s
        cut_hidden = study.pulse(hidden=True, loses_line=True, worker=with_worker)
        assert len(cut_hidden.open) == 1 and cut_hidden.back_s
    cut = study.pulse(loses_line=True)
    assert cut.back_s == 0 and len(cut.open) == 2
    assert "0 heartbeats, the connection closed" in study.answer and "still believes that it is joined" in study.answer
    assert len(study.to_frame()) == len(study.table()) == len(study.pulses) == 8
    assert any("hastened" in note for note in study.notes)
    rows = [label.get_text() for label in pulses_plot(study).axes[0].get_yticklabels()]
    assert rows == [pulse.kind.name for pulse in study.pulses]


async def test_without_a_browser_there_are_no_tabs(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the answer says what to install."""
    monkeypatch.setenv(CHROMIUM_VARIABLE, "/nowhere/chromium")
    study = await watch_hidden_tabs()
    assert study.pulses == () and study.table().empty and "Install Chromium" in str(study)
    assert "Install Chromium" in pulses_plot(study).axes[0].texts[0].get_text()


def test_silences() -> None:
    """The longest counts from the beginning and to the end; the first connection's end is when it was lost."""
    kind = TabKind(hidden=True, worker=True, loses_line=True)
    pulse = Pulse(kind, (1.0, 2.0, 3.5), (1.0,), ((0.0, 4.0), (6.0, 10.0)), 10.0, "joined", 0.0)
    assert kind.name == "hidden, worker, connection cut"
    assert (pulse.silence_s, pulse.timer_silence_s, pulse.connected_s, pulse.lost_s) == (6.5, 9.0, 8.0, 4.0)
    assert pulse.interval.mean == 1.25
    study = PulseStudy("?", "now", "small", 0.0, 1.0, 2.0, (pulse,))
    assert study.pulse(hidden=True, worker=True, loses_line=True) is pulse
    with pytest.raises(KeyError, match="frozen"):
        study.pulse(frozen=True)
