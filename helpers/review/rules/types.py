"""Rules about values that are something else in a payload than in Prisma's client."""

from __future__ import annotations

import re
from collections.abc import Iterator

from helpers.review.database.facts import ColumnFacts, TableFacts
from helpers.review.inventory import Comparison, FileFacts
from helpers.review.rules.reviewed import Reviewed
from helpers.review.rules.rule import Found, failure, warning
from helpers.review.rules.words import listed

__all__ = ["RULES"]

NUMBERS = "https://github.com/supabase/supabase-js/issues/1270"
#: What Prisma's client makes of a type, and what a payload has.
ARRIVES = {
    "BigInt": "a number",
    "Decimal": "a number",
    "DateTime": "a text",
    "Bytes": "a text of hexadecimal digits",
}
_PRISMA = re.compile(r"@prisma/client|(?:^|/)generated/(?:prisma|client)|(?:^|/)prisma/(?:client|generated)")
_BIG = re.compile(r"^\{?(?:-?\d+n\b|BigInt\()")
_DECIMAL = re.compile(r"^\{?(?:new )?(?:Prisma\.)?Decimal\(")


@failure(
    "Numbers are compared with numbers",
    NUMBERS,
    symptom="The handler never finds the row it looks for.",
    remedy="Compare numbers, or texts of both: `String(payload.new.id) === String(id)`.",
    verify="The comparison holds for the row itself",
    notes=(45,),
)
def bigint_compared(code: Reviewed) -> Iterator[Found]:
    """A payload is JSON: bigint and numeric columns arrive as numbers, which are never `===` to a BigInt or a Decimal;
    beyond 2^53 they are rounded as well."""
    for change in code.changes:
        for each in change.handler.comparisons:
            if each.operator in ("===", "!==") and _never_equal(each):
                name = f"payload.{each.side}.{each.column}"
                value = each.other.value.strip("{}")
                cause = f"{name} is a number and {value} is not: {each.operator} gives always the same"
                fix = f"String({name}) {each.operator} String({value})"
                yield Found(
                    each.place,
                    f"{name} {each.operator} {value}",
                    cause,
                    fix,
                    (change.binding.place,),
                    change.binding.place,
                )


def _never_equal(comparison: Comparison) -> bool:
    return bool(_BIG.search(comparison.other.value) or _DECIMAL.search(comparison.other.value))


@warning(
    "A payload's row is not Prisma's type",
    NUMBERS,
    symptom="Code that takes the row for Prisma's fails at run time: `toFixed`, `getTime`, `===` with a BigInt.",
    remedy="Give the row a type of its own with the columns' names and JSON's types, and convert it at one place.",
    verify="The converted row equals the one that Prisma reads",
    notes=(44, 45, 46),
)
def payload_as_model(code: Reviewed) -> Iterator[Found]:
    """A type assertion converts nothing. Prisma's types promise BigInt, Decimal, Date and bytes under the fields'
    names; the payload has numbers and texts under the columns'."""
    for change in code.changes:
        for cast in change.handler.casts:
            facts = _model(code, change.file, cast)
            strange = [each for each in facts.columns if _differs(each)] if facts is not None else []
            if facts is not None and strange:
                names = listed(f"{each.field or each.name} ({_how(each)})" for each in strange)
                cause = f"payload.new is said to be Prisma's {facts.model}, and differs in {names}"
                fix = f"type {facts.model}Row = {{ {'; '.join(_typed(each) for each in strange)}; … }}"
                related = tuple(each.place for each in strange if each.place is not None)
                yield Found(change.binding.place, f"cast to {cast} of Prisma's client", cause, fix, related)


def _model(code: Reviewed, file: FileFacts, cast: str) -> TableFacts | None:
    """The table behind a type, if the type is Prisma's."""
    names = set(re.findall(r"\w+", cast))  # `RealtimePostgresInsertPayload<Message>` says it too
    prisma = [each for each in file.imports if each.name in names and _PRISMA.search(each.module)]
    return code.of_model(prisma[0].imported) if prisma else None


def _differs(column: ColumnFacts) -> bool:
    return column.prisma_type in ARRIVES or bool(column.field and column.field != column.name)


def _how(column: ColumnFacts) -> str:
    named = f"is {column.name}" if column.field and column.field != column.name else ""
    typed = f"{column.prisma_type} is {ARRIVES[column.prisma_type]}" if column.prisma_type in ARRIVES else ""
    return ", ".join(part for part in (named, typed) if part)


def _typed(column: ColumnFacts) -> str:
    types = {"a number": "number", "a text": "string", "a text of hexadecimal digits": "string"}
    return f"{column.name}: {types.get(ARRIVES.get(column.prisma_type, ''), 'string')}"


RULES = (bigint_compared, payload_as_model)
