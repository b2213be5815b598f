"""A subscription's state, and buttons that break its network."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable
from typing import Any

from helpers.lab.network import BLACK_HOLE, PERFECT, Conditions, Ending, Network, Way
from helpers.resilience import Origin, State, Subscription
from helpers.widgets.panel import GOOD, PENDING, POLLING, WRONG, Panel, badge, button, row

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
        self._fault: asyncio.Task[None] | None = None
        self._before = PERFECT
        # Buttons first: below the list, they would move away from under the pointer as it grows.
        self.widget = widgets.VBox([row(*self.buttons.values()), self._view])
        subscription.life.on_transition(lambda _: self.refresh())
        self._start(self._look(LOOK_S))
        self.refresh()

    def close(self) -> None:
        """End a fault that is still on, too."""
        if self._via is not None and self._fault is not None and not self._fault.done():
            self._via.set(self._before)
        super().close()

    def __str__(self) -> str:
        steps = [f"  {step}" for step in list(self._subscription.life.transitions)[-SHOWN:]]
        return "\n".join([f"{self._subscription.state}: {self._counts()}", *steps])

    def _html(self) -> str:
        state = self._subscription.state
        steps = "".join(
            f"<li>{html.escape(str(step))}</li>" for step in list(self._subscription.life.transitions)[-SHOWN:]
        )
        word = badge(state, _COLOURS.get(state, PENDING))
        return f'<p>{word} {html.escape(self._counts())}</p><ol style="list-style:none;padding:0">{steps}</ol>'

    def _counts(self) -> str:
        delivered = self._subscription.delivered
        ways = ", ".join(f"{delivered[origin]:,} by {origin}" for origin in Origin if delivered[origin])
        lost = self._subscription.lost_by_stream
        return f"{delivered.total():,} changes ({ways or 'none yet'}), {lost:,} lost by Realtime"

    def _make_buttons(self) -> dict[str, Any]:
        actions: dict[str, tuple[Callable[[], None], str]] = {
            "reset": (lambda: self._cut(Ending.RESET), "End the connections; both sides are told"),
            "half-open": (lambda: self._cut(Ending.SERVER_GONE), "The server leaves; the client is not told"),
            "black hole, 3 s": (lambda: self._break(BLACK_HOLE), "Nothing gets through, and nothing is lost"),
            "slow, 3 s": (lambda: self._break(SLOW), "A second of latency each way"),
        }
        return {name: button(name, *what) for name, what in actions.items()}

    def _cut(self, ending: Ending) -> None:
        assert self._via is not None
        self._via.cut(ending)

    def _break(self, conditions: Conditions) -> None:
        """For a while; a second button during the first's while replaces its fault."""
        assert self._via is not None
        if self._fault is None or self._fault.done():
            self._before = self._via.conditions
        else:
            self._fault.cancel()
        self._via.set(conditions)
        self._fault = self._start(self._mend(self._via, conditions))

    async def _mend(self, via: Network, fault: Conditions) -> None:
        """Put back what was, unless somebody has chosen another network meanwhile."""
        await asyncio.sleep(FAULT_S)
        if via.conditions is fault:
            via.set(self._before)
