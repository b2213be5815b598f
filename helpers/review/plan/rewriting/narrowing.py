"""Asking for less: a filter, one event, fewer columns."""

from __future__ import annotations

from tree_sitter import Node

from helpers.review.database.facts import DatabaseFacts, TableFacts
from helpers.review.inventory import Binding, Comparison
from helpers.review.plan.replay.values import plain_type
from helpers.review.plan.rewriting.edits import Edit
from helpers.review.plan.rewriting.names import declaration, type_of, walk
from helpers.review.plan.rewriting.objects import object_at, property_of, set_property
from helpers.review.plan.rewriting.refused import Refused
from helpers.review.plan.rewriting.scripts import Script

__all__ = ["event_edit", "filter_edit", "select_edit", "selected_columns"]

#: How values of a column come in JSON, by the types of the database whose values cannot disturb a filter.
_JSON = {"bigint": "number", "uuid": "string"}
_LARGE = ("text", "json", "jsonb", "bytea")
_EVENTS = ("INSERT", "UPDATE", "DELETE")


def filter_edit(script: Script, binding: Binding, comparison: Comparison, database: DatabaseFacts) -> Edit:
    """Asks the server for the rows that the handler lets through.

    Raises:
        Refused: the server might send others.
    """
    options = _options(script, binding)
    if binding.filter is not None:
        raise Refused("the subscription has a filter already, to which a condition would have to be added")
    if binding.handler is not None and binding.handler.name:
        raise Refused("the handler is declared elsewhere, where its names may mean something else")
    value = _other_side(script, comparison)
    _check_fixed(script, value, options)
    _check_type(script, value, comparison, _table(binding, database))
    source = script.source(value)
    quote = script.style.quote
    if value.type in ("string", "number"):
        return set_property(
            script, options, "filter", f"{quote}{comparison.column}=eq.{source.strip(chr(39) + chr(34))}{quote}"
        )
    return set_property(script, options, "filter", f"`{comparison.column}=eq.${{{source}}}`")


def event_edit(script: Script, binding: Binding) -> Edit:
    """Asks for the one event that the handler acts on.

    Raises:
        Refused: it may act on others.
    """
    handler, options = binding.handler, _options(script, binding)
    if handler is None or len(handler.events) != 1 or handler.events[0] not in _EVENTS:
        raise Refused("the handler acts on several events, which take a binding each")
    said = script.node(handler.place)
    text = script.source(said) if said is not None else ""
    if any(event in text for event in _EVENTS if event != handler.events[0]):
        raise Refused("the handler names other events as well, which its types would no longer have")
    quote = script.style.quote
    return set_property(script, options, "event", f"{quote}{handler.events[0]}{quote}")


def select_edit(script: Script, binding: Binding, database: DatabaseFacts) -> Edit:
    """Asks for the columns that the handler reads.

    Raises:
        Refused: it may read others.
    """
    columns, quote = selected_columns(binding, database), script.style.quote
    listed = ", ".join(f"{quote}{column}{quote}" for column in columns)
    return set_property(script, _options(script, binding), "select", f"[{listed}]")


def selected_columns(binding: Binding, database: DatabaseFacts) -> tuple[str, ...]:
    """The key, and what the handler reads and compares.

    Raises:
        Refused: that cannot be told, or spares nothing.
    """
    handler, table = binding.handler, _table(binding, database)
    if handler is None or not handler.complete or "*" in handler.reads or not handler.reads:
        raise Refused("the handler hands on the whole row")
    if handler.reads_old:
        raise Refused("the handler reads the row as it was, of which `select` takes columns too")
    if table is None or not table.columns or binding.select is not None:
        raise Refused("no file of the code base says which columns the table has")
    key = table.primary_key or ()
    used = {*handler.reads, *key, *(one.column for one in handler.comparisons), *_filtered(binding)}
    kept = tuple(column.name for column in table.columns if column.name in used)
    if set(kept) != used:
        raise Refused("the handler reads columns that the table does not have")
    if not any(plain_type(one.type) in _LARGE and one.name not in used for one in table.columns):
        raise Refused("all that it could leave out is small")
    return kept


def _filtered(binding: Binding) -> tuple[str, ...]:
    said = binding.filter.value if binding.filter is not None else ""
    return (said.partition("=")[0],) if "=" in said else ()


def _options(script: Script, binding: Binding) -> Node:
    literal = object_at(script.node(binding.options)) if binding.options is not None else None
    if literal is None:
        raise Refused("its options are made elsewhere")
    if any(child.type == "spread_element" for child in literal.named_children):
        raise Refused("its options are put together from others")
    table = property_of(script, literal, "table")
    if table is None:
        raise Refused("its options name no table")
    return literal


def _table(binding: Binding, database: DatabaseFacts) -> TableFacts | None:
    schema = binding.schema.value if binding.schema is not None and binding.schema.exact else "public"
    return database.table(binding.table.value, schema) if binding.table is not None else None


def _other_side(script: Script, comparison: Comparison) -> Node:
    """What the column is compared with."""
    node = script.node(comparison.place)
    test = next((one for one in walk(node) if one.type == "binary_expression"), None) if node is not None else None
    if test is None:
        raise Refused("the comparison is not written as one")
    left, right = test.child_by_field_name("left"), test.child_by_field_name("right")
    if left is None or right is None:
        raise Refused("the comparison is not written as one")
    for is_column in (_is_property, _is_name):
        if is_column(script, left, comparison.column) != is_column(script, right, comparison.column):
            return right if is_column(script, left, comparison.column) else left
    raise Refused("it cannot be told which side of the comparison is the row's")


def _is_property(script: Script, side: Node, column: str) -> bool:
    return script.source(side).endswith((f".{column}", f"['{column}']", f'["{column}"]'))


def _is_name(script: Script, side: Node, column: str) -> bool:
    """A payload may have been taken apart."""
    return script.source(side) == column


def _check_fixed(script: Script, value: Node, at: Node) -> None:
    """The value is the same when the channel is joined and when a change comes."""
    if value.type in ("string", "number"):
        return
    node, text = value, script.source(value)
    while node.type == "member_expression":
        owner = node.child_by_field_name("object")
        if owner is None or text.endswith((".current", ".value")):
            break
        node = owner
    found = declaration(script, script.source(node), at) if node.type == "identifier" else None
    if found is None or not found.fixed or script.path.endswith((".vue", ".svelte")):
        raise Refused(f"`{text}` may be another value when a change comes than when the channel is joined")


def _check_type(script: Script, value: Node, comparison: Comparison, table: TableFacts | None) -> None:
    """The comparison and the server's agree."""
    column = table.column(comparison.column) if table is not None else None
    if column is None:
        raise Refused(f"no file of the code base says of what type `{comparison.column}` is")
    wanted, text = _JSON.get(plain_type(column.type)), script.source(value)
    if wanted is None:
        raise Refused(f"`{comparison.column}` is {column.type}, whose values can hold what a filter is written with")
    if type_of(script, value) != wanted:
        raise Refused(f"the file does not show that `{text}` is a {wanted}, and neither undefined nor null")
