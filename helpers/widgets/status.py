"""A subscription's state, and buttons that break its network."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable
from typing import Any

from helpers.lab.network import BLACK_HOLE, PERFECT, Conditions, Ending, Network, Way
from helpers.resilience import Origin, State, Subscription
from helpers.widgets.panel import GOOD, PENDING, POLLING, WRONG, Panel, badge, button

__all__ = ["StatusPanel"]

#: Between two looks at the counters. Transitions are shown at once.
LOOK_S = 1.0

#: How long a button's fault lasts that does not end by itself.
FAULT_S = 3.0

#: Transitions that are shown.
SHOWN = 8

_COLOURS = {State.LIVE: GOOD, State.POLLING: POLLING, State.OFFLINE: WRONG, State.CLOSED: WRONG}

SLOW = Conditions(name="slow", to_server=Way(latency_ms=1_000), to_client=Way(latency_ms=1_000))


class StatusPanel(Panel):
    """A subscription's state, counters and latest transitions; with a network, buttons that break it.

    Show `panel.widget` in a cell; where there are no widgets, ``print(panel)`` tells the same. `close` ends it.
    """

    def __init__(self, subscription: Subscription, via: Network | None = None) -> None:
        import ipywidgets as widgets

        super().__init__()
        self._subscription, self._via = subscription, via
        self.buttons = self._make_buttons() if via is not None else {}
        self.widget = widgets.VBox([self._view, widgets.HBox(list(self.buttons.values()))])
        subscription.life.on_transition(lambda _: self.refresh())
        self._start(self._look(LOOK_S))
        self.refresh()

    def __str__(self) -> str:
        steps = [f"  {step}" for step in list(self._subscription.life.transitions)[-SHOWN:]]
        return "\n".join([f"{self._subscription.state}: {self._counts()}", *steps])

    def _html(self) -> str:
        state = self._subscription.state
        steps = "".join(
            f"<li>{html.escape(str(step))}</li>" for step in list(self._subscription.life.transitions)[-SHOWN:]
        )
        word = badge(state, _COLOURS.get(state, PENDING))
        return f"<p>{word} {html.escape(self._counts())}</p><ol>{steps}</ol>"

    def _counts(self) -> str:
        delivered = self._subscription.delivered
        ways = ", ".join(f"{delivered[origin]:,} by {origin}" for origin in Origin if delivered[origin])
        lost = self._subscription.lost_by_stream
        return f"{delivered.total():,} changes ({ways or 'none yet'}), {lost:,} lost by Realtime"

    def _make_buttons(self) -> dict[str, Any]:
        actions: dict[str, Callable[[], None]] = {
            "reset": lambda: self._cut(Ending.RESET),
            "half-open": lambda: self._cut(Ending.SERVER_GONE),
            "black hole, 3 s": lambda: self._for_a_while(BLACK_HOLE),
            "slow, 3 s": lambda: self._for_a_while(SLOW),
        }
        return {name: button(name, action) for name, action in actions.items()}

    def _cut(self, ending: Ending) -> None:
        assert self._via is not None
        self._via.cut(ending)

    def _for_a_while(self, conditions: Conditions) -> None:
        assert self._via is not None
        self._via.set(conditions)
        self._start(self._mend())

    async def _mend(self) -> None:
        await asyncio.sleep(FAULT_S)
        assert self._via is not None
        self._via.set(PERFECT)
