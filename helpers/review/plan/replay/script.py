"""The writes of a replay, and who should get which: no I/O, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from helpers.review.plan.replay.shapes import Shape
from helpers.review.plan.replay.subscriptions import Kind, Screen, Stream, SubscriptionSet, Wish
from helpers.review.plan.usage import Usage

__all__ = ["Persons", "Rows", "Seat", "Write", "expected_messages", "seats_of", "shown_changes", "write_script"]


class Write(NamedTuple):
    """A change of a row, due so many seconds after the start."""

    due_s: float
    table: str
    kind: Kind
    number: int


class Seat(NamedTuple):
    """A user before a screen."""

    screen: Screen
    person: int


def seats_of(subscriptions: SubscriptionSet) -> tuple[Seat, ...]:
    """Everybody, screen after screen; the users of each are the first persons."""
    return tuple(Seat(screen, person) for screen in subscriptions.screens for person in range(screen.users))


@dataclass(frozen=True, slots=True)
class Persons:
    """Who may see which rows.

    Attributes:
        count: how many persons rows belong to, in turns; the first of them have seats.
        visible: table -> person with a seat -> the numbers of rows that it may read, of the first `2 * count`; a table
            that is not there is open.
    """

    count: int
    visible: Mapping[str, Sequence[frozenset[int]]]

    def may_read(self, table: str, person: int, number: int) -> bool:
        """Whether policies let this person read row `number`."""
        rows = self.visible.get(table)
        return rows is None or self.like(number) in rows[person]

    def like(self, number: int) -> int:
        """One of the first rows that is as visible as row `number`: rows that are groups themselves, and have members,
        are among the first; all later ones are alike in turns."""
        return number if number < self.count else self.count + number % self.count

    def are_of_one_group(self, shape: Shape, person: int, number: int) -> bool:
        """Whether a screen's filter or guard lets row `number` through."""
        return shape.group is None or shape.group_of(number, self.count) == person % shape.groups


@dataclass(slots=True)
class Rows:
    """Which rows a table has: so that each is changed once in a run at most, and none after it was deleted."""

    next: int
    alive: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, count: int, first: int = 0) -> Rows:
        """A table that was filled with so many; those before the first stay as they are."""
        return cls(count, list(range(first, count)))

    def insert(self) -> int:
        """A new row; it can be changed from the next run on."""
        self.next += 1
        return self.next - 1

    def take(self, dice: random.Random) -> int | None:
        """Any that has not been taken in this run; None if there is none."""
        if not self.alive:
            return None
        place = dice.randrange(len(self.alive))
        self.alive[place], self.alive[-1] = self.alive[-1], self.alive[place]
        return self.alive.pop()


def write_script(
    usage: Usage, tables: Sequence[str], rows: Mapping[str, Rows], *, changes: int, seconds: float, seed: int
) -> list[Write]:
    """So many changes, spread over the time at random, the kinds and tables in the proportion of the usage."""
    dice = random.Random(seed)
    choices, weights = zip(*_weighted(usage, tables), strict=True)
    due = sorted(dice.uniform(0, seconds) for _ in range(changes))
    script, updated = [], []
    for moment, (table, kind) in zip(due, dice.choices(choices, weights, k=changes), strict=True):
        number = rows[table].insert() if kind is Kind.INSERT else rows[table].take(dice)
        if number is None:  # it has no rows left: the application would find none either
            kind, number = Kind.INSERT, rows[table].insert()
        if kind is not Kind.DELETE:
            updated.append((table, number))
        script.append(Write(moment, table, kind, number))
    for table, number in updated:
        rows[table].alive.append(number)
    return script


def _weighted(usage: Usage, tables: Sequence[str]) -> Iterator[tuple[tuple[str, Kind], float]]:
    """Each kind of each table, with its rate; where nothing happens at all, inserts."""
    silent = not any(usage.table(table).changes_per_s for table in tables)
    for table in tables:
        used = usage.table(table)
        yield (table, Kind.INSERT), 1.0 if silent else used.inserts_per_s
        yield (table, Kind.UPDATE), used.updates_per_s
        yield (table, Kind.DELETE), used.deletes_per_s


def shown_changes(seat: Seat, script: Sequence[Write], shapes: Mapping[str, Shape], persons: Persons) -> set[Write]:
    """What this screen makes use of, however it is subscribed."""
    wishes = [wish for stream in seat.screen.streams for wish in stream.wishes]
    return {write for write in script if any(_is_used(wish, seat, write, shapes, persons) for wish in wishes)}


def _is_used(wish: Wish, seat: Seat, write: Write, shapes: Mapping[str, Shape], persons: Persons) -> bool:
    if write.table != wish.table or write.kind not in wish.handles or not wish.asks_for(write.kind):
        return False
    if not _arrives(wish, seat, write, shapes[write.table], persons):
        return False
    # A handler cannot tell whose row was deleted, of which it gets the key only: it acts by the key.
    is_told = wish.guarded and write.kind is not Kind.DELETE
    return not is_told or persons.are_of_one_group(shapes[write.table], seat.person, write.number)


def expected_messages(
    seat: Seat,
    script: Sequence[Write],
    shapes: Mapping[str, Shape],
    persons: Persons,
    broadcast: Mapping[str, Collection[Kind]] | None = None,
) -> int:
    """How many messages the server sends to this screen.

    Args:
        broadcast: which changes of tables are broadcast: all of them come to everybody who listens to the topic.
    """
    told = broadcast or {}
    return sum(
        stream.copies * sum(_is_sent(stream, seat, write, shapes, persons, told) for write in script)
        for stream in seat.screen.streams
    )


def _is_sent(
    stream: Stream,
    seat: Seat,
    write: Write,
    shapes: Mapping[str, Shape],
    persons: Persons,
    broadcast: Mapping[str, Collection[Kind]],
) -> bool:
    """A change that several bindings of a channel match comes once."""
    return any(
        wish.table == write.table
        and (write.kind in broadcast.get(wish.table, ()) if wish.broadcast else wish.asks_for(write.kind))
        and _arrives(wish, seat, write, shapes[write.table], persons)
        for wish in stream.wishes
    )


def _arrives(wish: Wish, seat: Seat, write: Write, shape: Shape, persons: Persons) -> bool:
    of_one_group = persons.are_of_one_group(shape, seat.person, write.number)
    if wish.broadcast:  # the topic takes the place of filter and policy
        return of_one_group or not wish.filtered
    if write.kind is Kind.DELETE:  # policies are not asked, and a filter sees what the old row holds
        knows_group = shape.replica_identity == "full" or shape.group in shape.key
        return not wish.filtered or (knows_group and of_one_group)
    return (of_one_group or not wish.filtered) and persons.may_read(shape.name, seat.person, write.number)
