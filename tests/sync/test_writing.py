"""One bad row, a database that is away, a table that is missing: what becomes of a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.errors import ConnectionFailed, RunError
from helpers.sync import BatchWriter, Failure, failure_of

#: A key and a value; negative values are bad rows.
Row = tuple[int, int]


class Table:
    """All or none of a batch, as a transaction."""

    def __init__(self, away: int = 0) -> None:
        self.rows: dict[int, list[int]] = {}
        self.transactions = 0
        self.away = away

    async def write(self, items: Sequence[Row]) -> None:
        self.transactions += 1
        if self.away:
            self.away -= 1
            raise ConnectionFailed("writing", "the server is away", "Wait")
        if any(value < 0 for _, value in items):
            raise ValueError("a bad row")
        for key, value in items:
            self.rows.setdefault(key, []).append(value)


def writer_of(table: Table, most_set_aside: int = 1_000) -> BatchWriter[Row]:
    return BatchWriter(table.write, key=lambda item: item[0], most_set_aside=most_set_aside)


async def test_a_bad_row_is_found_and_set_aside_with_its_reason() -> None:
    """All others are written, in a number of transactions that grows with the logarithm of the batch."""
    table = Table()
    writer = writer_of(table)
    await writer([(n, -1 if n == 617 else n) for n in range(1_000)])
    assert set(table.rows) == set(range(1_000)) - {617}
    [bad] = writer.set_aside.values()
    assert (bad.item, bad.reason) == ((617, -1), "ValueError: a bad row")
    assert table.transactions <= 2 * math.ceil(math.log2(1_000)) + 1


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-5, 40)), max_size=60))
async def test_everything_good_is_written_once_in_the_order_of_its_key(items: list[Row]) -> None:
    """Wherever the bad ones stand, and however many there are; the latest bad one of a key stays unless mended."""
    table = Table()
    writer = writer_of(table)
    await writer(items)
    keys = {key for key, _ in items}
    good = {key: [value for one, value in items if one == key and value >= 0] for key in keys}
    assert table.rows == {key: values for key, values in good.items() if values}
    last = dict(items)
    assert set(writer.set_aside) == {key for key in keys if last[key] < 0}


async def test_a_later_change_of_its_row_mends_what_was_set_aside() -> None:
    """It brings the whole row."""
    writer = writer_of(Table())
    await writer([(1, -1)])
    assert set(writer.set_aside) == {1}
    await writer([(1, 5)])
    assert (writer.set_aside, writer.mended) == ({}, 1)


async def test_a_database_that_is_away_is_asked_again() -> None:
    """With the whole batch: nothing is set aside for that."""
    table = Table(away=3)
    writer = writer_of(table)
    await writer([(1, 1), (2, 2)])
    assert (table.rows, writer.retried, writer.set_aside) == ({1: [1], 2: [2]}, 3, {})
    assert writer.errors == {"ConnectionFailed": 3}


async def test_patience_ends() -> None:
    """With advice, and nothing set aside: it is nobody's row."""
    table = Table(away=10**9)
    writer: BatchWriter[Row] = BatchWriter(table.write, patience_s=0.1)
    with pytest.raises(RunError, match="the server is away"):
        await writer([(1, 1)])
    assert writer.set_aside == {}


async def test_when_no_row_fits_it_is_not_a_matter_of_rows() -> None:
    """Setting aside has a bound."""
    writer = writer_of(Table(), most_set_aside=10)
    with pytest.raises(RunError, match="11 rows could not be written"):
        await writer([(n, -1) for n in range(100)])


class RefusedError(Exception):
    """By PostgreSQL, in a raw statement of Prisma's."""

    def __init__(self, state: str, message: str) -> None:
        super().__init__(message)
        self.code, self.meta = "P2010", {"code": state, "message": message}


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (TimeoutError(), Failure.PASSING),
        (ConnectionResetError(), Failure.PASSING),
        (Exception("ERROR: deadlock detected"), Failure.PASSING),
        (RunError("a", "b", "c"), Failure.LASTING),
        (ValueError("body: no text"), Failure.ROW),
        (KeyError("id"), Failure.ROW),
        (RefusedError("22P02", "invalid input syntax for type uuid"), Failure.ROW),
        (RefusedError("42501", 'new row violates row-level security policy for table "copy"'), Failure.ROW),
        (RefusedError("42501", "permission denied for table copy"), Failure.LASTING),
        (RefusedError("42P01", 'relation "copy" does not exist'), Failure.LASTING),
    ],
)
def test_failures_are_told_apart(error: Exception, failure: Failure) -> None:
    """What to do depends on it."""
    assert failure_of(error) is failure
