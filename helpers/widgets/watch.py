"""The canary in a notebook: status, sparklines and the last events, light enough to stay open for days."""

from __future__ import annotations

import html

from helpers.monitoring.canary import Canary
from helpers.monitoring.snapshot import ChannelNow, budget_words, snapshot, sparkline
from helpers.objectives import Objectives
from helpers.widgets.panel import GOOD, WRONG, Panel, badge

__all__ = ["WatchPanel"]

LOOK_S = 1.0
#: Messages in a sparkline: with more, the table is wider than a notebook beside JupyterLab's list of files.
SHOWN = 16
_CELL = "text-align:left;padding-right:0.8em;white-space:nowrap"
_HEAD = ("channel", "state", "p50", "p95", "latest", "received", "lost", "outages", "uptime", "budget left")


class WatchPanel(Panel):
    """A table of the canary's channels, drawn anew each second: a few kilobytes, whatever it has seen.

    Show `panel.widget` in a cell; where there are no widgets, ``print(panel)`` tells the same. `close` ends it.
    """

    def __init__(self, canary: Canary, objectives: Objectives | None = None) -> None:
        super().__init__()
        self._canary, self._objectives = canary, objectives or Objectives()
        self._start(self._look(LOOK_S))

    def __str__(self) -> str:
        now = snapshot(self._canary)
        rows = ("  ".join([_word(channel), *self._cells(channel)]) for channel in now.channels)
        return "\n".join([*rows, *now.moments])

    def _html(self) -> str:
        now = snapshot(self._canary)
        head = "".join(f'<th scope="col" style="{_CELL}">{name}</th>' for name in _HEAD)
        rows = "".join(self._row(channel) for channel in now.channels)
        moments = f'<ol style="list-style:none;padding:0">{"".join(map(_item, now.moments))}</ol>'
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{moments}"

    def _row(self, channel: ChannelNow) -> str:
        name, *cells = self._cells(channel)
        state = badge(html.escape(_word(channel)), GOOD if channel.is_serving else WRONG)
        others = "".join(f'<td style="{_CELL}">{html.escape(cell)}</td>' for cell in cells)
        return (
            f'<tr><th scope="row" style="{_CELL}">{html.escape(name)}</th><td style="{_CELL}">{state}</td>{others}</tr>'
        )

    def _cells(self, channel: ChannelNow) -> tuple[str, ...]:
        return (
            channel.name.removeprefix("workbook-canary-"),
            _ms(channel.quantile_s(0.5)),
            _ms(channel.quantile_s(0.95)),
            sparkline(channel.latencies_s[-SHOWN:]),
            f"{channel.received:,}",
            f"{channel.lost + channel.missed:,}",
            f"{channel.outages:,}",
            _percent(channel.uptime),
            budget_words(channel.budget_left(self._objectives)),
        )


def _item(moment: str) -> str:
    return f"<li>{html.escape(moment)}</li>"


def _word(channel: ChannelNow) -> str:
    return str(channel.state) if channel.is_serving else f"{channel.state}, nothing for {channel.outage_s or 0:.0f} s"


def _ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{1e3 * seconds:,.1f} ms"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"
