"""What a file offers to others: constants by name, and what it passes on."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from helpers.review.code.drafts import Export
from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.objects import object_node
from helpers.review.code.scripts.syntax import field, literal_string, properties, text, unwrapped
from helpers.review.code.scripts.values import evaluate

__all__ = ["exported", "exported_names", "exports_of"]

#: How deep an exported object is read.
DEPTH = 3
_CONSTANTS = frozenset({"string", "template_string", "number", "true", "false", "binary_expression", "identifier"})


def exports_of(module: Module) -> Iterator[Export]:
    """The constants that a file exports, and the names that it passes on from other files."""
    for statement in module.nodes("export"):
        source = literal_string(field(statement, "source"))
        if source is not None:
            yield from _passed_on(statement, source)
        else:
            for name, local in _names(statement):
                yield from _constants(module, (name,), local)


def exported(module: Module) -> Iterator[tuple[str, Node]]:
    """The names that a file exports of its own, each with its value or the local name of it."""
    for statement in module.nodes("export"):
        if field(statement, "source") is None:
            yield from _names(statement)


def _passed_on(statement: Node, source: str) -> Iterator[Export]:
    clauses = [child for child in statement.named_children if child.type == "export_clause"]
    if not clauses:
        yield Export(("*",), module=source, imported="*")
    for clause in clauses:
        for specifier in clause.named_children:
            name = field(specifier, "name")
            yield Export((text(field(specifier, "alias") or name),), module=source, imported=text(name))


def _names(statement: Node) -> Iterator[tuple[str, Node]]:
    """What an export statement exports: the name for others, and the node of the value or of the local name."""
    declaration, value = field(statement, "declaration"), unwrapped(field(statement, "value"))
    is_default = any(child.type == "default" for child in statement.children)
    if value is not None:
        yield "default", value
    if declaration is not None:
        yield from _declared(declaration, is_default)
    for clause in statement.named_children:
        if clause.type == "export_clause":
            for specifier in clause.named_children:
                local = field(specifier, "name")
                if local is not None:
                    yield text(field(specifier, "alias") or local), local


def _declared(declaration: Node, is_default: bool) -> Iterator[tuple[str, Node]]:
    if declaration.type in ("lexical_declaration", "variable_declaration"):
        for declarator in declaration.named_children:
            value = unwrapped(field(declarator, "value"))
            if declarator.type == "variable_declarator" and value is not None:
                yield text(field(declarator, "name")), value
    else:
        yield "default" if is_default else text(field(declaration, "name")), declaration


def _constants(module: Module, steps: tuple[str, ...], node: Node, depth: int = DEPTH) -> Iterator[Export]:
    known = object_node(module, node)
    if known is None or known.type == "array":
        if node.type in _CONSTANTS:
            value = evaluate(module, node)
            if value.known:
                yield Export(steps, value)
    elif known.type == "enum_declaration":
        for child in (field(known, "body") or known).named_children:
            value = evaluate(module, field(child, "value"))
            if value.exact:
                yield Export((*steps, text(field(child, "name"))), value)
    elif depth:
        for name, inner in properties(known):
            yield from _constants(module, (*steps, name), inner, depth - 1)


def exported_names(module: Module, function: Node, name: str) -> tuple[str, ...]:
    """The names under which other files import a function."""
    found = (
        exported_name
        for exported_name, local in exported(module)
        if local == function or function in local.named_children or text(local) == name
    )
    return tuple(dict.fromkeys(found))
