"""What every live panel is: drawn anew every so often, never holding up the kernel, until closed or replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, ClassVar

__all__ = ["GOOD", "PENDING", "POLLING", "WRONG", "Panel", "badge", "button", "row"]

#: Of Okabe and Ito's palette, which those who do not tell red from green can tell apart; with black text.
GOOD, PENDING, POLLING, WRONG = "#009E73", "#56B4E9", "#E69F00", "#D55E00"

#: JupyterLab gives text in widgets the height of a button for each line. What is too wide scrolls
#: within the panel, which without the first two would grow with it beyond its cell.
_STYLE = "width:0;min-width:100%;overflow-x:auto;line-height:1.6"


class Panel:
    """A widget with work of its own.

    A panel that is made again, as when its cell is run again, takes the place of the one before it.

    Attributes:
        widget: what a cell shows.
    """

    _open: ClassVar[dict[type, Panel]] = {}

    def __init__(self) -> None:
        import ipywidgets as widgets

        before = Panel._open.get(type(self))
        if before is not None:
            before._discard()
        Panel._open[type(self)] = self
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._view = widgets.HTML()
        self.widget: Any = self._view

    def refresh(self) -> None:
        """Show what is so now."""
        if not self._closed:
            self._view.value = f'<div style="{_STYLE}">{self._html()}</div>'

    def close(self) -> None:
        """End what was begun. The last picture stays; its buttons are dead, and look so."""
        self._closed = True
        if Panel._open.get(type(self)) is self:
            del Panel._open[type(self)]
        for task in self._tasks:
            task.cancel()
        for part in _parts(self.widget):
            if part.has_trait("disabled"):
                part.disabled = True

    def _discard(self) -> None:
        """Close, and vanish from every place that shows it: the kernel and the browser forget it."""
        self.close()
        for part in list(_parts(self.widget)):
            for model in (part.layout, getattr(part, "style", None), part):
                if model is not None:
                    model.close()

    def _html(self) -> str:
        """What is to be seen; escaped."""
        raise NotImplementedError

    async def _look(self, every_s: float) -> None:
        while True:
            self.refresh()
            await asyncio.sleep(every_s)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _parts(widget: Any) -> Iterator[Any]:
    """A widget and all that it holds, the innermost first."""
    for child in getattr(widget, "children", ()):
        yield from _parts(child)
    yield widget


def badge(text: str, colour: str) -> str:
    """A word on a coloured ground."""
    style = f"background:{colour};color:#000;padding:2px 10px;border-radius:9px;white-space:nowrap"
    return f'<span style="{style}">{text}</span>'


def button(name: str, action: Callable[[], None], tooltip: str) -> Any:
    """A button that calls `action`; `tooltip` says what that does."""
    import ipywidgets as widgets

    made = widgets.Button(description=name, tooltip=tooltip)
    made.on_click(lambda _: action())
    return made


def row(*controls: Any) -> Any:
    """Controls side by side, in as many lines as the window's width asks for."""
    import ipywidgets as widgets

    return widgets.HBox(controls, layout=widgets.Layout(flex_flow="row wrap"))
