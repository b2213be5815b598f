"""One line that says how far long work is: in a terminal and in a notebook; silent where nobody looks."""

from __future__ import annotations

import sys
from typing import Any, Self

__all__ = ["Progress"]


class Progress:
    """`with Progress() as progress: progress.say("round 2 of 5")`; the line is gone at the end.

    A notebook that is executed without a person (nbmake, `workbook run`) keeps no trace of it.
    """

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._cell: Any = None
        self._said = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._cell is not None:
            self._cell.update({"text/plain": ""}, raw=True)
        elif self._terminal and self._said:
            _write("")

    def say(self, text: str) -> None:
        """Put this in place of what was said before."""
        if self._terminal:
            _write(text)
        elif self._cell is not None:
            self._cell.update({"text/plain": text}, raw=True)
        elif _in_notebook():
            self._cell = _new_cell(text)
        self._said = True


def _write(text: str) -> None:
    sys.stderr.write(f"\r\033[K{text}")
    sys.stderr.flush()


def _in_notebook() -> bool:
    """Whether this process is a kernel; IPython is imported then."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return shell is not None and shell.has_trait("kernel")


def _new_cell(text: str) -> Any:
    from IPython.display import display

    shown: Any = display  # it has no types
    return shown({"text/plain": text}, raw=True, display_id=True)
