"""A row as Realtime sends it, as Prisma wants it: other names, other types.

Realtime speaks the database's language (column names, the enum's labels, ISO times with an offset, `numeric` as a JSON
number); Prisma speaks the application's. Whoever hands `payload.new` to `prisma.create` mixes the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from helpers.prisma.datamodel import Datamodel, Field, FieldKind, Model

__all__ = ["ConversionError", "Converter"]

#: Beyond these a double is no longer what the database holds (IEEE 754 binary64).
EXACT_INTEGERS = 2**53
EXACT_DIGITS = 15


class ConversionError(ValueError):
    """A value that has no exact counterpart: `column` and why. The row has to be read from the database instead."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Converter:
    """From a change's record to the `data` of a Prisma call.

    Attributes:
        model: whose table the record is a row of.
        enums: of the schema (`Datamodel.enums`).
        json: wraps a value for a field of type Json (`json_type(client)`).
    """

    model: Model
    enums: Mapping[str, Mapping[str, str]]
    json: Callable[[Any], Any]

    @classmethod
    def of(cls, datamodel: Datamodel, table: str, json: Callable[[Any], Any]) -> Converter:
        """The converter of a table."""
        return cls(datamodel.model_of_table(table), datamodel.enums, json)

    def data(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The record in Prisma's names and types; columns that the schema does not know are left out.

        Raises:
            ConversionError: a value cannot be converted without loss.
        """
        columns = self.model.columns
        return {
            columns[name].name: self._value(columns[name], value) for name, value in record.items() if name in columns
        }

    def key(self, record: Mapping[str, Any]) -> tuple[Any, ...]:
        """The primary key, for any record that holds it: an `old_record` too."""
        columns = {field.name: field for field in self.model.columns.values()}
        fields = [columns[name] for name in self.model.key]
        return tuple(self._value(field, record[field.column]) for field in fields)

    def is_complete(self, record: Mapping[str, Any]) -> bool:
        """Whether every column is there. Unchanged large values, and rows over 1 MiB, come without some."""
        return self.model.columns.keys() <= record.keys()

    def _value(self, field: Field, value: Any) -> Any:
        if value is None:
            return None
        if field.is_list:
            if not isinstance(value, list):
                raise ConversionError(field.column, f"not a list but {value!r}")
            return [self._one(field, item) for item in value]
        return self._one(field, value)

    def _one(self, field: Field, value: Any) -> Any:
        if field.kind is FieldKind.ENUM:
            return self._enum(field, value)
        if field.type == "Json":
            return self.json(value)
        convert = _SCALARS.get(field.type)
        return convert(field.column, value) if convert else value

    def _enum(self, field: Field, value: Any) -> str:
        try:
            return self.enums[field.type][value]
        except (KeyError, TypeError):
            raise ConversionError(field.column, f"{value!r} is no value of the enum {field.type}") from None


def _integer(column: str, value: Any) -> int:
    if isinstance(value, float) and (not value.is_integer() or abs(value) >= EXACT_INTEGERS):
        raise ConversionError(column, f"{value!r} has been a floating point number and may have lost digits")
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ConversionError(column, f"{value!r} is no integer") from None


def _decimal(column: str, value: Any) -> Decimal:
    if isinstance(value, float) and len(Decimal(repr(value)).as_tuple().digits) > EXACT_DIGITS:
        raise ConversionError(column, f"{value!r} has been a floating point number and may have lost digits")
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise ConversionError(column, f"{value!r} is no number") from None
    if not number.is_finite():
        raise ConversionError(column, f"Prisma's Decimal cannot hold {value!r}")
    return number


def _float(column: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ConversionError(column, f"{value!r} is no number") from None
    if not math.isfinite(number):
        raise ConversionError(column, f"Prisma's Float cannot hold {value!r}")
    return number


def _time(column: str, value: Any) -> datetime:
    """`timestamp` comes without an offset and is meant as UTC, as Prisma takes it; `date` comes without a time."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ConversionError(column, f"{value!r} is no time that Prisma can hold") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _text(column: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ConversionError(column, f"{value!r} is no text")
    return value


def _bytes(column: str, value: Any) -> Any:
    raise ConversionError(column, "Realtime sends bytes as hexadecimal text, and cut when the row is large")


_SCALARS: Mapping[str, Callable[[str, Any], Any]] = {
    "BigInt": _integer,
    "Int": _integer,
    "Decimal": _decimal,
    "Float": _float,
    "DateTime": _time,
    "String": _text,
    "Bytes": _bytes,
}
