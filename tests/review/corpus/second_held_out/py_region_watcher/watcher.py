import asyncio
import os

from supabase import AsyncClient, acreate_client

REGION = os.environ["REGION"]
queue: asyncio.Queue = asyncio.Queue()


def on_insert(payload):
    record = payload["data"]["record"]
    if record["region"] != REGION:
        return
    queue.put_nowait(record)


async def main():
    supabase: AsyncClient = await acreate_client(os.environ["SUPABASE_URL"], os.environ["SUPABASE_KEY"])
    channel = supabase.channel("deliveries")
    channel.on_postgres_changes("INSERT", schema="public", table="deliveries", callback=on_insert)
    await channel.subscribe()

    try:
        while True:
            delivery = await queue.get()
            print("dispatching", delivery["id"])
    finally:
        await supabase.remove_channel(channel)


if __name__ == "__main__":
    asyncio.run(main())
