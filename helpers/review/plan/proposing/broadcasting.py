"""Broadcasting changes from the database, where many screens are sent the same rows."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from helpers.review.inventory import Inventory
from helpers.review.plan.proposing.proposal import ChangeKind, Proposal, part_of, with_streams
from helpers.review.plan.replay.comparing import DATABASE, Arrangement
from helpers.review.plan.replay.shapes import Shape
from helpers.review.plan.replay.subscriptions import Kind, Stream
from helpers.review.plan.replay.values import plain_type
from helpers.review.plan.rewriting.statements import broadcast_sql
from helpers.review.source import Place

__all__ = ["LEAST_FAN_OUT", "broadcast_proposals"]

#: Screens that are sent the same row: for fewer, a trigger and a second way of subscribing are not worth their trouble.
LEAST_FAN_OUT = 20.0

ADVICE = (
    "By hand: join the private topic “{topic}”, with `supabase.realtime.setAuth()` before it, bind `broadcast` in place"
    " of `postgres_changes`, and take the row from `payload.record`. Who may listen is said by a policy on"
    " realtime.messages, and no longer by those of {table}."
)


def broadcast_proposals(inventory: Inventory, application: Arrangement) -> tuple[Proposal, ...]:
    """One for each table of which a row is sent to many screens."""
    return tuple(
        _proposal(inventory, application, shape)
        for shape in application.shapes
        if _fan_out(application, shape) >= LEAST_FAN_OUT
    )


def _fan_out(application: Arrangement, shape: Shape) -> float:
    """How many screens a row is sent to."""
    names = set(_streams_on(application, shape))
    return sum(
        screen.users * stream.copies / _groups(application, shape)
        for screen in application.subscriptions.screens
        for stream in screen.streams
        if stream.name in names
    )


def _groups(application: Arrangement, shape: Shape) -> int:
    """Over how many groups screens are spread: rows that are groups themselves, persons, or what the usage says."""
    if shape.group == shape.identity:
        return max(1, shape.rows)
    kind = next((plain_type(column.type) for column in shape.columns if column.name == shape.group), "")
    return application.subscriptions.users if kind == "uuid" else shape.groups


def _proposal(inventory: Inventory, application: Arrangement, shape: Shape) -> Proposal:
    facts = inventory.database.table(shape.name)
    streams = tuple(dict.fromkeys(_streams_on(application, shape)))
    asked = part_of(application, streams).subscriptions.wishes
    kinds = tuple(kind for kind in Kind if any(wish.asks_for(kind) for wish in asked))
    topic = f"{shape.name}:" + (f"${{{shape.group}}}" if shape.group else "")
    return Proposal(
        id=f"broadcast:{shape.name}",
        kind=ChangeKind.BROADCAST,
        title=f"Broadcast changes of {shape.name} from the database, as many screens are sent the same rows",
        place=facts.place if facts is not None and facts.place is not None else _first_place(inventory),
        advice=ADVICE.format(topic=topic, table=shape.name),
        sql=broadcast_sql(facts, shape.group, kinds) if facts is not None else (),
        streams=streams,
        apply=with_streams(streams, _broadcast),
        chosen=DATABASE,
    )


def _streams_on(application: Arrangement, shape: Shape) -> Iterator[str]:
    """Those that subscribe to this table alone, and to no more of it than a topic has."""
    for screen in application.subscriptions.screens:
        for stream in screen.streams:
            if all(wish.table == shape.name and (wish.filtered or not shape.group) for wish in stream.wishes):
                yield stream.name


def _broadcast(stream: Stream) -> Stream:
    wishes = tuple(msgspec.structs.replace(wish, broadcast=True, select=None) for wish in stream.wishes)
    return msgspec.structs.replace(stream, wishes=wishes)


def _first_place(inventory: Inventory) -> Place:
    return inventory.channels[0].created
