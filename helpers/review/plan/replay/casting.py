"""From a set of subscriptions and a stage to what each client is told to do."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from urllib.parse import quote

from helpers.review.plan.replay.orders import Binding, ChannelOrder, Guard, PollOrder, SeatOrder
from helpers.review.plan.replay.script import Seat
from helpers.review.plan.replay.shapes import Shape
from helpers.review.plan.replay.stage import LONGEST_LIST, Stage
from helpers.review.plan.replay.subscriptions import Stream, Wish
from helpers.review.plan.replay.values import filter_value

__all__ = ["seat_orders"]


#: However fast time is made to run, nobody polls more often.
OFTENEST_S = 0.05


def seat_orders(
    stage: Stage, seats: Sequence[Seat], tokens: Sequence[str], *, speed: float = 1.0
) -> tuple[SeatOrder, ...]:
    """What everybody connects to and joins.

    Args:
        tokens: of the persons. speed: how much faster than life; so much more often is polled.
    """
    return tuple(_seat_order(stage, seat, tokens[seat.person], speed) for seat in seats)


def _seat_order(stage: Stage, seat: Seat, token: str, speed: float) -> SeatOrder:
    channels = [_channel(stage, stream, seat.person) for stream in seat.screen.streams for _ in range(stream.copies)]
    sockets = tuple(tuple(channels[place :: seat.screen.sockets]) for place in range(seat.screen.sockets))
    polls = tuple(
        PollOrder(_list_url(stage, poll.table, seat.person), max(OFTENEST_S, poll.every_s / speed))
        for poll in seat.screen.polls
    )
    return SeatOrder(token, sockets, polls)


def _channel(stage: Stage, stream: Stream, person: int) -> ChannelOrder:
    """A channel of broadcasts has the topic of its group; the name of any other means nothing."""
    topics = [_topic(stage, wish, person) for wish in stream.wishes if wish.broadcast]
    bindings = tuple(_binding(stage, wish, person) for wish in stream.wishes)
    name = topics[0] if topics else f"workbook:{secrets.token_hex(6)}"
    return ChannelOrder(name, bool(topics), bindings)


def _topic(stage: Stage, wish: Wish, person: int) -> str:
    value = _group_value(stage.shapes[wish.table], person)
    return stage.topics[wish.table] + (value or "")


def _binding(stage: Stage, wish: Wish, person: int) -> Binding:
    shape, table = stage.shapes[wish.table], stage.tables[wish.table]
    value = _group_value(shape, person)
    own = None if value is None or shape.group is None else Guard(shape.group, value)
    return Binding(
        table=table.name,
        number=list(stage.tables).index(wish.table),
        event=wish.event,
        filter=f"{own.column}=eq.{own.value}" if own and wish.filtered else None,
        select=wish.select,
        guard=own if wish.guarded else None,
        handles=wish.handles,
        identity=shape.identity,
        identity_type=table.columns[shape.identity],
        list_url=_list_url(stage, wish.table, person),
        reaction=wish.reaction,
        broadcast=wish.broadcast,
    )


def _list_url(stage: Stage, name: str, person: int) -> str:
    """The newest rows of the screen's group."""
    shape, table = stage.shapes[name], stage.tables[name]
    value = _group_value(shape, person)
    own = "" if value is None else f"&{quote(shape.group or '')}=eq.{quote(value)}"
    return f"{table.name}?select=*{own}&order={quote(shape.identity)}.desc&limit={LONGEST_LIST}"


def _group_value(shape: Shape, person: int) -> str | None:
    """How the person's group is written in a filter."""
    if shape.group is None:
        return None
    kind = next(column.type for column in shape.columns if column.name == shape.group)
    return filter_value(kind, person % shape.groups)
