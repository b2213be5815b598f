"""The panel that shows a subscription, and breaks its network."""

from __future__ import annotations

from helpers.lab.network import network
from helpers.resilience import Broadcasts, Happened, ResilientClient, State
from helpers.target import Target
from helpers.widgets import StatusPanel
from tests.resilience.quick import QUICK


async def test_it_shows_the_state_and_a_button_breaks_the_network(target: Target) -> None:
    """Pressed as a person would, and shown without any look at the clock."""
    async with network(target) as via, ResilientClient(via.target, settings=QUICK) as client:
        subscription = client.subscribe(Broadcasts(), name="panel")
        panel = StatusPanel(subscription, via)
        try:
            shown = panel.widget.children[1]
            assert "connecting" in shown.value
            subscription.life.enter(Happened.CONNECTED, 0.0, "<b>in a test</b>")
            assert "&lt;b&gt;in a test" in shown.value
            assert sorted(panel.buttons) == ["black hole, 3 s", "half-open", "reset", "slow, 3 s"]
            panel.buttons["reset"].click()
            panel.buttons["black hole, 3 s"].click()
            assert via.conditions.name == "black hole"
            assert str(State.JOINING) in str(panel)
        finally:
            panel.close()
