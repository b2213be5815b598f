"""Calls that read or write a database: `supabase.from(…)` and Prisma's client."""

from __future__ import annotations

import re

from tree_sitter import Node

from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.objects import object_node
from helpers.review.code.scripts.standing import where
from helpers.review.code.scripts.syntax import arguments, chain_above, literal_string, method_call, properties, text
from helpers.review.code.scripts.values import evaluate
from helpers.review.inventory import PrismaCall, TableCall, Text, Where

__all__ = ["PRISMA_READS", "prisma_call", "table_call"]

_VERBS = frozenset({"select", "insert", "update", "upsert", "delete"})
_CONDITIONS = frozenset({"eq", "neq", "gt", "gte", "lt", "lte", "in", "is", "like", "ilike", "contains", "match"})
PRISMA_READS = frozenset(
    {
        "findMany",
        "findFirst",
        "findUnique",
        "findFirstOrThrow",
        "findUniqueOrThrow",
        "count",
        "aggregate",
        "groupBy",
    }
)
_PRISMA_WRITES = frozenset(
    {"create", "createMany", "createManyAndReturn", "update", "updateMany", "upsert", "delete", "deleteMany"}
)
#: Method names that nothing but Prisma has, so that the client may have any name.
_PRISMA_ONLY = frozenset(
    {"findMany", "findUnique", "findUniqueOrThrow", "findFirstOrThrow", "createMany", "updateMany"}
)
_PRISMA = re.compile(r"(?i)prisma|^(ctx\.|this\.)?_?(db|tx|trx)$")


def table_call(module: Module, call: Node, *, standing: bool = True) -> TableCall | None:
    """`from('messages')` with what is chained onto it; None for other calls.

    Args:
        standing: whether to find out in what it stands.
    """
    owner, given = method_call(call), arguments(call)
    if owner is None or owner[1] != "from" or len(given) != 1 or text(owner[0]).endswith("storage"):
        return None
    chain = list(chain_above(call))
    verb = next((name for name, _ in chain if name in _VERBS), None)
    if verb is None:
        return None
    return TableCall(
        evaluate(module, given[0]),
        _strongest([name for name, _ in chain]) or verb,
        module.place(call),
        where(module, call) if standing else Where(),
        tuple(condition for name, link in chain for condition in _condition(module, name, link)),
        next((_selected(module, link) for name, link in chain if name == "select"), None),
    )


def _strongest(names: list[str]) -> str | None:
    """What a chain does: `insert(…).select()` inserts."""
    writes = [name for name in names if name in _VERBS and name != "select"]
    return writes[0] if writes else None


def _selected(module: Module, call: Node) -> Text | None:
    given = arguments(call)
    return evaluate(module, given[0]) if given else None


def _condition(module: Module, name: str, call: Node) -> list[tuple[str, str, Text]]:
    given = arguments(call)
    if name not in _CONDITIONS:
        return []
    if name == "match" and given:
        return [(key, "eq", evaluate(module, value)) for key, value in properties(object_node(module, given[0]))]
    column = literal_string(given[0]) if given else None
    return [(column, name, evaluate(module, given[1]))] if column is not None and len(given) > 1 else []


def prisma_call(module: Module, call: Node, *, standing: bool = True) -> PrismaCall | None:
    """`prisma.message.findMany(…)`; None for other calls."""
    owner = method_call(call)
    if owner is None or owner[1] not in PRISMA_READS | _PRISMA_WRITES:
        return None
    model = owner[0]
    if model.type != "member_expression":
        return None
    client, name = text(model).rpartition(".")[::2]
    if not _PRISMA.search(client) and owner[1] not in _PRISMA_ONLY:
        return None
    return PrismaCall(
        name, owner[1], module.place(call), where(module, call) if standing else Where(), _where_fields(module, call)
    )


def _where_fields(module: Module, call: Node) -> tuple[str, ...]:
    given = arguments(call)
    options = object_node(module, given[0]) if given else None
    found = next((value for key, value in properties(options) if key == "where"), None)
    return tuple(key for key, _ in properties(object_node(module, found)))
