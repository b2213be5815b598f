"""The part of pg_net's background worker: `python -m helpers.experiments.webhook_process`, driven by lines of JSON.

It does what pg_net 0.20 does (supabase/pg_net, `sql/pg_net.sql`, `src/core.c`): woken by a commit, it takes at most 200
requests out of the queue, sends them all at once, waits for all answers, and takes the next ones. What fails is
recorded and not sent again (supabase/pg_net#110). It is a process of its own and no background worker of PostgreSQL,
for which one would need the extension; what it costs is therefore counted beside the database and not in it.

First line in: `Serve`. Then for each `Ask` a `Delivered`.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
from collections import Counter

import aiohttp
import msgspec
import psycopg

from helpers.database_url import libpq_url

__all__ = ["BATCH", "Ask", "Delivered", "Serve"]

#: pg_net.batch_size, by default.
BATCH = 200


class Serve(msgspec.Struct, frozen=True):
    """Whose requests to send. Secrets come by stdin, because arguments of a process can be read by everybody.

    Attributes:
        queue: the table, quoted. channel: of the notifications that wake.
        key: the bearer. timeout_s: for each answer.
    """

    database_url: str
    queue: str
    channel: str
    key: str
    timeout_s: float


class Ask(msgspec.Struct, frozen=True):
    """How far are you?"""


class Delivered(msgspec.Struct, frozen=True):
    """Since the start: requests taken, those answered with a status below 300, and why the others failed."""

    taken: int = 0
    answered: int = 0
    failures: dict[str, int] = {}
    error: str = ""

    @property
    def under_way(self) -> int:
        """Taken, and neither answered nor failed yet."""
        return self.taken - self.answered - sum(self.failures.values())


class Sender:
    """Takes requests and sends them."""

    def __init__(self, order: Serve, connection: psycopg.AsyncConnection, http: aiohttp.ClientSession) -> None:
        self._order = order
        self._connection = connection
        self._http = http
        self._taken = self._answered = 0
        self._failures: Counter[str] = Counter()
        self._take = (
            f"delete from {order.queue} where id in (select id from {order.queue} order by id limit {BATCH}) "
            "returning url, meta::text"
        )

    @property
    def delivered(self) -> Delivered:
        return Delivered(self._taken, self._answered, dict(self._failures))

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self._empty()
            async for _ in self._connection.notifies(stop_after=1):
                pass

    async def _empty(self) -> None:
        while rows := await (await self._connection.execute(self._take.encode())).fetchall():
            self._taken += len(rows)
            await asyncio.gather(*(self._post(url, body) for url, body in rows))

    async def _post(self, url: str, body: str) -> None:
        headers = {"Authorization": f"Bearer {self._order.key}", "Content-Type": "application/json"}
        try:
            async with self._http.post(url, data=body.encode(), headers=headers) as answer:
                await answer.read()
        except TimeoutError:
            self._failures["timeout"] += 1
        except aiohttp.ClientError as error:
            self._failures[type(error).__name__] += 1
        else:
            if answer.status < 300:
                self._answered += 1
            else:
                self._failures[f"HTTP {answer.status}"] += 1


async def serve(lines: queue.Queue[bytes]) -> None:
    """Send requests, and answer questions, until the process ends."""
    order = msgspec.json.decode(lines.get(), type=Serve)
    timeout = aiohttp.ClientTimeout(total=order.timeout_s)
    connection = await psycopg.AsyncConnection.connect(libpq_url(order.database_url), autocommit=True)
    async with connection, aiohttp.ClientSession(timeout=timeout) as http:
        await connection.execute(f"listen {order.channel}".encode())
        sender = Sender(order, connection, http)
        sending = asyncio.create_task(sender.run())
        _say(Delivered())
        while not sending.done():
            await asyncio.to_thread(lines.get)
            _say(sender.delivered)
        sending.result()


def _say(message: Delivered) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


def _listen(lines: queue.Queue[bytes]) -> None:
    """Pass lines on, and end the process when whoever gave them is gone."""
    for line in sys.stdin.buffer:
        lines.put(line)
    os._exit(0)


def main() -> None:
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    try:
        asyncio.run(serve(lines))
    except psycopg.Error as error:
        _say(Delivered(error=str(error).strip().splitlines()[0]))
        sys.exit(1)


if __name__ == "__main__":
    main()
