"""Messages for the subscriptions of a page, at a steady rate for each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiohttp

from helpers.errors import FailureError
from helpers.experiments.browser.tab import Tab
from helpers.experiments.tables import OwnTable
from helpers.target import Target

__all__ = ["Feed", "broadcasts", "feed", "rows"]

#: Sends one message to each of so many subscriptions.
Feed = Callable[[int], Awaitable[None]]

#: As in the crowds of `helpers.experiments.crowded`, so that the numbers of both can be compared.
BODY = "x" * 300
#: After the last message was sent, how long the deliveries may take.
DELIVERY_LIMIT_S = 30.0
_LOOK_S = 0.05
_TRIED = "feeding the subscriptions of a tab"


def broadcasts(http: aiohttp.ClientSession, target: Target, topic: str) -> Feed:
    """Over HTTP, all of them in one request: each subscription has a topic of its own."""
    url, headers = f"{target.api_url}/realtime/v1/api/broadcast", {"apikey": target.publishable_key}

    async def send(count: int) -> None:
        messages = [{"topic": f"{topic}:{place}", "event": "tick", "payload": {"body": BODY}} for place in range(count)]
        try:
            async with http.post(url, json={"messages": messages}, headers=headers) as answer:
                happened = "" if answer.status == 202 else f"the server answered {answer.status}"
        except (aiohttp.ClientError, TimeoutError) as error:
            happened = str(error) or "no answer in time"
        if happened:
            raise FailureError(_TRIED, happened, "Try fewer subscriptions")

    return send


def rows(table: OwnTable) -> Feed:
    """One row, which is delivered to every subscription of the table."""

    async def insert(count: int) -> None:
        await table.run(f"insert into {table.quoted} (seq, body) values (0, %s)", (BODY,))

    return insert


async def feed(tab: Tab, send: Feed, count: int, *, rate_per_s: float, seconds: float) -> int:
    """Send by the clock, wait until all has arrived, and tell how much that was.

    Raises:
        FailureError: the server refused a message, or the page did not receive them all.
    """
    before = int(await tab.call("received"))
    began, ticks = time.monotonic(), max(1, round(rate_per_s * seconds))
    for number in range(ticks):
        await asyncio.sleep(max(0.0, began + number / rate_per_s - time.monotonic()))
        await send(count)
    await asyncio.sleep(max(0.0, began + ticks / rate_per_s - time.monotonic()))
    return await _arrived(tab, before, ticks * count)


async def _arrived(tab: Tab, before: int, sent: int) -> int:
    limit = time.monotonic() + DELIVERY_LIMIT_S
    while (missing := sent - (int(await tab.call("received")) - before)) > 0:
        if time.monotonic() > limit:
            happened = f"{missing} of {sent} messages did not arrive"
            raise FailureError(_TRIED, happened, "Try fewer subscriptions, or a target with a larger quota of messages")
        await asyncio.sleep(_LOOK_S)
    return sent
