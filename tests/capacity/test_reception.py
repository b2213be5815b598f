"""The receiving process behind the server."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from helpers.capacity.activity import predicted, served_of
from helpers.capacity.costs import Meter
from helpers.capacity.design import Flow, Point, Role, design_of
from helpers.capacity.loop import Pace, serve
from helpers.capacity.reception import receive, reception_pace
from helpers.capacity.service import fit_service_times
from helpers.experiments import Size
from tests.capacity import synthetic

MICRO = 1e-6

#: A server that spends 100 µs on each of 10 turns, and 10 µs on each of 100 subscribers.
POINT = Point(Flow.BROADCAST, 100, 10.0, 200)
SENDING = Pace(fixed_s=100 * MICRO, write_s=1_000 * MICRO, each_s=0.0)
SERVED = serve(np.arange(10) / 10.0, SENDING)


def turns_of(receiving: Pace) -> int:
    return sum(one.messages.size for one in receive(POINT, SERVED, SENDING, receiving))


def test_a_receiver_reads_every_socket_once_for_each_turn_of_the_server() -> None:
    """However many turns of its own it takes."""
    for turn_s in (0.0, 50 * MICRO, 5_000 * MICRO):
        received = receive(POINT, SERVED, SENDING, reception_pace(turn_s, 5 * MICRO, 1 * MICRO, 1.0))
        assert sum(one.messages.sum() for one in received) == 10 * 100


def test_a_quick_receiver_has_a_turn_for_each_socket_and_a_slow_one_few() -> None:
    """One that is done before the server writes to the next subscriber; and one that sleeps until all is written."""
    assert turns_of(reception_pace(1 * MICRO, 1 * MICRO, 1 * MICRO, 1.0)) == 10 * 100
    assert turns_of(reception_pace(1 * MICRO, 1 * MICRO, 1 * MICRO, 1.0, wake_s=2_000 * MICRO)) == 10
    assert 10 < turns_of(reception_pace(300 * MICRO, 5 * MICRO, 1 * MICRO, 1.0)) < 60


def test_a_turn_takes_no_more_than_a_block() -> None:
    """Of 512 messages: with 100 in each read, five sockets at a time."""
    received = receive(POINT, SERVED, SENDING, reception_pace(9_000 * MICRO, 1 * MICRO, 0.0, 100.0, wake_s=0.01))
    assert max(int(one.messages.max()) for one in received) == 5


def test_a_turn_that_begins_cold_takes_longer_and_finds_more() -> None:
    """So that there are fewer of them; what an e-fold of sleep costs comes on top, once for each sleep."""
    warm = reception_pace(50 * MICRO, 5 * MICRO, 1 * MICRO, 1.0)
    cold = reception_pace(50 * MICRO, 5 * MICRO, 1 * MICRO, 1.0, chill_s=100 * MICRO)
    assert turns_of(cold) < turns_of(warm)


def test_few_subscribers_are_now_read_in_one_turn_and_now_in_two() -> None:
    """As the receiver wakes later or sooner than the server has written to all; a single one is always one turn."""
    client = replace(synthetic.TRUE.broadcast_client, wake_s=20 * MICRO)
    costs = replace(synthetic.TRUE, broadcast_client=client)

    def turns_a_message(subscribers: int) -> float:
        point = Point(Flow.BROADCAST, subscribers, 50.0, 200)
        activity = predicted(point, Meter.CLIENT, served_of(point, costs), costs, seconds=1.0)
        return activity.turns / point.messages

    assert turns_a_message(1) == 1
    assert 1 < turns_a_message(4) < turns_a_message(8) <= 2


def test_how_quickly_loops_wake_is_found() -> None:
    """From the turns that were counted: a server that wakes late takes a burst in one turn."""
    late = replace(synthetic.TRUE, broadcast_server=replace(synthetic.TRUE.broadcast_server, wake_s=1.6e-3))
    design = design_of(Size.SMALL, rounds=1)
    found = [fit_service_times(synthetic.measured(design, costs=costs)) for costs in (synthetic.TRUE, late)]
    quick_s, late_s = (one.best.broadcast_server.wake_s for one in found)
    assert quick_s < 0.4e-3 and late_s == pytest.approx(1.6e-3, rel=0.6)


def test_the_confirmation_is_what_was_asked_for_and_does_not_move_the_fit() -> None:
    """Ten loads of the full size, none of which is fitted or held out."""
    design = design_of(Size.FULL)
    assert [sum(one.flow is flow for one in design.confirmation) for flow in Flow] == [5, 3, 2]
    assert {design.role_of(one) for one in design.confirmation} == {Role.CONFIRMATION}
    assert {design.role_of(one) for one in design.fitted} == {Role.FITTED}
    assert not set(design.confirmation) & {*design.fitted, *design.held_out}
