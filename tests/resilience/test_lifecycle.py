"""The life of a subscription, step by step."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.resilience import Happened, Lifecycle, State, Transition, lifecycle
from helpers.resilience.lifecycle import NEXT

UP = (Happened.STARTED, Happened.CONNECTED, Happened.JOINED, Happened.SUBSCRIBED, Happened.CAUGHT_UP)


def lived(*happened: Happened) -> Lifecycle:
    """A life with one event a second."""
    life = Lifecycle(0.0)
    for second, event in enumerate(happened, start=1):
        life.enter(event, float(second), event.value)
    return life


def test_it_is_live_only_when_nothing_is_missing() -> None:
    """Neither the answer to the join nor "Subscribed to PostgreSQL" is enough."""
    states = [lived(*UP[:count]).state for count in range(len(UP) + 1)]
    assert states == [
        State.IDLE,
        State.CONNECTING,
        State.JOINING,
        State.SUBSCRIBING,
        State.RECOVERING,
        State.LIVE,
    ]


def test_a_lost_link_is_connected_again_and_caught_up() -> None:
    """No way leads back to live but through recovery."""
    life = lived(*UP, Happened.LINK_LOST, *UP[1:])
    assert [step.after for step in life.transitions][-5:] == [
        State.CONNECTING,
        State.JOINING,
        State.SUBSCRIBING,
        State.RECOVERING,
        State.LIVE,
    ]
    assert life.losses == {"link lost": 1}


def test_a_lost_channel_is_joined_again_on_the_same_socket() -> None:
    """The socket stands, so it is not opened anew."""
    assert lived(*UP, Happened.CHANNEL_LOST).state is State.JOINING


def test_polling_goes_on_until_the_server_delivers() -> None:
    """Attempts beside it do not end it: the application is served by the poll until then."""
    life = lived(*UP, Happened.LINK_LOST, Happened.POLLED, Happened.CONNECTED, Happened.JOINED, Happened.LINK_LOST)
    assert life.state is State.POLLING
    life.enter(Happened.SUBSCRIBED, 20.0)
    assert life.state is State.RECOVERING


def test_offline_is_when_the_poll_fails_too() -> None:
    """And it ends with the first poll that works."""
    life = lived(*UP, Happened.LINK_LOST, Happened.POLL_FAILED)
    assert life.state is State.OFFLINE
    life.enter(Happened.POLLED, 20.0)
    assert life.state is State.POLLING


@pytest.mark.parametrize("end", [Happened.REFUSED, Happened.STOPPED])
def test_what_is_closed_stays_closed(end: Happened) -> None:
    """A refusal that lasts is not tried again, and late events change nothing."""
    life = lived(*UP, end)
    assert life.state is State.CLOSED
    assert [life.enter(event, 30.0) for event in Happened] == [None] * len(Happened)


def test_every_transition_is_told_with_its_reason() -> None:
    """To each listener, in order."""
    told: list[Transition] = []
    life = Lifecycle(0.0)
    life.on_transition(told.append)
    life.enter(Happened.STARTED, 1.0)
    life.enter(Happened.LINK_LOST, 2.0, "while it is connecting this changes nothing")
    life.enter(Happened.CONNECTED, 3.0, "in 5 ms")
    assert told == list(life.transitions)
    assert str(told[-1]) == "connecting → joining (connected: in 5 ms) after 2.00 s"


def test_time_in_each_state_is_kept() -> None:
    """It adds up to the whole life."""
    life = lived(*UP, Happened.LINK_LOST)
    assert life.seconds_in(State.LIVE, 10.0) == 1.0
    assert life.seconds_in(State.CONNECTING, 10.0) == 5.0
    assert sum(life.seconds_in(state, 10.0) for state in State) == 10.0


@given(st.lists(st.sampled_from(sorted(Happened))))
def test_live_is_reached_by_catching_up_only(events: list[Happened]) -> None:
    """Whatever happens in whatever order."""
    life = lived(*events)
    for step in life.transitions:
        assert (step.after is State.LIVE) == (step.happened is Happened.CAUGHT_UP)
        assert step.before is not State.CLOSED


def test_every_state_is_described_and_can_be_left() -> None:
    """The module's table has each of them; only closed has no way out."""
    table = re.findall(r"^    (\w+) {2,}\w", lifecycle.__doc__ or "", re.MULTILINE)
    assert set(State) <= set(table)
    assert {before for before, _ in NEXT} == set(State) - {State.CLOSED}
    assert set(NEXT.values()) == set(State) - {State.IDLE}
