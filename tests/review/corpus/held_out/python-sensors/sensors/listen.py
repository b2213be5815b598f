from __future__ import annotations

import asyncio
import os

from realtime import AsyncRealtimeClient

SENSORS = 160


def print_reading(payload: dict) -> None:
    print(payload["payload"]["sensor"], payload["payload"]["value"])


def report(status, error) -> None:
    print(status, error or "")


async def listen() -> None:
    socket = AsyncRealtimeClient(os.environ["REALTIME_URL"], os.environ["ANON_KEY"])
    await socket.connect()
    for number in range(SENSORS):
        channel = socket.channel(f"sensor-{number}")
        await channel.on_broadcast("reading", print_reading).subscribe(report)
    await socket.listen()


if __name__ == "__main__":
    asyncio.run(listen())
