"""A row has changed: take it from the change, or read it again?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import fmean
from time import monotonic
from typing import Any

from helpers.client import Channel
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.rounds import run_rounds
from helpers.experiments.size import Size
from helpers.prisma import Prisma, json_type, prisma_client, statements_sent
from helpers.prisma.datamodel import read_datamodel
from helpers.prisma.generate import SCHEMA
from helpers.profiling.results import Skipped
from helpers.sync import Converter, Load, Revalidator, item_of
from helpers.sync.experiment import SUBSCRIBE_LIMIT_S, TABLE, as_server, why_not
from helpers.sync.folding import Key
from helpers.sync.load import Source, open_source
from helpers.target import Target
from helpers.wire.events import Change, Event
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["compare_revalidation"]

PAYLOAD, EACH, COALESCED = "the payload", "read again, each", "read again, coalesced"

FRESHNESS = Metric("freshness", "ms")
BYTES = Metric("bytes for each change", "B")
QUERIES = Metric("queries for 100 changes", "")
WRONG = Metric("values that differ from the database", "%")
METRICS = (FRESHNESS, BYTES, QUERIES, WRONG)

_CHANGES = {Size.SMALL: 150, Size.FULL: 2_000}
_ROUNDS = {Size.SMALL: 3, Size.FULL: 8}
_ROWS = 30
_PER_TRANSACTION = 5
_PAUSE_S = 0.02
_SETTLE_LIMIT_S = 15.0


async def compare_revalidation(
    target: Target, *, size: Size = Size.SMALL, rounds: int | None = None, changes: int | None = None
) -> Experiment | Skipped:
    """Change rows that a view shows, and keep the view by each of three ways.

    The payload is taken as JavaScript has it, numbers as doubles. Freshness is the time from the commit of a change to
    the moment from which the view shows it or a later one; bytes are what Realtime and Prisma brought.

    Raises:
        PrismaError, NodeError: the client could not be made, or the tables are missing.
        FailureError: not one way could be measured.
    """
    if skipped := why_not(target):
        return Skipped("revalidation", skipped)
    client = await prisma_client(target)
    count = changes or _CHANGES[size]
    try:
        arms = {name: _arm(target, client, view, count) for name, view in _VIEWS.items()}
        return await run_rounds(
            "revalidation",
            "A row has changed: take it from the change, or read it again?",
            target,
            arms,
            metrics=METRICS,
            rounds=rounds or _ROUNDS[size],
            size=size,
            answer=_say,
            settings={"changes": count, "rows": _ROWS, "changes a second": round(_PER_TRANSACTION / _PAUSE_S)},
        )
    finally:
        await client.disconnect()


@dataclass(slots=True)
class _View:
    """What a screen shows of each row, and since when.

    Attributes:
        shown: row -> its values, in Prisma's names. seen: (when, row, version).
        bytes: that were brought.
    """

    client: Prisma
    converter: Converter
    shown: dict[int, dict[str, Any]] = field(default_factory=dict)
    seen: list[tuple[float, int, int]] = field(default_factory=list)
    changes: int = 0
    bytes: int = 0

    def show(self, row: dict[str, Any]) -> None:
        self.shown[row["id"]] = row
        self.seen.append((monotonic(), row["id"], _version(row)))


#: Takes a view; gives what to do with each change, and how to wait until all is done.
_Handler = tuple[Callable[[Change], None], Callable[[], Awaitable[None]]]


@asynccontextmanager
async def _by_payload(view: _View) -> AsyncIterator[_Handler]:
    async def nothing() -> None:
        return

    yield lambda change: view.show(_as_javascript(view.converter.data(change.record))), nothing


@asynccontextmanager
async def _by_each(view: _View) -> AsyncIterator[_Handler]:
    tasks: set[asyncio.Task[None]] = set()

    async def read(identity: int) -> None:
        row = await view.client.message.find_unique(where={"id": identity})
        _show_row(view, row)

    def handle(change: Change) -> None:
        tasks.add(asyncio.create_task(read(change.record["id"])))

    async def settle() -> None:
        await asyncio.gather(*tasks)

    yield handle, settle


@asynccontextmanager
async def _by_coalesced(view: _View) -> AsyncIterator[_Handler]:
    def on_fresh(keys: Collection[Key]) -> None:
        for key in keys:
            _show_row(view, rows.get(key))

    async with Revalidator(view.client, view.converter, on_fresh=on_fresh) as rows:
        yield lambda change: rows.changed(item_of(change, view.converter)), rows.settle


def _show_row(view: _View, row: Any) -> None:
    if row is not None:
        view.bytes += len(row.model_dump_json())
        view.show(view.converter.of_row(row))


_VIEWS = {PAYLOAD: _by_payload, EACH: _by_each, COALESCED: _by_coalesced}


def _arm(target: Target, client: Prisma, view: Any, changes: int) -> Callable[[int], Awaitable[Outcome]]:
    converter = Converter.of(read_datamodel(SCHEMA), TABLE, json_type(client))

    async def run(number: int) -> Outcome:
        shown = _View(client, converter)
        # What is read needs no more of a change than its key.
        columns = None if view is _by_payload else ("id",)
        async with open_source(target, "revalidation") as source, as_server(target) as realtime, view(shown) as handler:
            ids = await source.insert(Load(inserts=_ROWS))
            binding = ChangeBinding("UPDATE", target.schema, TABLE, f"room_id=eq.{source.room}", columns)
            channel = realtime.channel(f"revalidation-{source.room}", JoinConfig(changes=(binding,)))
            await channel.subscribe(timeout=SUBSCRIBE_LIMIT_S)
            return await _measure(shown, handler, channel, source, ids, changes)

    return run


async def _measure(
    view: _View, handler: _Handler, channel: Channel, source: Source, ids: list[int], changes: int
) -> Outcome:
    handle, settle = handler
    everything = asyncio.Event()

    def on_event(event: Event) -> None:
        if isinstance(event, Change):
            view.bytes += event.size_bytes
            view.changes += 1
            handle(event)
            if view.changes == changes:
                everything.set()

    channel.on_event(on_event)
    before = await statements_sent(view.client)
    committed = await _write(source, ids, changes)
    async with asyncio.timeout(_SETTLE_LIMIT_S):
        await everything.wait()
        await settle()
    queries = await statements_sent(view.client) - before
    return Outcome(
        {
            FRESHNESS.name: _freshness_ms(committed, view.seen),
            BYTES.name: view.bytes / changes,
            QUERIES.name: 100 * queries / changes,
            WRONG.name: await _wrong_percent(view),
        }
    )


async def _write(source: Source, ids: list[int], changes: int) -> list[tuple[float, int, int]]:
    """Change row after row; returns when each change was committed, its row and its version."""
    committed = []
    for first in range(0, changes, _PER_TRANSACTION):
        versions = range(first, min(first + _PER_TRANSACTION, changes))
        async with source.connection.transaction():
            for version in versions:
                await source.connection.execute(
                    "update messages set meta = jsonb_build_object('version', %s::int) where id = %s",
                    [version, ids[version % len(ids)]],
                )
        committed += [(monotonic(), ids[version % len(ids)], version) for version in versions]
        await asyncio.sleep(_PAUSE_S)
    return committed


def _freshness_ms(committed: list[tuple[float, int, int]], seen: list[tuple[float, int, int]]) -> float:
    """Mean time until the view shows a change or a later one of its row."""
    waits = []
    for at, row, version in committed:
        shown = min(when for when, of, newest in seen if of == row and newest >= version)
        waits.append(max(0.0, shown - at))
    return 1e3 * fmean(waits)


async def _wrong_percent(view: _View) -> float:
    """Of all values that are shown at the end, those that are not in the database."""
    found = await view.client.message.find_many(where={"id": {"in": list(view.shown)}})
    real = {row.id: _comparable(view.converter.of_row(row)) for row in found}
    shown = {identity: _comparable(row) for identity, row in view.shown.items()}
    pairs = [(real[identity][name], value) for identity, row in shown.items() for name, value in row.items()]
    return 100 * sum(one != other for one, other in pairs) / len(pairs)


def _as_javascript(row: dict[str, Any]) -> dict[str, Any]:
    """Numbers as `JSON.parse` gives them: a double, which is written with as few digits as tell it from its like."""
    price = row["price"]
    return row if price is None else row | {"price": Decimal(repr(float(price)))}


def _comparable(row: dict[str, Any]) -> dict[str, str]:
    return {
        name: json.dumps(value.data)
        if name == "meta"
        else str(value.normalize() if isinstance(value, Decimal) else value)
        for name, value in row.items()
    }


def _version(row: dict[str, Any]) -> int:
    return int(row["meta"].data.get("version", -1))


def _say(experiment: Experiment) -> str:
    """What coalescing saves against reading each row, and what reading costs and brings against the payload."""
    told = [
        experiment.contrast(QUERIES.name, COALESCED, EACH),
        *(experiment.contrast(metric.name, COALESCED) for metric in (FRESHNESS, BYTES, WRONG)),
    ]
    each, coalesced = (experiment.estimate(arm, QUERIES.name) for arm in (EACH, COALESCED))
    said = [str(one) + "." for one in told if one is not None]
    if each.n and coalesced.n and coalesced.mean:
        said.insert(0, f"Coalescing sends one query where reading each row sends {each.mean / coalesced.mean:.1f}.")
    wrong = experiment.estimate(PAYLOAD, WRONG.name)
    if wrong.n and wrong.mean > 0:
        said.append(
            f"Of the values taken from payloads as JavaScript has them {wrong.mean:.1f} % are not the database's."
        )
    return " ".join(said)
