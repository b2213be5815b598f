"""The live panels on the lab, moved as a person would move them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from helpers.client import RealtimeClient
from helpers.errors import ConnectionFailed
from helpers.lab import Lab
from helpers.lab.network import network
from helpers.monitoring.canary import CanarySettings, watching
from helpers.monitoring.exporter import Exporter
from helpers.widgets import EventTail, LoadPanel, Switchboard, WatchPanel
from helpers.wire.join import JoinConfig


async def until(holds: Callable[[], bool]) -> None:
    """Give the loop time until it is so."""
    async with asyncio.timeout(20):
        while True:
            if holds():
                return
            await asyncio.sleep(0.05)


async def test_the_watch_panel_shows_each_channel(lab: Lab) -> None:
    """State, quantiles and uptime of both paths; its picture stays small whatever the canary has seen."""
    async with watching(lab.target, Exporter(port=None), CanarySettings(every_s=0.05)) as canary:
        panel = WatchPanel(canary)
        await canary.wait_serving(messages=30)
        panel.refresh()
        shown = panel.widget.value
        panel.close()
    assert shown.count(">live<") == 2
    assert "100.00 %" in shown
    assert len(shown.encode()) < 8_000
    assert "live" in str(panel)


async def test_a_tail_filters_and_pauses(lab: Lab) -> None:
    """Only lines with the filter's text; nothing new while it is paused, all of it afterwards; markup is escaped."""
    async with RealtimeClient(lab.target) as client:
        channel = client.channel("tail", JoinConfig(broadcast_self=True))
        await channel.subscribe()
        tail = EventTail(channel)
        view = tail.widget.children[1]
        await channel.broadcast("first", {"text": "<b>one</b>"})
        await until(lambda: "first" in view.value)
        assert "&lt;b&gt;one" in view.value
        tail.pause.value = True
        await channel.broadcast("second", {})
        await until(lambda: "second" in str(tail))
        tail.refresh()
        assert "second" not in view.value
        tail.pause.value = False
        assert "second" in view.value
        tail.filter.value = "FIRST"
        assert "first" in view.value
        assert "second" not in view.value
        tail.close()


async def test_a_switchboard_changes_the_network(lab: Lab) -> None:
    """The menu sets conditions, the buttons take connections away, and both are shown."""
    async with network(lab.target) as via, RealtimeClient(via.target) as client:
        board = Switchboard(via)
        board.choice.value = "3G train"
        assert via.conditions.name == "3G train"
        assert "3G train" in board.widget.children[1].value
        board.choice.value = "no network"
        board.buttons["reset"].click()
        async with asyncio.timeout(10):
            await client.wait_closed()
        assert "1 taken away" in str(board)
        board.close()


async def test_a_load_panel_follows_its_sliders(lab: Lab) -> None:
    """Messages flow at the slider's rate with its size, their latency is drawn, and a second panel ends the first."""
    panel = LoadPanel(lab.target)
    panel.rate.value, panel.size.value = 200, 1_000
    await panel.wait_received(20)
    assert "p95" in str(panel)
    panel.refresh()
    assert "<polyline" in panel.widget.children[1].value
    again = LoadPanel(lab.target)
    await until(lambda: not panel._tasks)
    again.close()
    with pytest.raises(ConnectionFailed, match="received"):
        await again.wait_received(1_000_000, timeout=0.1)
    await until(lambda: not again._tasks)
