"""Sliders for a load of broadcasts, and the latency that it meets, as it meets it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Sequence

import numpy as np

from helpers.client import Channel, RealtimeClient
from helpers.errors import ConnectionFailed, JoinFailed
from helpers.plans import QUOTAS
from helpers.target import Target, TargetKind
from helpers.widgets.panel import Panel, row
from helpers.wire.events import Broadcast, Event
from helpers.wire.join import JoinConfig

__all__ = ["LoadPanel", "curve"]

#: Between two pictures, and between two looks at what has come back.
LOOK_S, TURN_S = 0.5, 0.02
#: As far behind its rate the sender may fall.
LATE_S = 1.0
#: Of the sliders; a load by hand is to show something, not to find the limit.
MOST_PER_S, MOST_BYTES = 1_000, 10_000
#: A load that somebody has forgotten ends by itself.
LONGEST_S = 300.0
KEPT, WIDTH, HEIGHT, HEAD = 400, 480, 120, 18
#: JupyterLab's own, lighter where its ground is dark.
_LINE = "var(--jp-brand-color1, #0072B2)"


class LoadPanel(Panel):
    """Sends broadcasts to itself at the rate and size of two sliders, and draws their latency.

    On a project the slider ends at a tenth of the plan's messages a second. It ends by itself after five minutes.

    Attributes:
        rate, size: the sliders, messages a second and bytes.
        topic: of its channel, its own: who else moves such sliders on this project is not counted.
    """

    def __init__(self, target: Target) -> None:
        import ipywidgets as widgets

        super().__init__()
        self._target = target
        self.topic = f"workbook-load-{secrets.token_hex(4)}"
        self._latencies_ms: deque[float] = deque(maxlen=KEPT)
        self._sent = self._received = 0
        self._says = "connecting"
        self.rate = widgets.IntSlider(
            min(10, _most(target)), 1, _most(target), description="messages/s", tooltip="How many are sent"
        )
        self.size = widgets.IntSlider(400, 64, MOST_BYTES, description="bytes", tooltip="How long each text is")
        self.widget = widgets.VBox([row(self.rate, self.size), self._view])
        self._start(self._run())
        self._start(self._look(LOOK_S))

    def __str__(self) -> str:
        return f"{self._says}; {self._sent:,} sent, {self._received:,} received; {self._quantiles()}"

    async def wait_received(self, messages: int, timeout: float = 30.0) -> None:
        """Wait until so many have come back since the panel was made.

        Raises:
            ConnectionFailed: they did not within `timeout` seconds; with what the panel says.
        """
        try:
            async with asyncio.timeout(timeout):
                while self._received < messages:  # noqa: ASYNC110 - one look brings several
                    await asyncio.sleep(TURN_S)
        except TimeoutError:
            tried = f"waiting for {messages:,} broadcasts to come back"
            raise ConnectionFailed(tried, str(self), "Make the panel again, or raise its rate") from None

    async def _run(self) -> None:
        try:
            async with asyncio.timeout(LONGEST_S), RealtimeClient(self._target) as client:
                channel = client.channel(self.topic, JoinConfig(broadcast_self=True), buffer=1)
                channel.on_event(self._take)
                await channel.subscribe()
                await self._send(channel)
        except TimeoutError:
            self._says = "ended after five minutes, run the cell again to go on"
        except (ConnectionFailed, JoinFailed) as error:
            self._says = error.happened

    async def _send(self, channel: Channel) -> None:
        """Open loop: what is due is sent, at whatever rate the slider stands, and its latency counts from there."""
        due = time.monotonic()
        while True:
            due += 1 / self.rate.value
            behind = time.monotonic() - due
            self._says = "running" if behind < LATE_S else "running, but this machine cannot send so fast"
            due += max(0.0, behind - LATE_S)  # what is later still is left out
            await asyncio.sleep(max(0.0, -behind))
            self._sent += 1
            await channel.broadcast("load", {"due": due, "text": "." * self.size.value})

    def _take(self, event: Event) -> None:
        if isinstance(event, Broadcast) and event.event == "load":
            self._received += 1
            self._latencies_ms.append(1e3 * (event.received_at - event.payload["due"]))

    def _quantiles(self) -> str:
        if not self._latencies_ms:
            return "no latency yet"
        p50, p95 = np.quantile(self._latencies_ms, (0.5, 0.95))
        return f"p50 {p50:.2f} ms, p95 {p95:.2f} ms of the latest {len(self._latencies_ms)}"

    def _html(self) -> str:
        return f"<p>{self}</p>{curve(tuple(self._latencies_ms), 'Latency of the latest messages, in ms')}"


def curve(values: Sequence[float], title: str) -> str:
    """Values as a small picture (SVG) whose height is their largest, told above it."""
    if len(values) < 2:
        return ""
    most = max(values) or 1.0
    step = WIDTH / (len(values) - 1)
    points = " ".join(f"{step * each:.1f},{HEIGHT * (1 - value / most):.1f}" for each, value in enumerate(values))
    return (
        f'<svg role="img" aria-label="{title}" viewBox="0 {-HEAD} {WIDTH} {HEIGHT + HEAD + 1}" '
        f'width="{WIDTH}" style="max-width:100%">'
        f'<text y="-5" font-size="11" fill="currentColor">{title}; the highest is {most:.2f}</text>'
        f'<path d="M0 0H{WIDTH}M0 {HEIGHT}H{WIDTH}" stroke="currentColor" stroke-opacity="0.3"/>'
        f'<polyline points="{points}" fill="none" stroke="{_LINE}" stroke-width="1.5"/></svg>'
    )


def _most(target: Target) -> int:
    """Each message counts twice on a project: when it is sent and when it is delivered."""
    if target.kind is TargetKind.LAB or target.plan is None:
        return MOST_PER_S if target.kind is TargetKind.LAB else 5
    return max(1, QUOTAS[target.plan].messages_per_s // 20)
