"""One bar for each notebook, filled cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich import progress
from rich.console import Console

__all__ = ["Bars"]


class Bars:
    """`with Bars(cells, console) as bars:` shows a bar for every notebook, the waiting ones included.

    Args:
        cells: the notebooks' names, each with the number of its code cells.
    """

    def __init__(self, cells: Mapping[str, int], console: Console) -> None:
        self._display = progress.Progress(
            progress.SpinnerColumn(finished_text="✓"),
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("cells"),
            progress.TimeElapsedColumn(),
            console=console,
        )
        self._tasks = {name: self._display.add_task(name, total=count, start=False) for name, count in cells.items()}

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()

    def begin(self, name: str) -> None:
        """A notebook has been started."""
        self._display.start_task(self._tasks[name])

    def advance(self, name: str) -> None:
        """One cell of a notebook is done."""
        self._display.advance(self._tasks[name])
