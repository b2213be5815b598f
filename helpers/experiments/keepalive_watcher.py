"""Subscribes with the vendor's Python client on several sockets and says each state of each channel, a line of JSON
each: `python -m helpers.experiments.keepalive_watcher`.

Reads an `Order` as a line of JSON; ends with its stdin. The client has no option for the pings that find a dead link:
it leaves them to the library `websockets`, whose times are divided by the order's `scale`.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import sys
import threading

import msgspec
import realtime._async.client as official
from realtime import AsyncRealtimeClient, RealtimeSubscribeStates
from websockets.asyncio.client import connect

from helpers.experiments.official import CLOSE_TIMEOUT_S, PING_INTERVAL_S, PING_TIMEOUT_S, Order, Said

__all__: list[str] = []


async def watch(order: Order) -> None:
    """Subscribe on every link, then stay until the process is ended."""
    scaled = functools.partial(
        connect,
        ping_interval=PING_INTERVAL_S / order.scale,
        ping_timeout=PING_TIMEOUT_S / order.scale,
        close_timeout=CLOSE_TIMEOUT_S / order.scale,
    )
    setattr(official, "connect", scaled)  # noqa: B010 - it is not for others to set
    clients = []
    for link, url in enumerate(order.urls):
        client = AsyncRealtimeClient(f"{url}/realtime/v1", order.key)
        await client.connect()
        await client.channel(order.topic).subscribe(functools.partial(_say, link))
        clients.append(client)
    await asyncio.Event().wait()


def _say(link: int, state: RealtimeSubscribeStates, _: Exception | None) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(Said(link, state.value)) + b"\n")
    sys.stdout.buffer.flush()


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    logging.disable()  # what goes wrong here goes wrong on purpose
    asyncio.run(watch(order))


if __name__ == "__main__":
    main()
