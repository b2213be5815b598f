"""The ledger of outages against a world whose truth is known."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.monitoring.books import Numbers, Outage, Outages
from helpers.monitoring.service import Kind, Service

EVERY_S, PATIENCE_S = 1.0, 0.9


@dataclass(frozen=True)
class World:
    """Messages each second for a minute or more; those due within an outage arrive never, or when it is over."""

    outages: tuple[tuple[float, float], ...]
    held: bool

    def arrival(self, due: float) -> float | None:
        for began, ended in self.outages:
            if began <= due < ended:
                return ended + 0.01 if self.held else None
        return due + 0.01

    def watched(self, until: float) -> Service:
        """A ledger after all of it, which looked at the clock four times a second."""
        service = Service(0.0, PATIENCE_S)
        number = int(until / EVERY_S)
        events = [(EVERY_S * each, 0, each) for each in range(number)]
        events += [(at, 1, each) for each in range(number) if (at := self.arrival(EVERY_S * each)) is not None]
        events += [(0.25 * each + 0.001, 2, 0) for each in range(int(until / 0.25))]
        for at, kind, each in sorted(events):
            if kind == 0:
                service.announce(each, at)
            elif kind == 1:
                service.arrived(each, at)
            else:
                service.look(at)
        service.look(until)
        return service


@st.composite
def outages(draw: st.DrawFn) -> tuple[tuple[float, float], ...]:
    at, found = 3.0, []
    for _ in range(draw(st.integers(0, 5))):
        at += draw(st.floats(3, 20))
        seconds = draw(st.floats(2.5, 40))
        found.append((at, at + seconds))
        at += seconds
    return tuple(found)


@given(outages(), st.booleans())
def test_every_outage_is_found_with_its_length(found: tuple[tuple[float, float], ...], held: bool) -> None:
    """Each outage is told once, as long as it was to the precision of the messages, and so is their sum."""
    end = (found[-1][1] if found else 0.0) + 50
    service = World(found, held).watched(end)
    assert len(service.outages) == len(found)
    for told, (began, ended) in zip(service.outages, found, strict=True):
        assert abs(told.began - began) <= EVERY_S
        assert told.ended - ended <= EVERY_S + 0.02
        assert told.ended >= ended
    assert service.unserved_s == pytest.approx(sum(each.seconds for each in service.outages))
    assert end - PATIENCE_S - EVERY_S <= service.watched_s <= end


@given(outages(), st.booleans())
def test_every_message_is_counted_once(found: tuple[tuple[float, float], ...], held: bool) -> None:
    """What was due has arrived, was missed in an outage, or is still awaited; nothing was lost beside outages."""
    service = World(found, held).watched((found[-1][1] if found else 0.0) + 50)
    assert service.due == service.received + service.lost + service.missed + service.pending
    assert service.lost == 0


def test_a_single_loss_is_an_outage_of_one_interval() -> None:
    """A message that never comes while those around it do: told as lost, in an outage that the next one ended."""
    service = Service(0.0, PATIENCE_S, forget_s=5.0)
    for number in range(10):
        service.announce(number, float(number))
        if number != 4:
            service.arrived(number, number + 0.1)
    service.look(20.0)
    assert [(each.began, each.ended) for each in service.outages] == [(4.0, 5.1)]
    assert (service.received, service.lost, service.missed) == (9, 1, 0)


def test_several_in_a_row_are_missed() -> None:
    """Two messages that never come, one after the other: the channel did not serve, and neither is called lost."""
    service = Service(0.0, PATIENCE_S, forget_s=5.0)
    for number in range(10):
        service.announce(number, float(number))
        if number not in (4, 5):
            service.arrived(number, number + 0.1)
    service.look(20.0)
    assert (service.received, service.lost, service.missed) == (8, 0, 2)


def test_a_loss_between_messages_is_as_short_as_it_was() -> None:
    """The second of messages that come often is lost: served again when the third came, although known only later."""
    service = Service(0.0, PATIENCE_S, forget_s=5.0)
    for number, due in enumerate((0.0, 0.1, 0.2, 0.3)):
        service.announce(number, due)
        if number != 1:
            service.arrived(number, due + 0.05)
    assert service.is_serving
    service.look(1.1)
    assert service.is_serving
    assert [(each.began, each.ended) for each in service.outages] == [(0.1, 0.25)]
    assert (service.unserved_s, service.watched_s) == pytest.approx((0.15, 1.1))


def test_an_outage_that_goes_on_grows() -> None:
    """While it lasts, each look finds the time without service grown by what has passed."""
    service = Service(0.0, PATIENCE_S)
    service.announce(0, 0.0)
    service.look(2.0)
    service.look(7.5)
    assert (service.outage_began, service.unserved_s) == (0.0, 7.5)


def test_duplicates_and_disorder_are_told() -> None:
    """A number that comes again is a duplicate, one that comes after a higher one is out of order."""
    service = Service(0.0)
    for number in (0, 1, 2):
        service.announce(number, 0.0)
    assert service.arrived(1, 0.1).kind is Kind.EXPECTED
    assert service.arrived(0, 0.2).reordered
    assert service.arrived(1, 0.3).kind is Kind.DUPLICATE
    assert service.arrived(99, 0.3).kind is Kind.UNKNOWN
    assert (service.received, service.duplicated, service.reordered) == (2, 1, 1)


def test_memory_is_bounded() -> None:
    """Thirty thousand messages with losses leave nothing behind that ten thousand have not."""
    service = Service(0.0, PATIENCE_S, forget_s=10.0)

    def send(numbers: range) -> int:
        for number in numbers:
            service.announce(number, float(number))
            if number % 7:
                service.arrived(number, number + 0.01)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before, after = send(range(10_000)), send(range(10_000, 40_000))
    finally:
        tracemalloc.stop()
    assert after - before < 1_000
    assert service.pending < 20
    assert (len(service.outages), service.outage_count) == (1_000, 40_000 // 7 + 1)
    assert service.due == service.received + service.lost + service.missed + service.pending


def test_the_latest_outages_are_kept() -> None:
    """In their order, from either end, whatever went before; and all are counted."""
    kept = Outages(3)
    for at in range(5):
        kept.add(Outage(at, at + 0.5))
    assert [outage.began for outage in kept] == [2, 3, 4]
    assert [outage.began for outage in reversed(kept)] == [4, 3, 2]
    assert kept.count == 5


def test_a_number_is_known_until_a_later_one_takes_its_place() -> None:
    """And none that was never added, below nothing neither."""
    numbers = Numbers(10)
    assert -1 not in numbers
    numbers.add(3)
    assert 3 in numbers
    assert 13 not in numbers
    numbers.add(13)
    assert 3 not in numbers
