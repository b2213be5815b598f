"""Presence: the sum of a state and its diffs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from helpers.wire.events import Metas, PresenceDiff, PresenceState
from helpers.wire.presence import PresenceMap


def state(metas: Metas) -> PresenceState:
    return PresenceState(topic="t", received_at=0.0, size_bytes=0, state=metas)


def diff(joins: Metas | None = None, leaves: Metas | None = None) -> PresenceDiff:
    return PresenceDiff(topic="t", received_at=0.0, size_bytes=0, joins=joins or {}, leaves=leaves or {})


def meta(ref: str, **shown: int) -> dict[str, object]:
    return {"phx_ref": ref, **shown}


def test_a_diff_before_the_state_waits_for_it() -> None:
    """It tells of a later moment than the state, so it comes after it."""
    present = PresenceMap()
    present.receive(diff(leaves={"a": [meta("1")]}))
    assert present.state == {}
    present.receive(state({"a": [meta("1")], "b": [meta("2")]}))
    assert present.state == {"b": [meta("2")]}


def test_an_update_replaces_the_old_meta() -> None:
    """It arrives as the join of the new meta and the leave of the old one."""
    present = PresenceMap()
    present.receive(state({"a": [meta("1", n=1)]}))
    present.receive(diff({"a": [meta("2", n=2)]}, {"a": [meta("1", n=1)]}))
    assert present.state == {"a": [meta("2", n=2)]}


def test_two_connections_under_one_key_leave_one_by_one() -> None:
    """The key is there until the last of its metas left."""
    present = PresenceMap()
    present.receive(state({"a": [meta("1")]}))
    present.receive(diff({"a": [meta("2")]}))
    assert [m["phx_ref"] for m in present.state["a"]] == ["1", "2"]
    present.receive(diff(leaves={"a": [meta("1")]}))
    assert present.state == {"a": [meta("2")]}
    present.receive(diff(leaves={"a": [meta("2")]}))
    assert present.state == {}


def test_a_join_that_is_told_twice_counts_once() -> None:
    """The state may hold already what a diff brings."""
    present = PresenceMap()
    present.receive(diff({"a": [meta("1")]}))
    present.receive(state({"a": [meta("1")]}))
    assert present.state == {"a": [meta("1")]}


def test_events_are_not_changed() -> None:
    """Whoever received the state keeps it as it was."""
    event = state({"a": [meta("1")]})
    present = PresenceMap()
    present.receive(event)
    present.receive(diff({"a": [meta("2")]}))
    assert event.state == {"a": [meta("1")]}


def test_after_a_reset_the_next_state_counts() -> None:
    """A new join starts from nothing."""
    present = PresenceMap()
    present.receive(state({"a": [meta("1")]}))
    present.reset()
    assert present.state == {}
    present.receive(state({"b": [meta("2")]}))
    assert present.state == {"b": [meta("2")]}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.booleans())), st.integers(0, 10))
def test_the_sum_is_the_same_wherever_the_state_falls(moves: list[tuple[str, int, bool]], early: int) -> None:
    """Diffs that overtook the state lead to the same room as those that came after it."""
    diffs = [
        diff({key: [meta(f"{key}{ref}")]}) if joins else diff(leaves={key: [meta(f"{key}{ref}")]})
        for key, ref, joins in moves
    ]
    first, late = PresenceMap(), PresenceMap()
    for present, place in ((first, 0), (late, min(early, len(diffs)))):
        for number, event in enumerate(diffs):
            if number == place:
                present.receive(state({"a": [meta("a0")]}))
            present.receive(event)
        if place == len(diffs):
            present.receive(state({"a": [meta("a0")]}))
    assert first.state == late.state
