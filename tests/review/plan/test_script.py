"""The writes of a replay, and who should get which."""

from __future__ import annotations

import msgspec

from helpers.review.plan.replay.script import (
    Persons,
    Rows,
    Seat,
    expected_messages,
    seats_of,
    shown_changes,
    write_script,
)
from helpers.review.plan.replay.shapes import Column, Shape
from helpers.review.plan.replay.stage import renamed
from helpers.review.plan.replay.subscriptions import Kind, Screen, Stream, SubscriptionSet, Wish
from helpers.review.plan.usage import TableUsage, Usage

MESSAGES = Shape(
    name="messages",
    columns=(Column(name="id", type="bigint"), Column(name="room_id", type="bigint")),
    group="room_id",
    groups=4,
)
SHAPES = {"messages": MESSAGES}
BUSY = Usage(tables={"messages": TableUsage(inserts_per_s=2, updates_per_s=1, deletes_per_s=1)})


def seat(*wishes: Wish, copies: int = 1) -> Seat:
    return seats_of(SubscriptionSet(screens=(Screen(name="Room", streams=(Stream(wishes=wishes, copies=copies),)),)))[0]


def test_a_row_is_changed_once_in_a_run_and_never_after_it_was_deleted() -> None:
    """Each change can be told from all others by its kind and its row."""
    rows = {"messages": Rows.of(200)}
    gone: set[int] = set()
    for run in range(4):
        script = write_script(BUSY, ["messages"], rows, changes=100, seconds=1.0, seed=run)
        numbers = [write.number for write in script]
        assert len(numbers) == len(set(numbers)) == 100
        assert not gone & set(numbers)
        assert [write.due_s for write in script] == sorted(write.due_s for write in script)
        gone |= {write.number for write in script if write.kind is Kind.DELETE}
    assert gone


def test_equal_seeds_give_equal_writes() -> None:
    """Both arms of a round are given the same."""
    one, other = (
        write_script(BUSY, ["messages"], {"messages": Rows.of(50)}, changes=60, seconds=1.0, seed=3) for _ in range(2)
    )
    assert one == other


def test_a_filter_takes_the_place_of_a_guard() -> None:
    """The screen shows the same, and fewer messages are sent for it."""
    script = write_script(
        Usage(tables={"messages": TableUsage(updates_per_s=0, deletes_per_s=0)}),
        ["messages"],
        {"messages": Rows.of(8)},
        changes=40,
        seconds=1,
        seed=1,
    )
    persons = Persons(4, {})
    handles = (Kind.INSERT,)
    guarded = seat(Wish(table="messages", guarded=True, handles=handles))
    filtered = seat(Wish(table="messages", event="INSERT", filtered=True, guarded=True, handles=handles))
    assert shown_changes(guarded, script, SHAPES, persons) == shown_changes(filtered, script, SHAPES, persons)
    assert expected_messages(guarded, script, SHAPES, persons) == 40
    assert expected_messages(filtered, script, SHAPES, persons) == 10


def test_a_filter_loses_deletes_that_a_handler_makes_use_of() -> None:
    """Under the default replica identity the old row has no group: such a filter shows something else."""
    script = write_script(BUSY, ["messages"], {"messages": Rows.of(200)}, changes=60, seconds=1, seed=1)
    persons = Persons(4, {})
    guarded, filtered = (seat(Wish(table="messages", guarded=True, filtered=filter)) for filter in (False, True))
    lost = shown_changes(guarded, script, SHAPES, persons) - shown_changes(filtered, script, SHAPES, persons)
    assert lost
    assert {write.kind for write in lost} == {Kind.DELETE}


def test_copies_multiply_messages_and_policies_divide_them() -> None:
    """A channel that nobody left is sent everything again; whose row may not be read is sent to nobody."""
    usage = Usage(tables={"messages": TableUsage(updates_per_s=0, deletes_per_s=0)})
    script = write_script(usage, ["messages"], {"messages": Rows.of(8)}, changes=40, seconds=1, seed=1)
    leaking = seat(Wish(table="messages"), copies=5)
    assert expected_messages(leaking, script, SHAPES, Persons(4, {})) == 200
    own = Persons(4, {"messages": [frozenset({0, 4})]})
    assert expected_messages(leaking, script, SHAPES, own) == 50


def test_policies_are_given_the_names_of_the_lab() -> None:
    """Tables are renamed however they are written; columns and other names are not."""
    using = 'exists (select 1 from public.members m where m.room_id = messages.room_id and "messages".messages_id = 1)'
    told = renamed(renamed(using, "members", '"public"."x_members"'), "messages", '"public"."x_messages"')
    assert told == (
        'exists (select 1 from "public"."x_members" m where m.room_id = "public"."x_messages".room_id'
        ' and "public"."x_messages".messages_id = 1)'
    )


def test_memberships_are_of_the_next_groups_and_stay() -> None:
    """Each person belongs to as many groups, each once; what is changed are the rows of strangers."""
    members = msgspec.structs.replace(MESSAGES, name="members", memberships=3)
    persons = 6
    rows = [(number % persons, members.group_of(number, persons)) for number in range(persons * 3)]
    assert len(set(rows)) == len(rows)
    assert {group for person, group in rows if person == 1} == {1, 2, 3}
    assert min(Rows.of(40, persons * 3).alive) == persons * 3
