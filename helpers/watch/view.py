"""A canary in a terminal: a table that is drawn anew each second; without a terminal, a line for what happens."""

from __future__ import annotations

import asyncio
import time

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from helpers.monitoring.canary import Canary
from helpers.monitoring.snapshot import ChannelNow, Snapshot, budget_words, snapshot, sparkline
from helpers.objectives import Objectives

__all__ = ["show"]

#: Between two pictures.
LOOK_S = 1.0
#: Without a terminal, between two lines that say that all is well.
STATUS_S = 60.0


async def show(
    canary: Canary, objectives: Objectives, address: str, target: str, duration_s: float | None = None
) -> bool:
    """Show it until `duration_s` have passed, or until cancelled.

    Returns:
        Whether every channel serves at the end.
    """
    console = Console(highlight=False)
    heading = f"{target}, metrics at http://{address}/metrics"
    looking = _live if console.is_terminal else _lines
    try:
        async with asyncio.timeout(duration_s):
            await looking(console, canary, objectives, heading)
    except TimeoutError:
        pass
    return all(channel.is_serving and channel.received for channel in snapshot(canary).channels)


async def _live(console: Console, canary: Canary, objectives: Objectives, heading: str) -> None:
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(_picture(snapshot(canary), objectives, heading), refresh=True)
            await asyncio.sleep(LOOK_S)


async def _lines(console: Console, canary: Canary, objectives: Objectives, heading: str) -> None:
    console.print(heading, soft_wrap=True)
    told, status_at = 0, time.monotonic() + LOOK_S
    try:
        while True:
            for moment in [one for one in canary.moments if one.number > told]:
                console.print(str(moment), soft_wrap=True)
                told = moment.number
            if time.monotonic() >= status_at:
                status_at += STATUS_S
                _say_status(console, canary)
            await asyncio.sleep(LOOK_S)
    finally:
        _say_status(console, canary)


def _say_status(console: Console, canary: Canary) -> None:
    for channel in snapshot(canary).channels:
        console.print(_line(channel), soft_wrap=True)


def _line(channel: ChannelNow) -> str:
    return (
        f"{channel.name}: {channel.state}, {channel.received:,} received, {channel.lost + channel.missed:,} lost, "
        f"p50 {_ms(channel.quantile_s(0.5))}, p95 {_ms(channel.quantile_s(0.95))}, uptime {_percent(channel.uptime)}"
    )


def _picture(now: Snapshot, objectives: Objectives, heading: str) -> Group:
    table = Table(title=heading, title_justify="left", expand=False)
    for column in ("channel", "state", "p50", "p95", "latest", "received", "lost", "uptime", "budget left"):
        right = column in ("p50", "p95", "received", "lost", "uptime", "budget left")
        table.add_column(column, justify="right" if right else "left")
    for channel in now.channels:
        table.add_row(*_row(channel, objectives))
    return Group(table, *(Text(moment) for moment in now.moments), Text("Ctrl-C ends it.", style="dim"))


def _row(channel: ChannelNow, objectives: Objectives) -> tuple[str | Text, ...]:
    word = str(channel.state) if channel.is_serving else f"{channel.state}, nothing for {channel.outage_s or 0:.0f} s"
    return (
        channel.name.removeprefix("workbook-canary-"),
        Text(word, style="green" if channel.is_serving else "bold red"),
        _ms(channel.quantile_s(0.5)),
        _ms(channel.quantile_s(0.95)),
        sparkline(channel.latencies_s),
        f"{channel.received:,}",
        f"{channel.lost + channel.missed:,}",
        _percent(channel.uptime),
        budget_words(channel.budget_left(objectives)),
    )


def _ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{1e3 * seconds:,.1f} ms"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"
