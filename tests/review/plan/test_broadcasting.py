"""Broadcasting from the database is proposed where many screens are sent the same rows."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from helpers.review.database.facts import DatabaseFacts
from helpers.review.inventory import Inventory
from helpers.review.plan.proposing.broadcasting import broadcast_proposals
from helpers.review.plan.replay.comparing import Arrangement
from helpers.review.plan.replay.shapes import Column, Shape
from helpers.review.plan.replay.subscriptions import Kind, Screen, Stream, SubscriptionSet, Wish
from helpers.review.plan.rewriting.statements import broadcast_sql
from helpers.review.source import Place
from tests.review.plan.code import MESSAGES

TABLE = replace(MESSAGES, place=Place("db.sql", 1))
SHAPE = Shape(
    name="messages",
    columns=tuple(Column(name=column.name, type=column.type) for column in MESSAGES.columns),
    group="room_id",
    groups=4,
    rows=1_000,
)


@pytest.mark.parametrize(
    ("users", "group", "groups", "filtered", "proposed"),
    [
        (200, "room_id", 4, True, True),  # fifty before each room
        (60, "room_id", 4, True, False),  # fifteen
        (200, "author", 4, True, False),  # each sees their own
        (200, "id", 4, True, False),  # each looks at another row
        (200, None, 1, False, True),  # all see all
        (200, "room_id", 4, False, False),  # a topic for each room would not do
    ],
)
def test_it_hangs_on_how_many_are_sent_a_row(
    users: int, group: str | None, groups: int, filtered: bool, proposed: bool
) -> None:
    """Groups, persons and single rows spread screens over as many topics."""
    shape = msgspec.structs.replace(SHAPE, group=group, groups=groups)
    wish = Wish(table="messages", event="INSERT", filtered=filtered, handles=(Kind.INSERT,))
    screen = Screen(name="Room", users=users, streams=(Stream(name="feed", wishes=(wish,)),))
    application = Arrangement((shape,), SubscriptionSet(screens=(screen,)))
    found = broadcast_proposals(Inventory(".", database=DatabaseFacts((TABLE,))), application)
    assert bool(found) is proposed
    if proposed:
        assert "after insert on public.messages" in found[0].sql[1]


def test_the_trigger_tells_what_is_asked_for() -> None:
    """The topic ends with the group, and only the kinds that somebody listens to are sent."""
    function, trigger = broadcast_sql(MESSAGES, "room_id", ("INSERT", "DELETE"))
    assert "'messages:' || coalesce(new.room_id, old.room_id)::text, tg_op" in function
    assert "after insert or delete on public.messages" in trigger
