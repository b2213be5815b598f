"""Renders thumbnails for uploads, as they come."""

import asyncio
import logging
import os

from supabase import acreate_client

log = logging.getLogger("thumbnails")
queue: asyncio.Queue[dict] = asyncio.Queue()


def on_upload(payload: dict) -> None:
    record = payload["data"]["record"]
    queue.put_nowait({"id": record["id"], "path": record["path"]})


def on_status(status, error) -> None:
    log.info("uploads: %s", status)
    if error is not None:
        log.error("uploads: %s", error)


async def main() -> None:
    supabase = await acreate_client(os.environ["SUPABASE_URL"], os.environ["SUPABASE_SERVICE_ROLE_KEY"])
    channel = supabase.channel("thumbnail-worker")
    await channel.on_postgres_changes(
        "INSERT", schema="public", table="uploads", filter="kind=eq.image", callback=on_upload
    ).subscribe(on_status)

    try:
        while True:
            job = await queue.get()
            log.info("rendering %s", job["path"])
            await supabase.table("thumbnails").insert({"upload_id": job["id"]}).execute()
    finally:
        await supabase.remove_channel(channel)


if __name__ == "__main__":
    asyncio.run(main())
