"""Keeps the search index up to date."""

import asyncio
import os

from supabase import acreate_client

from .index import Index


async def main() -> None:
    index = Index()
    client = await acreate_client(os.environ["SUPABASE_URL"], os.environ["SUPABASE_SECRET_KEY"])

    def changed(payload):
        record = payload["data"]["record"]
        if record["language"] != index.language:
            return
        index.put(record["id"], record["title"])

    channel = client.channel("articles-index")
    channel.on_postgres_changes("INSERT", schema="public", table="articles", callback=changed)
    await channel.subscribe()
    try:
        await asyncio.Event().wait()
    finally:
        await client.remove_channel(channel)


asyncio.run(main())
