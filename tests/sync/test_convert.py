"""From a Realtime payload to Prisma's data."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.prisma.datamodel import parse_datamodel
from helpers.sync import ConversionError, Converter

SCHEMA = """
enum Kind {
  TEXT  @map("text")
  OFFER @map("offer")
}
model Row {
  id     BigInt   @id
  roomId BigInt   @map("room_id")
  count  Int?
  price  Decimal? @db.Decimal(20, 6)
  weight Decimal?
  share  Decimal? @db.Decimal(15, 15)
  ratio  Float?
  kind   Kind?
  meta   Json?
  blob   Bytes?
  open   Boolean?
  clock  DateTime? @db.Time(3)
  tags   String[]
  at     DateTime? @map("at_time")
  room   Row?     @relation(fields: [roomId], references: [id])
  @@map("rows")
}
"""


@pytest.fixture(scope="module")
def rows() -> Converter:
    return Converter.of(parse_datamodel(SCHEMA), "rows", lambda value: ("json", value))


def test_names_and_types_become_prismas(rows: Converter) -> None:
    """Columns become fields, labels of an enum its names, ISO times moments in UTC; unknown columns are left out."""
    record = {
        "id": 2**53 + 1, "room_id": 5, "kind": "offer", "meta": {"a": [1]}, "price": Decimal("1.50"), "tags": ["a"],
        "at_time": "2026-11-22T10:00:00.12+00:00", "added_later": 1,
    }  # fmt: skip
    assert rows.data(record) == {
        "id": 2**53 + 1, "roomId": 5, "kind": "OFFER", "meta": ("json", {"a": [1]}), "price": Decimal("1.50"),
        "tags": ["a"], "at": datetime(2026, 11, 22, 10, 0, 0, 120_000, tzinfo=UTC),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T10:00:00+00:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00.123456+00:00", datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-22T10:00:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T12:00:00+02:00", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
    ],
)
def test_every_form_of_time_is_understood(rows: Converter, text: str, moment: datetime) -> None:
    """timestamptz has an offset, timestamp has none and is UTC, date has no time."""
    assert rows.data({"at_time": text}) == {"at": moment}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", float(2**53)),
        ("id", 1.5),
        ("id", "one"),
        ("price", 12345678901234.123456),
        ("price", 10000000000000.0),  # of which 10000000000000.000001 is the double, too
        ("weight", 0.5),  # of which 0.50000000000000000001 is the double, too
        ("price", "NaN"),
        ("ratio", float("inf")),
        ("kind", "video"),
        ("kind", ["text"]),
        ("blob", "00f"),
        ("blob", "\\x0g"),
        ("blob", 7),
        ("meta", {"a": [Decimal("0.12345678901234567890")]}),
        ("meta", Decimal("1e400")),
        ("open", "yes"),
        ("clock", "24:00:00"),
        ("tags", "{a,b}"),
        ("at_time", "infinity"),
        ("at_time", "0044-03-15 BC"),
    ],
)
def test_what_cannot_be_converted_without_loss_is_refused(rows: Converter, column: str, value: Any) -> None:
    """With the column's name, so that the row can be read from the database instead."""
    with pytest.raises(ConversionError) as caught:
        rows.data({column: value})
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("column", "value"), [("price", 0.1), ("price", 19.99), ("price", -123456789.123456), ("share", 0.123456789012345)]
)
def test_a_float_is_a_decimal_where_the_column_has_no_room_for_another_one(
    rows: Converter, column: str, value: float
) -> None:
    """Fifteen digits survive a double."""
    assert rows.data({column: value}) == {column: Decimal(str(value))}


@given(st.integers(-(10**20) + 1, 10**20 - 1))
def test_a_float_is_refused_or_exact(rows: Converter, millionths: int) -> None:
    """Whatever a column of 20 digits holds, as any client that reads JSON numbers as doubles gets it."""
    price = Decimal(millionths).scaleb(-6)
    with contextlib.suppress(ConversionError):
        assert rows.data({"price": float(price)}) == {"price": price}


@pytest.mark.parametrize("told", ["00ff", "\\x00ff"])
def test_bytes_are_read_from_either_way_of_telling_them(rows: Converter, told: str) -> None:
    """A change log writes them as PostgreSQL does, Realtime without the sign before them."""
    assert rows.data({"blob": told}) == {"blob": "AP8="}


def test_numbers_in_json_are_as_prisma_writes_them(rows: Converter) -> None:
    """A change log tells them as decimals, which JSON has no word for."""
    assert rows.data({"meta": {"a": [Decimal("0.1"), 1]}}) == {"meta": ("json", {"a": [0.1, 1]})}


def test_a_time_of_day_is_one_of_1970(rows: Converter) -> None:
    """As Prisma reads it."""
    assert rows.data({"clock": "10:00:00.5"}) == {"clock": datetime(1970, 1, 1, 10, 0, 0, 500_000, tzinfo=UTC)}


def test_null_stays_null(rows: Converter) -> None:
    """Also for an enum, JSON and time."""
    empty = {"price": None, "kind": None, "meta": None, "at_time": None}
    assert rows.data(empty) == {"price": None, "kind": None, "meta": None, "at": None}


def test_the_key_is_read_from_old_records_too(rows: Converter) -> None:
    """A delete tells the primary key only."""
    assert rows.key({"id": 7}) == (7,)
    with pytest.raises(KeyError):
        rows.key({})


def test_missing_columns_are_noticed(rows: Converter) -> None:
    """Large values that did not change are not sent."""
    complete = dict.fromkeys(rows.model.columns)
    assert rows.is_complete(complete)
    del complete["meta"]
    assert not rows.is_complete(complete)
