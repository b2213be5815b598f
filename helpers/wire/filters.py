"""The grammar of filters in `postgres_changes`.

    filter     = condition *( "," condition )            commas mean AND, there is no OR
    condition  = column "=" [ "not." ] operator "." value   white space around it is trimmed, none within
    value      = anything; inside double quotes or parentheses a comma does not separate
    value of in = "(" items ")"                           the items of a PostgreSQL array literal, at most 100
    value of is = "null" | "true" | "false" | "unknown"

Quotes open only after ".", "(" or ",", else they are characters like others.

The grammar is the server's (supabase/realtime, `subscriptions.ex`), its limits those of the database function
`realtime.subscription_check_filters`. The texts that the server would answer are from recordings of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from helpers.wire._text import encode_json

__all__ = [
    "MAX_IN_VALUES",
    "Condition",
    "FilterError",
    "Operator",
    "check_conditions",
    "parse_conditions",
    "parse_filter",
]

#: `subscription_check_filters.sql`: "too many values for `in` filter. Maximum 100"
MAX_IN_VALUES = 100

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ITEM = re.compile(r'(?:"(?:[^"\\]|\\.)*"|\\.|[^",\\])*', re.DOTALL)
_OPENS_QUOTES = frozenset(".(,")
#: What Unicode calls white space, which is what the server trims; Python's `strip` trims some controls too.
_WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))

_IS_VALUES = ("null", "true", "false", "unknown")


class Operator(StrEnum):
    """What a filter can ask of a column."""

    EQ = "eq"
    NEQ = "neq"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    IN = "in"
    LIKE = "like"
    ILIKE = "ilike"
    IS = "is"
    MATCH = "match"
    IMATCH = "imatch"
    ISDISTINCT = "isdistinct"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a filter.

    Attributes:
        column: may be empty or unknown: only the database looks at it.
        operator: without ``not.``.
        value: as text; for `in` a PostgreSQL array literal, which holds the filter's items as they were written.
        negated: whether the filter says ``not.``.
    """

    column: str
    operator: Operator
    value: str
    negated: bool = False

    @property
    def items(self) -> tuple[str, ...]:
        """The values of an `in`, as far as they can be told without a database; for other operators the value."""
        if self.operator is not Operator.IN:
            return (self.value,)
        inner = self.value[1:-1]
        if not inner.strip():
            return ()
        return tuple(_unquoted(item.strip()) for item in _items(inner))


class FilterError(ValueError):
    """A filter that the server will not take.

    Attributes:
        message: what is wrong with it and how it is written right.
        server_says: the words of the server about it: of its parser after ``Error parsing `filter` params: ``, or of
            its database.
    """

    def __init__(self, message: str, server_says: str) -> None:
        super().__init__(message)
        self.message = message
        self.server_says = server_says


def parse_filter(text: str) -> tuple[Condition, ...]:
    """The conditions of a filter, all of which must hold; none for an empty text.

    Raises:
        FilterError: the grammar or the limits forbid it. Whether the column exists and the value fits its type only
            the database knows.
    """
    conditions = parse_conditions(text)
    check_conditions(conditions)
    return conditions


def parse_conditions(text: str) -> tuple[Condition, ...]:
    """As `parse_filter`, without the limits: what the server's parser takes before the database looks at it."""
    trimmed = text.strip(_WHITE_SPACE)
    if not trimmed:
        return ()
    return tuple(_condition(segment.strip(_WHITE_SPACE), text) for segment in _split(trimmed))


def check_conditions(conditions: tuple[Condition, ...]) -> None:
    """The limits that the database sets.

    Raises:
        FilterError: more than 100 values of `in`, or an `is` of something else than null, true, false, unknown.
    """
    for condition in conditions:
        if condition.operator is Operator.IN and len(condition.items) > MAX_IN_VALUES:
            raise FilterError(
                f"the filter on {condition.column!r} lists {len(condition.items)} values; `in` takes at most "
                f"{MAX_IN_VALUES}: split the subscription, or filter on a column that groups the rows",
                f"too many values for `in` filter. Maximum {MAX_IN_VALUES}",
            )
        if condition.operator is Operator.IS and condition.value not in _IS_VALUES:
            raise FilterError(
                f"the filter on {condition.column!r} asks `is.{condition.value}`; `is` compares only with "
                f"{', '.join(_IS_VALUES)}: write `eq.{condition.value}` for any other value",
                "invalid value for is filter: must be null, true, false, or unknown",
            )


def _condition(segment: str, text: str) -> Condition:
    if not segment:
        raise FilterError(
            f"the filter {text!r} has an empty condition: remove the extra comma",
            "filter must not contain empty segments (check for extra commas)",
        )
    column, equals, rest = segment.partition("=")
    if not equals:
        raise FilterError(
            f"the filter {segment!r} has no column and `=`: write it as column=operator.value, for example "
            "room_id=eq.123 (in JavaScript, an undefined variable becomes the text 'undefined')",
            _listed(segment),
        )
    negated = rest.startswith("not.")
    asked = rest.removeprefix("not.")
    name, dot, value = asked.partition(".")
    if not dot or name not in Operator.__members__.values():
        raise FilterError(_unknown_operator(column, name), _listed(*asked.split(".", 1)))
    operator = Operator(name)
    return Condition(column, operator, _value(column, operator, value), negated)


def _unknown_operator(column: str, name: str) -> str:
    if name in Operator.__members__.values():
        return f"the filter on {column!r} has no value: write {column}={name}.value"
    known = ", ".join(Operator)
    return f"the filter on {column!r} has no operator {name!r}: the operators are {known}, each with `not.` before it"


def _value(column: str, operator: Operator, value: str) -> str:
    if operator is not Operator.IN:
        return _unquoted(value)
    if not (value.startswith("(") and value.endswith(")")) or len(value) < 2:
        raise FilterError(
            f"the values of `in` on {column!r} are not in parentheses: write {column}=in.(1,2,3)",
            "`in` filter value must be wrapped by parentheses",
        )
    return "{" + value[1:-1] + "}"


def _unquoted(value: str) -> str:
    """What stands between quotes that open with the value and close with it; else the value as it is."""
    quoted = _QUOTED.fullmatch(value)
    return _ESCAPED.sub(r"\1", quoted[1]) if quoted else value


def _items(text: str) -> Iterator[str]:
    """The items of an array literal, between commas outside of quotes."""
    position = 0
    while position <= len(text):
        item = _ITEM.match(text, position)
        if item is None or text[item.end() : item.end() + 1] not in ("", ","):
            yield text[position:]  # no array; the database will say so
            return
        yield item[0]
        position = item.end() + 1


def _listed(*parts: str) -> str:
    """As Elixir prints a list of strings."""
    return "[" + ", ".join(encode_json(part).decode() for part in parts) + "]"


def _split(text: str) -> Iterator[str]:
    """The parts between the commas that stand neither in double quotes nor in parentheses."""
    start, depth, quoted, before, position = 0, 0, False, "", 0
    while position < len(text):
        char = text[position]
        if quoted:
            quoted = char != '"'
            position += char == "\\"  # whatever comes next is no end of the quotes
        elif char == '"':
            quoted = before in _OPENS_QUOTES
        elif char in "()":
            depth = max(0, depth + (1 if char == "(" else -1))
        elif char == "," and not depth:
            yield text[start:position]
            start, char = position + 1, ""
        before = char
        position += 1
    yield text[start:]
