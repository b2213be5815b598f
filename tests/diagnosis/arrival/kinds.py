"""The types of columns that are generated, with values of each: as SQL text, and as JSON holds it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["ALICE", "BOB", "KEYS", "KINDS", "TYPES", "Kind", "Value", "pick"]

ALICE = "11111111-1111-4111-8111-111111111111"
BOB = "22222222-2222-4222-8222-222222222222"

#: Types of their own, made once in the schema that is on the path of none.
TYPES = """
create type arrival."Mood" as enum ('sad', 'it''s ok', 'HAPPY');
create domain arrival.small as int check (value < 1000);
create domain arrival.label as text;
"""


@dataclass(frozen=True, slots=True)
class Value:
    """One value: `sql` as text for the column's type, `json` as JSON holds it; None for both is null."""

    sql: str | None
    json: Any


@dataclass(frozen=True, slots=True)
class Kind:
    """A column's type. `literals` are values of filters, good and bad ones."""

    sql: str
    values: tuple[Value, ...]
    literals: tuple[str, ...]


def _plain(sql: str, values: list[Any], *literals: str) -> Kind:
    return Kind(sql, tuple(Value(str(value), value) for value in values), (*map(str, values), *literals))


KINDS: tuple[Kind, ...] = (
    _plain("int2", [0, -5, 7], "8", "x"),
    _plain("int4", [0, 1, 5], " 5 ", "1.5"),
    _plain("int8", [1, 9007199254740993, -9223372036854775808], "2"),
    Kind("numeric", (Value("1.50", "1.50"), Value("NaN", "NaN"), Value("-0.001", -0.001)), ("1.5", "NaN", "0", "a")),
    Kind("numeric(6,2)", (Value("3.14159", 3.14159), Value("10", 10)), ("3.14", "10.00")),
    Kind("float8", (Value("1.5", 1.5), Value("-0", -0.0), Value("1e300", 1e300), Value("NaN", "NaN")), ("1.5", "0")),
    _plain("text", ["a", "A", "", "a,b", 'q"', "é\u2603", "back\\slash"], '"a,b"', "%a%", "null"),
    _plain("varchar(12)", ["x", "X y", "it's"], "x", "toolongforthiscolumn"),
    Kind("bool", (Value("t", True), Value("false", False)), ("true", "f", "1", "maybe")),
    _plain("uuid", [ALICE, BOB], ALICE.upper(), "1111"),
    _plain("timestamptz", ["2024-01-02 03:04:05.678+02", "infinity"], "2024-01-02T01:04:05.678Z", "yesterdays"),
    _plain("timestamp", ["2024-01-02 03:04:05", "0044-03-15 00:00:00 BC"], "2024-01-02T03:04:05"),
    _plain("date", ["2024-02-29", "1999-12-31"], "20240229", "2024-02-30"),
    _plain("time", ["03:04:05.5"], "03:04:05.50"),
    _plain("interval", ["1 day 02:00:00"], "26 hours"),
    Kind(
        "json",
        (Value('{"b": 1, "a": 2, "b": 3}', {"b": 3, "a": 2}), Value("[1, 2.50]", [1, 2.5])),
        ('{"a":1}', "1"),
    ),
    Kind(
        "jsonb",
        (Value('{"a": 1}', {"a": 1}), Value('"text"', "text"), Value("[1]", [1]), Value("5", 5)),
        ('{"a": 1}', "[1]", "text", "5"),
    ),
    Kind("int4[]", (Value("{1,NULL,3}", [1, None, 3]), Value("{}", [])), ("{1}", "{1,NULL,3}", "1")),
    Kind("text[]", (Value('{a,"b c",NULL}', ["a", "b c", None]),), ("{a}",)),
    _plain('arrival."Mood"', ["sad", "it's ok", "HAPPY"], "happy", "sad"),
    _plain("arrival.small", [3, 999], "3", "1000"),
    _plain("arrival.label", ["a", "b"], "a"),
    _plain("bytea", ["\\xdead", "\\x"], "dead", "\\xde", "\\xzz"),
    _plain("inet", ["10.0.0.1", "10.0.0.0/8"], "10.0.0.1/32"),
    _plain("int4range", ["[1,5)"], "[1,4]"),
)

#: Types of primary keys, each with a way to make the n-th value.
KEYS: dict[str, Callable[[int], Value]] = {
    "int8": lambda number: Value(str(number), number),
    "int4": lambda number: Value(str(-number), -number),
    "uuid": lambda number: Value(f"00000000-0000-4000-8000-{number:012d}", f"00000000-0000-4000-8000-{number:012d}"),
    "text": lambda number: Value(f"k'{number}\"é", f"k'{number}\"é"),
    "numeric": lambda number: Value(f"{number}.50", f"{number}.50"),
    "timestamptz": lambda number: Value(_moment(number), _moment(number)),
    "bytea": lambda number: Value(f"\\x{number:06x}", f"\\x{number:06x}"),
    "date": lambda number: Value(f"{2000 + number:04d}-01-01", f"{2000 + number:04d}-01-01"),
}


def _moment(number: int) -> str:
    return f"2024-01-01 {number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}+00"


def pick(rng: random.Random, kind: Kind) -> Value:
    """A value of a column, null now and then."""
    return Value(None, None) if rng.random() < 0.15 else rng.choice(kind.values)
