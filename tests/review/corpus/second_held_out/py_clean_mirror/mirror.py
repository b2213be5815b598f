"""Copies new rows of `readings` into the table of the archive."""

import asyncio
import logging
import os
import signal

from supabase import AsyncClient, acreate_client

log = logging.getLogger("mirror")


async def mirror(client: AsyncClient, pending: asyncio.Queue) -> None:
    while True:
        row = await pending.get()
        await client.table("readings_archive").insert(row).execute()


def on_status(status, err) -> None:
    if err is not None:
        log.error("subscription: %s %s", status, err)
    else:
        log.info("subscription: %s", status)


async def main() -> None:
    client = await acreate_client(os.environ["SUPABASE_URL"], os.environ["SUPABASE_SERVICE_KEY"])
    pending: asyncio.Queue = asyncio.Queue()
    site = os.environ["SITE_ID"]

    channel = client.channel(f"readings-{site}")
    channel.on_postgres_changes(
        "INSERT",
        schema="public",
        table="readings",
        filter=f"site_id=eq.{site}",
        callback=lambda payload: pending.put_nowait(payload["data"]["record"]),
    )
    await channel.subscribe(on_status)

    worker = asyncio.create_task(mirror(client, pending))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    worker.cancel()
    await client.remove_channel(channel)


if __name__ == "__main__":
    asyncio.run(main())
