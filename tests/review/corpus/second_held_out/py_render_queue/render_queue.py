import asyncio
import logging
import os

from supabase import acreate_client

log = logging.getLogger(__name__)


def on_status(status, err=None):
    log.info("realtime: %s %s", status, err)


async def run() -> None:
    client = await acreate_client(os.environ["SUPABASE_URL"], os.environ["SUPABASE_KEY"])
    done = asyncio.Event()

    def on_change(payload):
        log.info("job changed: %s", payload["data"]["record"]["id"])
        done.set()

    channel = client.channel("render-jobs")
    channel.on_postgres_changes(
        "UPDATE",
        schema="public",
        table="render_jobs",
        filter="state==finished",
        callback=on_change,
    )
    channel.on_postgres_changes("INSERT", schema="public", table="render_jobs", callback=on_change)
    await channel.subscribe(on_status)
    await client.table("render_jobs").insert({"scene": "intro", "state": "waiting"}).execute()

    await done.wait()
    await client.remove_channel(channel)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(run())
