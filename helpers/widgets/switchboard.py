"""A network that is chosen and broken by hand."""

from __future__ import annotations

import html

from helpers.lab.network import BLACK_HOLE, DOWN, PRESETS, UNAVAILABLE, Conditions, Ending, Network
from helpers.widgets.panel import GOOD, WRONG, Panel, badge, button

__all__ = ["Switchboard"]

LOOK_S = 0.5
_FAULTS = (BLACK_HOLE, DOWN, UNAVAILABLE)
_ENDINGS = {"reset": Ending.RESET, "close": Ending.CLOSE, "half-open": Ending.SERVER_GONE}


class Switchboard(Panel):
    """The conditions of a network as a menu, and buttons that take its connections away.

    Attributes:
        choice: the menu. buttons: by name.
    """

    def __init__(self, via: Network) -> None:
        import ipywidgets as widgets

        super().__init__()
        self._via = via
        self._known: dict[str, Conditions] = {**PRESETS, **{fault.name: fault for fault in _FAULTS}}
        self._known.setdefault(via.conditions.name, via.conditions)
        self.choice = widgets.Dropdown(options=list(self._known), value=via.conditions.name, description="network")
        self.choice.observe(lambda change: self._choose(change["new"]), names="value")
        self.buttons = {
            name: button(name, lambda ending=ending: self._cut(ending)) for name, ending in _ENDINGS.items()
        }
        self.widget = widgets.VBox([widgets.HBox([self.choice, *self.buttons.values()]), self._view])
        self._start(self._look(LOOK_S))

    def __str__(self) -> str:
        return f"{self._via.conditions.name}: {self._counts()}"

    def _choose(self, name: str) -> None:
        self._via.set(self._known[name])
        self.refresh()

    def _cut(self, ending: Ending) -> None:
        self._via.cut(ending)
        self.refresh()

    def _html(self) -> str:
        name = self._via.conditions.name
        colour = WRONG if name in {fault.name for fault in _FAULTS} else GOOD
        return f"<p>{badge(html.escape(name), colour)} {self._counts()}</p>"

    def _counts(self) -> str:
        counters = self._via.counters
        both = counters.bytes_to_server + counters.bytes_to_client
        return f"{counters.connections:,} connections, {counters.taken:,} taken away, {both:,} bytes passed on"
