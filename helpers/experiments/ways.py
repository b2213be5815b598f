"""Ways from a row to a subscriber: each a table with what stands between it and Realtime."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from helpers.client import RealtimeClient
from helpers.deno import deno_executable, deno_version
from helpers.errors import NodeError
from helpers.experiments.edge_function import EdgeFunction
from helpers.experiments.tables import PREFIX, OwnTable, drop_policy, own_table
from helpers.experiments.webhook import Webhook, own_trigger, own_webhook
from helpers.profiling.workloads import Route
from helpers.profiling.workloads.reception import READY_LIMIT_S
from helpers.profiling.workloads.writer import Planned
from helpers.target import Target, TargetKind
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["BROADCAST", "COLUMNS", "DOWN", "FUNCTION", "ROW", "SELECTED", "TRIGGER", "Way", "own_ways"]

ROW = "the row, as it is"
SELECTED = "the row, selected columns"
BROADCAST = "trigger: broadcast_changes"
TRIGGER = "trigger: needed fields"
FUNCTION = "Edge Function: needed fields"
DOWN = "Edge Function, down for a third"

#: Besides those of a load.
COLUMNS = {"status": "text not null default 'open'"}
#: What the screen shows; trigger and function (`slim_function.ts`) pick the same. A subscription needs the key, too.
_NEEDED = ("id", "seq", "room_id", "status")

_FIELDS = """returns trigger language plpgsql as $$
begin
    perform realtime.send(
        jsonb_build_object('seq', new.seq, 'room_id', new.room_id, 'status', new.status), 'slim', '{topic}', false
    );
    return null;
end $$"""

_WHOLE = """returns trigger language plpgsql as $$
begin
    perform realtime.broadcast_changes('{topic}', tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
    return null;
end $$"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way, ready to be used.

    Attributes:
        table: the rows are written into it.
        topic: of the channel on which their broadcasts are heard; empty where changes are.
        private: whether that channel is.
        select: columns of the subscription.
        webhook, function: where there are.
    """

    table: OwnTable
    topic: str = ""
    private: bool = False
    select: tuple[str, ...] | None = None
    webhook: Webhook | None = None
    function: EdgeFunction | None = None

    def heard(self, written: Planned) -> Planned:
        """What the subscriber hears, in the form that it would have if it were sent as such."""
        if not self.topic:
            return written
        workload = msgspec.structs.replace(written.workload, route=Route.DATABASE, private=self.private)
        return written._replace(workload=workload, topics=(self.topic,))


@asynccontextmanager
async def own_ways(target: Target) -> AsyncIterator[tuple[dict[str, Way], str]]:
    """All ways that this target allows, for the block; and why others are left out, in a sentence, if they are.

    Raises:
        TargetError: nothing may be written to this target.
        FailureError: the database refuses, or the function does not start.
    """
    async with contextlib.AsyncExitStack() as stack:
        rows = await stack.enter_async_context(own_table(target, columns=COLUMNS))
        waking = asyncio.create_task(_wake(target, rows))
        stack.callback(waking.cancel)
        ways = {ROW: Way(rows), SELECTED: Way(rows, select=_NEEDED)}
        ways[BROADCAST] = await stack.enter_async_context(_trigger(target, _WHOLE, private=True))
        ways[TRIGGER] = await stack.enter_async_context(_trigger(target, _FIELDS))
        why_not = await asyncio.to_thread(_why_no_function, target)
        if not why_not:
            ways[FUNCTION] = ways[DOWN] = await stack.enter_async_context(_function(target))
        await waking
        yield ways, why_not


async def _wake(target: Target, table: OwnTable) -> None:
    """Subscribe once: after a quiet time the first subscription to changes takes seconds, which belong to no way."""
    async with RealtimeClient(target) as client:
        binding = ChangeBinding(schema=table.schema, table=table.name)
        await client.channel(_topic(), JoinConfig(changes=(binding,))).subscribe(timeout=READY_LIMIT_S)


@asynccontextmanager
async def _trigger(target: Target, definition: str, *, private: bool = False) -> AsyncIterator[Way]:
    topic = _topic()
    async with contextlib.AsyncExitStack() as stack:
        table = await stack.enter_async_context(own_table(target, columns=COLUMNS, published=False))
        if private:
            await stack.enter_async_context(_listening_allowed(target, table, topic))
        await stack.enter_async_context(own_trigger(target, table, definition.format(topic=topic)))
        yield Way(table, topic, private)


@asynccontextmanager
async def _function(target: Target) -> AsyncIterator[Way]:
    topic = _topic()
    async with (
        EdgeFunction(target) as function,
        own_table(target, columns=COLUMNS, published=False) as table,
        own_webhook(target, table, f"{function.url}/?topic={topic}") as webhook,
    ):
        yield Way(table, topic, webhook=webhook, function=function)


@asynccontextmanager
async def _listening_allowed(target: Target, table: OwnTable, topic: str) -> AsyncIterator[None]:
    """Who has only the publishable key may listen on that private channel."""
    policy, on = f"{PREFIX}{secrets.token_hex(5)}", "realtime.messages"
    await table.run(f"create policy {policy} on {on} for select to anon using (realtime.topic() = '{topic}')")
    try:
        yield
    finally:
        await drop_policy(target, policy, on)


def _why_no_function(target: Target) -> str:
    """Empty where it can run. Blocking."""
    if target.kind is not TargetKind.LAB or not target.secret_key:
        return "the Edge Function is left out: it runs beside a lab; in a project, deploy it and add a Database Webhook"
    try:
        deno_version(deno_executable())
    except NodeError as error:
        return f"the Edge Function is left out: {error.happened}. {error.advice}"
    return ""


def _topic() -> str:
    return f"workbook:{secrets.token_hex(4)}"
