"""Replays in the lab: what is measured, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from helpers.errors import FailureError, SettingsError
from helpers.experiments.tables import PREFIX, owner_connection
from helpers.lab import Lab
from helpers.review.plan.gains import gain_of
from helpers.review.plan.replay.comparing import (
    BYTES,
    CHANNELS,
    MESSAGES,
    REQUESTS,
    Arrangement,
    Scale,
    compare_arrangements,
)
from helpers.review.plan.replay.shapes import Column, Shape
from helpers.review.plan.replay.subscriptions import Kind, Reaction, Screen, Stream, SubscriptionSet, Wish
from helpers.review.plan.usage import TableUsage, Usage

SHAPE = Shape(
    name="messages",
    columns=(
        Column(name="id", type="bigint"),
        Column(name="room_id", type="bigint"),
        Column(name="author", type="uuid"),
        Column(name="body", type="varchar(800)", size_bytes=600),
    ),
    group="room_id",
    groups=4,
)
MEMBERS = Shape(
    name="members",
    columns=(Column(name="room_id", type="bigint"), Column(name="user_id", type="uuid")),
    key=("room_id", "user_id"),
    group="room_id",
    groups=4,
    memberships=2,
)
IS_MEMBER = "room_id in (select members.room_id from public.members where members.user_id = auth.uid())"
WISH = Wish(table="messages", guarded=True, handles=(Kind.INSERT, Kind.UPDATE))
USAGE = Usage(tables={"messages": TableUsage(inserts_per_s=30, updates_per_s=10, deletes_per_s=5)})
TINY = Scale(rounds=2, seconds=0.3, least=20, most=20, users=4, rows=100)


def room(wish: Wish, *shapes: Shape, copies: int = 1) -> Arrangement:
    screen = Screen(name="Room", users=4, streams=(Stream(name="feed", wishes=(wish,), copies=copies),))
    return Arrangement(shapes or (SHAPE,), SubscriptionSet(screens=(screen,)))


async def test_each_way_to_save_is_seen_in_what_it_saves(quiet_lab: Lab) -> None:
    """A filter saves messages, columns bytes, leaving channels; who reads again together asks less often."""
    filtered = msgspec.structs.replace(WISH, filtered=True)
    before = room(WISH, copies=2)
    after = {
        "filter": room(filtered, copies=2),
        "columns": room(msgspec.structs.replace(WISH, select=("id", "room_id")), copies=2),
        "left": room(WISH),
        "reading": room(msgspec.structs.replace(WISH, reaction=Reaction.REFETCH)),
        "coalesced": room(msgspec.structs.replace(WISH, reaction=Reaction.COALESCE)),
        "broadcast": room(msgspec.structs.replace(filtered, broadcast=True)),
    }
    found = await compare_arrangements(quiet_lab, "all ways", before, after, USAGE, scale=TINY)
    assert found.notes == ()  # all that should come came, and nothing else

    def paying(metric: str) -> set[str]:
        return {name for name in after if gain_of(found, name, metric, before.subscriptions, USAGE).shown}

    assert paying(MESSAGES) == {*after} - {"columns"}
    assert paying(CHANNELS) == {*after} - {"columns", "filter"}
    assert "columns" in paying(BYTES)
    requests = {arm: found.estimate(arm, REQUESTS).mean for arm in found.arms}
    assert 0 == requests["before"] == requests["broadcast"] < requests["coalesced"] < requests["reading"]
    saved = gain_of(found, "left", MESSAGES, before.subscriptions, USAGE)
    assert saved.chosen is not None
    assert saved.chosen.change_percent == pytest.approx(-50)
    assert saved.before is not None
    assert saved.after is not None
    assert saved.before.messages_per_s == pytest.approx(2 * saved.after.messages_per_s)


async def test_policies_of_the_user_hold_in_the_lab(quiet_lab: Lab) -> None:
    """A policy that asks another table lets each see the rooms that they are members of, and no others."""
    secured = msgspec.structs.replace(SHAPE, policies=(IS_MEMBER,), secured=True)
    wish = msgspec.structs.replace(WISH, guarded=False, handles=(Kind.INSERT,), event="INSERT")
    once = msgspec.structs.replace(secured, policies=(IS_MEMBER.replace("auth.uid()", "(select auth.uid())"),))
    before, after = room(wish, MEMBERS, secured), room(wish, MEMBERS, once)
    inserts = Usage(tables={"messages": TableUsage(inserts_per_s=60)})
    found = await compare_arrangements(quiet_lab, "policies", before, {"after": after}, inserts, scale=TINY)
    assert found.notes == ()
    # of four users, each a member of two of four rooms, two are told of each row
    assert found.estimate("before", MESSAGES).mean == pytest.approx(2.0)


async def test_what_shows_something_else_is_no_optimisation(quiet_lab: Lab) -> None:
    """A filter that loses deletions is refused before anything is measured, and says what would be missing."""
    takes_all = msgspec.structs.replace(WISH, handles=tuple(Kind))
    lossy = room(msgspec.structs.replace(takes_all, filtered=True))
    with pytest.raises(SettingsError, match=r"Room would show 0 changes more and \d+ fewer with 'filter'"):
        await compare_arrangements(quiet_lab, "filter", room(takes_all), {"filter": lossy}, USAGE, scale=TINY)


async def test_policies_that_cannot_be_carried_over_are_told(quiet_lab: Lab) -> None:
    """One that calls a function of the user's, and one that lets nobody read, are no base for a measurement."""
    for using, reason in (("own.is_member(room_id)", "own"), ("false", "let nobody read")):
        bad = room(WISH, msgspec.structs.replace(SHAPE, policies=(using,), secured=True))
        with pytest.raises(FailureError, match=reason):
            await compare_arrangements(quiet_lab, "x", bad, {"after": bad}, USAGE, scale=TINY)


async def test_nothing_is_left_behind(quiet_lab: Lab) -> None:
    """Tables, functions and policies of replays are gone."""
    async with owner_connection(quiet_lab.target) as connection:
        cursor = await connection.execute(
            "select relname from pg_class where starts_with(relname, %s)"
            " union select proname from pg_proc where starts_with(proname, %s)"
            " union select polname from pg_policy where starts_with(polname, %s)",
            [PREFIX] * 3,
        )
        assert await cursor.fetchall() == []


@pytest.mark.parametrize("wrong", [{"rounds": 1}, {"users": 1_000}, {"seconds": 600}, {"rows": 10**9}])
def test_replays_are_bounded(wrong: dict[str, int]) -> None:
    """Nobody measures for hours, or with more than a laptop bears."""
    with pytest.raises(SettingsError):
        replace(TINY, **wrong)  # type: ignore[arg-type]
