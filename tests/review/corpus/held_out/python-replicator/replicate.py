import asyncio
import os

from supabase import AsyncClient, create_async_client

supabase: AsyncClient
pending: set[asyncio.Task] = set()


def handle_order(payload):
    task = asyncio.create_task(store(payload))
    pending.add(task)
    task.add_done_callback(pending.discard)


async def store(payload):
    await supabase.table("orders_copy").insert(payload["data"]["record"]).execute()


async def main():
    global supabase
    supabase = await create_async_client(os.environ["SUPABASE_URL"], os.environ["SUPABASE_KEY"])
    channel = supabase.channel("orders")
    channel.on_postgres_changes("INSERT", schema="public", table="orders", filter="status==paid", callback=handle_order)
    await channel.subscribe()
    await asyncio.Event().wait()


asyncio.run(main())
