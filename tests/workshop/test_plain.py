"""The workbook without widgets and without HTML: what is shown then is made for reading, too."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from IPython.core.formatters import PlainTextFormatter

import helpers
from helpers.experiments.recovery import Recoveries, Recovery
from helpers.widgets import StatusPanel, WatchPanel


def shown_as_html() -> Iterator[type]:
    """Every class of ours that a notebook shows as HTML."""
    for module in pkgutil.walk_packages(helpers.__path__, "helpers."):
        if not module.name.endswith("__main__"):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and value.__module__ == module.name and hasattr(value, "_repr_html_"):
                    yield value


def reads_well(shown: type) -> bool:
    """Whether its text is its own, and not that which a dataclass has of itself: all fields, without end."""
    if hasattr(shown, "_repr_pretty_"):
        return shown.__str__ is not object.__str__
    return shown.__repr__ is not object.__repr__ and not hasattr(shown.__repr__, "__wrapped__")


def test_what_has_html_has_a_text() -> None:
    """A terminal, a plain notebook viewer and a screen reader get a sentence or a table."""
    found = list(shown_as_html())
    assert len(found) > 20
    assert [f"{one.__module__}.{one.__qualname__}" for one in found if not reads_well(one)] == []


def test_the_text_is_what_ipython_shows() -> None:
    """It holds table and answer."""
    recoveries = Recoveries("lab", "2026-01-01", 1.0, (Recovery("reset", "at once", (0.5, 0.7), (0.1,), ("stream",)),))
    text = PlainTextFormatter()(recoveries)
    assert text == str(recoveries)
    assert "reset" in text
    assert recoveries.answer in text


@pytest.mark.parametrize("panel", [StatusPanel, WatchPanel])
def test_a_panel_can_be_printed(panel: type) -> None:
    """Notebooks print what a widget shows beside it."""
    assert panel.__str__ is not object.__str__
