"""What every live panel is: drawn anew every so often, never holding up the kernel, until closed or replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar

__all__ = ["GOOD", "PENDING", "WRONG", "Panel", "badge", "button"]

#: Of Okabe and Ito's palette, which those who do not tell red from green can tell apart; with black text.
GOOD, PENDING, POLLING, WRONG = "#009E73", "#56B4E9", "#E69F00", "#D55E00"


class Panel:
    """A widget with work of its own.

    A panel that is made again, as when its cell is run again, closes the one before it.

    Attributes:
        widget: what a cell shows.
    """

    _open: ClassVar[dict[type, Panel]] = {}

    def __init__(self) -> None:
        import ipywidgets as widgets

        before = Panel._open.get(type(self))
        if before is not None:
            before.close()
        Panel._open[type(self)] = self
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._view = widgets.HTML()
        self.widget: Any = self._view

    def refresh(self) -> None:
        """Show what is so now."""
        if not self._closed:
            self._view.value = self._html()

    def close(self) -> None:
        """Show nothing new any more, and end what was begun."""
        self._closed = True
        if Panel._open.get(type(self)) is self:
            del Panel._open[type(self)]
        for task in self._tasks:
            task.cancel()

    def _html(self) -> str:
        """What is to be seen; escaped."""
        raise NotImplementedError

    async def _look(self, every_s: float) -> None:
        while True:
            self.refresh()
            await asyncio.sleep(every_s)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def badge(text: str, colour: str) -> str:
    """A word on a coloured ground."""
    return f'<span style="background:{colour};color:#000;padding:2px 10px;border-radius:9px">{text}</span>'


def button(name: str, action: Any) -> Any:
    """A button that calls `action` without arguments."""
    import ipywidgets as widgets

    made = widgets.Button(description=name)
    made.on_click(lambda _: action())
    return made
