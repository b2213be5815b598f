"""What is shown live in a notebook, and can be pressed."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from helpers.lab.network import BLACK_HOLE, PERFECT, Conditions, Ending, Network, Way
from helpers.resilience import Origin, State, Subscription

if TYPE_CHECKING:
    import ipywidgets as widgets

__all__ = ["StatusPanel"]

#: Between two looks at the counters. Transitions are shown at once.
LOOK_S = 1.0

#: How long a button's fault lasts that does not end by itself.
FAULT_S = 3.0

#: Transitions that are shown.
SHOWN = 8

#: Of Okabe and Ito's palette: serving, on the way, not serving.
_COLOURS = {State.LIVE: "#009E73", State.POLLING: "#E69F00", State.OFFLINE: "#D55E00", State.CLOSED: "#D55E00"}
_ON_THE_WAY = "#56B4E9"

SLOW = Conditions(name="slow", to_server=Way(latency_ms=1_000), to_client=Way(latency_ms=1_000))


class StatusPanel:
    """A subscription's state, counters and latest transitions; with a network, buttons that break it.

    Show `panel.widget` in a cell; where there are no widgets, ``print(panel)`` tells the same. `close` ends it.
    """

    def __init__(self, subscription: Subscription, via: Network | None = None) -> None:
        import ipywidgets as widgets

        self._subscription, self._via = subscription, via
        self._view = widgets.HTML()
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.buttons = self._make_buttons(widgets) if via is not None else {}
        self.widget = widgets.VBox([self._view, widgets.HBox(list(self.buttons.values()))])
        subscription.life.on_transition(lambda _: self.refresh())
        self._start(self._look())
        self.refresh()

    def refresh(self) -> None:
        """Show what is so now."""
        if not self._closed:
            self._view.value = self._html()

    def close(self) -> None:
        """Show nothing new any more."""
        self._closed = True
        for task in self._tasks:
            task.cancel()

    def __str__(self) -> str:
        steps = [f"  {step}" for step in list(self._subscription.life.transitions)[-SHOWN:]]
        return "\n".join([f"{self._subscription.state}: {self._counts()}", *steps])

    def _html(self) -> str:
        state = self._subscription.state
        colour = _COLOURS.get(state, _ON_THE_WAY)
        steps = "".join(
            f"<li>{html.escape(str(step))}</li>" for step in list(self._subscription.life.transitions)[-SHOWN:]
        )
        return (
            f'<p><span style="background:{colour};color:#000;padding:2px 10px;border-radius:9px">{state}</span> '
            f"{html.escape(self._counts())}</p><ol>{steps}</ol>"
        )

    def _counts(self) -> str:
        delivered = self._subscription.delivered
        ways = ", ".join(f"{delivered[origin]:,} by {origin}" for origin in Origin if delivered[origin])
        lost = self._subscription.lost_by_stream
        return f"{delivered.total():,} changes ({ways or 'none yet'}), {lost:,} lost by Realtime"

    def _make_buttons(self, widgets: Any) -> dict[str, widgets.Button]:
        actions: dict[str, Callable[[], None]] = {
            "reset": lambda: self._cut(Ending.RESET),
            "half-open": lambda: self._cut(Ending.SERVER_GONE),
            "black hole, 3 s": lambda: self._for_a_while(BLACK_HOLE),
            "slow, 3 s": lambda: self._for_a_while(SLOW),
        }
        return {name: _button(widgets, name, action) for name, action in actions.items()}

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

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self.refresh()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _button(widgets: Any, name: str, action: Callable[[], None]) -> widgets.Button:
    button = widgets.Button(description=name)
    button.on_click(lambda _: action())
    return button
