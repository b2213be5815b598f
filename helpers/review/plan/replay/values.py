"""What stands in the rows of a lab's tables: values that are made from a row's number, and lead back to it."""

from __future__ import annotations

import re
import uuid
from typing import Any

from helpers.review.plan.replay.shapes import Column, Shape

__all__ = ["expression", "filter_value", "key_value", "number_of", "person_id", "plain_type"]

_TYPES = {
    "smallint": "bigint",
    "integer": "bigint",
    "int": "bigint",
    "int2": "bigint",
    "int4": "bigint",
    "int8": "bigint",
    "bigint": "bigint",
    "serial": "bigint",
    "bigserial": "bigint",
    "uuid": "uuid",
    "boolean": "boolean",
    "bool": "boolean",
    "numeric": "numeric",
    "decimal": "numeric",
    "real": "double precision",
    "float4": "double precision",
    "float8": "double precision",
    "double precision": "double precision",
    "timestamptz": "timestamptz",
    "timestamp with time zone": "timestamptz",
    "timestamp": "timestamp",
    "timestamp without time zone": "timestamp",
    "date": "date",
    "json": "json",
    "jsonb": "jsonb",
    "bytea": "bytea",
}

#: How the number of a row is called in SQL.
ROW = "numbers.n"

_ARGUMENTS = re.compile(r"\s*\([^)]*\)")
_UUID = "00000000-0000-4000-8000-{:012x}"


def plain_type(name: str) -> str:
    """A type that the lab has: the user's enums, domains and arrays are text there."""
    return _TYPES.get(_ARGUMENTS.sub("", name.strip().lower()), "text")


def person_id(number: int) -> str:
    """The `sub` of a user."""
    return str(uuid.UUID(_UUID.format(number + 1)))


def key_value(type_name: str, number: int) -> Any:
    """What the column that tells rows apart holds in row `number`."""
    kind = plain_type(type_name)
    return person_id(number) if kind == "uuid" else str(number + 1) if kind == "text" else number + 1


def number_of(type_name: str, value: Any) -> int | None:
    """The row of such a value; None if it is none of ours."""
    try:
        return (uuid.UUID(value).int & 0xFFFFFFFFFFFF if plain_type(type_name) == "uuid" else int(value)) - 1
    except (TypeError, ValueError, AttributeError):
        return None


def filter_value(type_name: str, group: int) -> str:
    """What stands for a group in a filter."""
    return str(key_value(type_name, group))


def expression(shape: Shape, column: Column, persons: int) -> str:
    """The SQL of a column's value in the row whose number is `ROW` (a bigint)."""
    kind = plain_type(column.type)
    if kind == "uuid" and column.name != shape.group and shape.memberships:
        return _keyed(kind, f"(case when {ROW} < {persons * shape.memberships} then {ROW} % {persons} else {ROW} end)")
    if column.name == shape.identity:
        return _keyed(kind, ROW)
    if column.name == shape.group:
        step = f" + {ROW} / {persons}" if shape.memberships else ""
        return _keyed(kind, f"(({ROW} % {persons}{step}) % {shape.groups})")
    if kind == "uuid":
        return _keyed(kind, ROW if column.name in shape.key else f"({ROW} % {persons})")
    return _filled(kind, column.size_bytes)


def _keyed(kind: str, number: str) -> str:
    if kind == "uuid":
        return f"('00000000-0000-4000-8000-' || lpad(to_hex({number} + 1), 12, '0'))::uuid"
    return f"({number} + 1)::{kind}"


def _filled(kind: str, size_bytes: int) -> str:
    text = f"left(repeat(md5({ROW}::text), {-(-size_bytes // 32)}), {size_bytes})"
    return {
        "text": text,
        "json": f"json_build_object('v', {text})",
        "jsonb": f"jsonb_build_object('v', {text})",
        "bytea": f"decode(repeat(md5({ROW}::text), {-(-size_bytes // 16)}), 'hex')",
        "boolean": f"({ROW} % 2 = 0)",
        "timestamptz": "now()",
        "timestamp": "now()::timestamp",
        "date": "current_date",
    }.get(kind, f"({ROW} % 1000)::{kind}")
