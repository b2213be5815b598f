"""A network that is chosen and broken by hand."""

from __future__ import annotations

import html
from functools import partial

from helpers.lab.network import BLACK_HOLE, DOWN, PERFECT, PRESETS, UNAVAILABLE, Conditions, Ending, Network
from helpers.widgets.panel import GOOD, WRONG, Panel, badge, button, row

__all__ = ["Switchboard"]

LOOK_S = 0.5
_FAULTS = (BLACK_HOLE, DOWN, UNAVAILABLE)
_ENDINGS = {
    "reset": (Ending.RESET, "End the connections at once, as a crash does"),
    "close": (Ending.CLOSE, "End the connections in order, as a proxy does"),
    "half-open": (Ending.SERVER_GONE, "The server leaves; the client is not told"),
}


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
        self.choice = widgets.Dropdown(
            options=[(_label(name), name) for name in self._known],
            value=via.conditions.name,
            description="network",
            tooltip="What lies between client and server from now on",
        )
        self.choice.observe(lambda change: self._choose(change["new"]), names="value")
        self.buttons = {
            name: button(name, partial(self._cut, ending), tooltip) for name, (ending, tooltip) in _ENDINGS.items()
        }
        self.widget = widgets.VBox([row(self.choice, *self.buttons.values()), self._view])
        self._start(self._look(LOOK_S))

    def __str__(self) -> str:
        return f"{_label(self._via.conditions.name)}: {self._counts()}"

    def refresh(self) -> None:
        """Show what is so now, in the menu too: others may have changed the network."""
        name = self._via.conditions.name
        if name in self._known and not self._closed:
            self.choice.value = name
        super().refresh()

    def _choose(self, name: str) -> None:
        if name != self._via.conditions.name:
            self._via.set(self._known[name])
            self.refresh()

    def _cut(self, ending: Ending) -> None:
        self._via.cut(ending)
        self.refresh()

    def _html(self) -> str:
        name = self._via.conditions.name
        colour = WRONG if name in {fault.name for fault in _FAULTS} else GOOD
        return f"<p>{badge(html.escape(_label(name)), colour)} {self._counts()}</p>"

    def _counts(self) -> str:
        counters = self._via.counters
        both = counters.bytes_to_server + counters.bytes_to_client
        return f"{counters.connections:,} connections, {counters.taken:,} taken away, {both:,} bytes passed on"


def _label(name: str) -> str:
    """In a menu "no network" would read as the worst of them."""
    return "nothing in between" if name == PERFECT.name else name
