"""A stand-in for Supabase's Database Webhooks, which need the extension pg_net.

A real webhook is a trigger that puts a request into the table `net.http_request_queue` in the transaction of the row;
a background worker of PostgreSQL takes it out after the commit and sends it. Here the table is ours and the worker is
a process of ours (`webhook_process`), which does the same in the same order.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
from psycopg import sql

from helpers.errors import FailureError
from helpers.experiments.tables import OwnTable, own_function, own_table
from helpers.experiments.webhook_process import Ask, Delivered, Serve
from helpers.profiling.processes import cpu_s
from helpers.profiling.worker import Worker, WorkerGone
from helpers.target import Target

__all__ = ["TIMEOUT_S", "Webhook", "own_trigger", "own_webhook"]

#: Of `net.http_post` (supabase/pg_net, `sql/pg_net.sql`); webhooks made in the dashboard have 1 s to 10 s.
TIMEOUT_S = 5.0

_START_LIMIT_S = 30.0
_ANSWER_LIMIT_S = 10.0
_TRIED = "sending webhooks"

#: As `supabase_functions.http_request` builds it (supabase.com/docs/guides/database/webhooks, "Payload").
_TRIGGER = """returns trigger language plpgsql as $$
begin
    insert into {queue} (seq, url, meta) values (0, {url}, jsonb_build_object(
        'type', tg_op, 'table', tg_table_name, 'schema', tg_table_schema, 'record', new, 'old_record', null
    ));
    perform pg_notify({channel}, '');
    return null;
end $$"""


class Webhook:
    """Calls a URL for each new row of a table. Made by `own_webhook`."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    @property
    def cpu_s(self) -> float:
        """CPU time that the worker has used."""
        return cpu_s(psutil.Process(self._worker.pid))

    async def delivered(self) -> Delivered:
        """What has become of the requests so far."""
        return await _ask(self._worker, Ask(), _ANSWER_LIMIT_S)

    async def settled(self, requests: int, limit_s: float) -> Delivered:
        """Wait until so many requests were taken in all, and each was answered or has failed.

        Raises:
            FailureError: it takes longer than `limit_s`.
        """
        deadline = time.monotonic() + limit_s
        while (delivered := await self.delivered()).taken < requests or delivered.under_way:
            if time.monotonic() > deadline:
                happened = f"{delivered.taken} of {requests} were taken after {limit_s:g} s"
                raise FailureError(_TRIED, happened, "Try again when the machine is less busy")
            await asyncio.sleep(0.01)
        return delivered


@asynccontextmanager
async def own_webhook(target: Target, table: OwnTable, url: str) -> AsyncIterator[Webhook]:
    """A webhook on a table for the block; trigger, queue and worker are gone after it.

    Raises:
        TargetError: nothing may be written to this target.
        FailureError: the database refuses, or the worker does not start.
    """
    columns = {"url": "text not null default ''"}
    async with own_table(target, columns=columns, published=False, readers=()) as queue:
        await queue.run(f"alter table {queue.quoted} set unlogged")
        order = Serve(target.database_url or "", queue.quoted, queue.name, target.secret_key or "", TIMEOUT_S)
        names = {"queue": queue.quoted, "url": _literal(url), "channel": _literal(queue.name)}
        async with (
            own_trigger(target, table, _TRIGGER.format(**names)),
            Worker("helpers.experiments.webhook_process") as worker,
        ):
            await _ask(worker, order, _START_LIMIT_S)
            yield Webhook(worker)


@asynccontextmanager
async def own_trigger(target: Target, table: OwnTable, definition: str) -> AsyncIterator[None]:
    """Run a function after each INSERT into a table, for the block.

    Args:
        definition: of the function, from RETURNS on.
    """
    async with own_function(target, "", definition) as function:
        await table.run(f"create trigger t after insert on {table.quoted} for each row execute function {function}()")
        yield


async def _ask(worker: Worker, question: Ask | Serve, limit_s: float) -> Delivered:
    try:
        delivered = await worker.ask(question, Delivered, limit_s)
    except WorkerGone as gone:
        raise FailureError(_TRIED, str(gone), "Try again when the machine is less busy") from None
    if delivered.error:
        raise FailureError(_TRIED, delivered.error.rstrip("."), "Check DATABASE_URL and the rights of its role")
    return delivered


def _literal(text: str) -> str:
    return sql.Literal(text).as_string()
