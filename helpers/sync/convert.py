"""A row as Realtime or a change log tells it, as Prisma wants it: other names, other types.

Both speak the database's language: column names, the enum's labels, ISO times with any offset, `numeric` as a JSON
number, bytes in hexadecimal (a log with ``\\x`` before them, Realtime without). Prisma speaks the application's.
Whoever hands `payload.new` to `prisma.create` mixes the two.

A change tells more than Prisma keeps of a row that it reads or creates: of times it keeps milliseconds, of a Float 16
digits (of the 17 that tell every double from its like), and a list that is NULL it reads as an empty one. Here only
that list becomes empty, so that `PrismaTable` writes all of the rest, but for rows that it has to read again.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import cached_property, partial
from typing import Any

from helpers.prisma.datamodel import Datamodel, Field, FieldKind, Model

__all__ = ["ConversionError", "Converter"]

#: Beyond these a double is no longer what the database holds (IEEE 754 binary64: decimal numbers of 15 digits differ as
#: doubles, those of 16 not always).
EXACT_INTEGERS = 2**53
EXACT_DIGITS = 15

#: ``@db.Decimal(20, 6)``: so many digits, of which so many after the point.
_DECIMAL = re.compile(r"Decimal\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")


Conversion = Callable[[Any], Any]


class ConversionError(ValueError):
    """A value that has no exact counterpart: `column` and why. The row has to be read from the database instead."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column
        self.reason = reason


@dataclass(frozen=True)
class Converter:
    """From a change's record to the `data` of a Prisma call.

    Attributes:
        model: whose table the record is a row of.
        enums: of the schema (`Datamodel.enums`).
        json: wraps a value for a field of type Json (`json_type(client)`).
    """

    model: Model
    enums: Mapping[str, Mapping[str, str]]
    json: Conversion

    @classmethod
    def of(cls, datamodel: Datamodel, table: str, json: Conversion) -> Converter:
        """The converter of a table."""
        return cls(datamodel.model_of_table(table), datamodel.enums, json)

    @cached_property
    def key_columns(self) -> tuple[str, ...]:
        """Of the primary key, in the order of the schema."""
        return tuple(field.column for field in self.model.key_fields)

    def data(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The record in Prisma's names and types; columns that the schema does not know are left out.

        Raises:
            ConversionError: a value cannot be converted without loss.
        """
        fields = self._fields
        return {fields[column][0]: fields[column][1](value) for column, value in record.items() if column in fields}

    def key(self, record: Mapping[str, Any]) -> tuple[Any, ...]:
        """The primary key, for any record that holds it: an `old_record` too."""
        return self.key_data([record[column] for column in self.key_columns])

    def key_data(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The primary key in Prisma's types, from its values in the order of `key_columns`: an item's `key`."""
        return tuple([convert(value) for convert, value in zip(self._key, values, strict=True)])

    def of_row(self, row: Any) -> dict[str, Any]:
        """A row that Prisma has read, as the `data` of another call."""
        fields = self.model.columns.values()
        return {field.name: self._again(field, getattr(row, field.name)) for field in fields}

    def is_complete(self, record: Mapping[str, Any]) -> bool:
        """Whether every column is there. Unchanged large values, and rows over 1 MiB, come without some."""
        return self.model.columns.keys() <= record.keys()

    @cached_property
    def _fields(self) -> dict[str, tuple[str, Conversion]]:
        """Column -> name of the field, and how its values are converted: found out once, not for each value."""
        return {column: (field.name, self._conversion(field)) for column, field in self.model.columns.items()}

    @cached_property
    def _key(self) -> tuple[Conversion, ...]:
        return tuple(self._fields[column][1] for column in self.key_columns)

    def _again(self, field: Field, value: Any) -> Any:
        if field.type != "Json" or (value is None and field.is_optional):
            return value
        return [self.json(item) for item in value] if field.is_list else self.json(value)

    def _conversion(self, field: Field) -> Conversion:
        one = self._conversion_of_one(field)
        if field.is_list:
            return partial(_list, field.column, one)
        if field.type == "Json" and not field.is_optional:
            return one  # the column cannot be NULL, so that None is JSON's own null
        return lambda value: None if value is None else one(value)

    def _conversion_of_one(self, field: Field) -> Conversion:
        if field.kind is FieldKind.ENUM:
            return partial(_name, field, self.enums[field.type])
        if field.type == "Json":
            return lambda value: self.json(_plain(field.column, value))
        if field.type == "Decimal":
            return partial(_decimal, field)
        if field.is_time_of_day:
            return partial(_time_of_day, field.column)
        return partial(_SCALARS.get(field.type, _as_it_is), field.column)


def _list(column: str, one: Conversion, values: Any) -> list[Any]:
    if values is None:
        return []
    if not isinstance(values, list):
        raise ConversionError(column, f"not a list but {values!r}")
    return [one(value) for value in values]


def _name(field: Field, names: Mapping[str, str], label: Any) -> str:
    """Of an enum's value in the application."""
    try:
        return names[label]
    except (KeyError, TypeError):
        raise ConversionError(field.column, f"{label!r} is no value of the enum {field.type}") from None


def _as_it_is(_: str, value: Any) -> Any:
    return value


def _integer(column: str, value: Any) -> int:
    if isinstance(value, float) and (not value.is_integer() or abs(value) >= EXACT_INTEGERS):
        raise ConversionError(column, f"{value!r} has been a floating point number and may have lost digits")
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ConversionError(column, f"{value!r} is no integer") from None


def _decimal(field: Field, value: Any) -> Decimal:
    if isinstance(value, float) and not _is_exact(field.native, value):
        raise ConversionError(field.column, f"{value!r} has been a floating point number and may have lost digits")
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise ConversionError(field.column, f"{value!r} is no number") from None
    if not number.is_finite():
        raise ConversionError(field.column, f"Prisma's Decimal cannot hold {value!r}")
    return number


def _is_exact(native: str, value: float) -> bool:
    """Whether the column can hold one number only of which this is the double. The digits of the double itself tell
    nothing of those that it has lost: 12345678.1000000000001 arrives as 12345678.1."""
    found = _DECIMAL.fullmatch(native)
    if found is None or not math.isfinite(value):
        return False
    precision, scale = int(found[1]), int(found[2] or 0)
    return precision <= EXACT_DIGITS or abs(value) < 10.0 ** (EXACT_DIGITS - scale)


def _float(column: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ConversionError(column, f"{value!r} is no number") from None
    if not math.isfinite(number):
        raise ConversionError(column, f"Prisma's Float cannot hold {value!r}")
    return number


def _truth(column: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConversionError(column, f"{value!r} is neither true nor false")
    return value


def _time(column: str, value: Any) -> datetime:
    """`timestamp` comes without an offset and is meant as UTC, as Prisma takes it; `date` comes without a time."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ConversionError(column, f"{value!r} is no time that Prisma can hold") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _time_of_day(column: str, value: Any) -> datetime:
    """Prisma takes `time` as one of the first day of 1970, in UTC."""
    try:
        moment = datetime.combine(date(1970, 1, 1), time.fromisoformat(value))
    except (TypeError, ValueError):
        raise ConversionError(column, f"{value!r} is no time of a day that Prisma can hold") from None
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return utc.replace(year=1970, month=1, day=1)


def _text(column: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ConversionError(column, f"{value!r} is no text")
    return value


def _bytes(column: str, value: Any) -> str:
    """Prisma's Bytes are base64."""
    try:
        return base64.b64encode(bytes.fromhex(value.removeprefix("\\x"))).decode("ascii")
    except (AttributeError, ValueError):
        raise ConversionError(column, f"{value!r} is not hexadecimal") from None


def _plain(column: str, value: Any) -> Any:
    """A JSON value without `Decimal`: Prisma's client reads and writes numbers with a fraction as doubles."""
    if isinstance(value, dict):
        return {name: _plain(column, item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(column, item) for item in value]
    if not isinstance(value, Decimal):
        return value
    number = float(value)
    if not math.isfinite(number) or Decimal(repr(number)) != value:
        raise ConversionError(column, f"no double holds the number {value} in it")
    return number


_SCALARS: Mapping[str, Callable[[str, Any], Any]] = {
    "BigInt": _integer,
    "Int": _integer,
    "Float": _float,
    "DateTime": _time,
    "String": _text,
    "Bytes": _bytes,
    "Boolean": _truth,
}
