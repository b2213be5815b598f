"""What a name in a script means, and of what type it is, as far as the file shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from helpers.review.plan.rewriting.scripts import Script

__all__ = ["Declared", "ancestors", "declaration", "imported_names", "type_of", "walk"]

_FUNCTIONS = (
    "arrow_function",
    "function_declaration",
    "function_expression",
    "method_definition",
    "generator_function_declaration",
)
_BLOCKS = ("statement_block", "program")
#: A step that no property is called.
UNKNOWN = "…"


@dataclass(frozen=True, slots=True)
class Declared:
    """Where a name is declared.

    Attributes:
        node: a `variable_declarator`, or a parameter. fixed: whether it never takes another value.
        path: the properties that lead from what is declared to the name, for ``{ params: { id } }``.
    """

    node: Node
    fixed: bool
    path: tuple[str, ...] = ()


def ancestors(node: Node) -> Iterator[Node]:
    """From a node's parent to the root."""
    found = node.parent
    while found is not None:
        yield found
        found = found.parent


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, in the order of the text."""
    yield node
    for child in node.children:
        yield from walk(child)


def declaration(script: Script, name: str, at: Node) -> Declared | None:
    """Of a name as it is seen from a node; None if the file does not declare it."""
    for scope in ancestors(at):
        if scope.type in _FUNCTIONS:
            parameters = scope.child_by_field_name("parameters") or scope.child_by_field_name("parameter")
            for parameter in parameters.named_children if parameters else ():
                pattern = parameter.child_by_field_name("pattern") or parameter
                if (path := _path_to(script, pattern, name)) is not None:
                    return Declared(parameter, not _is_assigned(script, scope, name), path)
        if scope.type in _BLOCKS and (found := _declared_in(script, scope, name)) is not None:
            return found
    return None


def imported_names(script: Script) -> set[str]:
    """What the file imports, by the names that it has here."""
    imports = (node for node in script.root.named_children if node.type == "import_statement")
    return {script.source(node) for one in imports for node in walk(one) if node.type == "identifier"}


def _declared_in(script: Script, block: Node, name: str) -> Declared | None:
    for statement in block.named_children:
        if statement.type == "export_statement":
            statement = statement.child_by_field_name("declaration") or statement
        if statement.type in ("lexical_declaration", "variable_declaration"):
            fixed = script.source(statement).startswith("const")
            for declarator in statement.named_children:
                pattern = declarator.child_by_field_name("name")
                if pattern is not None and (path := _path_to(script, pattern, name)) is not None:
                    return Declared(declarator, fixed, path)
    return None


def _path_to(script: Script, pattern: Node, name: str) -> tuple[str, ...] | None:
    """How a name comes out of a pattern; None if it does not."""
    if pattern.type in ("identifier", "shorthand_property_identifier_pattern"):
        is_it = script.source(pattern) == name
        return ((name,) if pattern.type != "identifier" else ()) if is_it else None
    if pattern.type in ("object_assignment_pattern", "assignment_pattern"):  # with a default
        left = pattern.child_by_field_name("left")
        return _path_to(script, left, name) if left is not None else None
    if pattern.type == "pair_pattern":
        key, value = pattern.child_by_field_name("key"), pattern.child_by_field_name("value")
        inner = _path_to(script, value, name) if value is not None else None
        return (script.source(key), *inner) if inner is not None and key is not None else None
    if pattern.type in ("object_pattern", "array_pattern", "rest_pattern"):
        # What comes out of a list, or is what the rest is made of, is of no type that one could read.
        unknown = () if pattern.type == "object_pattern" else (UNKNOWN,)
        for child in pattern.named_children:
            if (found := _path_to(script, child, name)) is not None:
                return (*unknown, *found)
    return None


def _is_assigned(script: Script, scope: Node, name: str) -> bool:
    """Whether a function gives its parameter another value."""
    return any(
        node.type in ("assignment_expression", "augmented_assignment_expression")
        and (left := node.child_by_field_name("left")) is not None
        and script.source(left) == name
        for node in walk(scope)
    )


def type_of(script: Script, expression: Node) -> str | None:
    """``string`` or ``number`` if the file says that an expression is that and nothing else; None if it does not."""
    match expression.type:
        case "number":
            return "number"
        case "string" | "template_string":
            return "string"
        case "call_expression":
            return {"Number": "number", "parseInt": "number", "String": "string"}.get(_callee(script, expression))
        case "identifier" | "member_expression":
            return _plain(script, _annotation(script, expression))
    return None


def _callee(script: Script, call: Node) -> str:
    function = call.child_by_field_name("function")
    return script.source(function) if function is not None else ""


def _annotation(script: Script, expression: Node) -> Node | str | None:
    """The type that is written of a name or of a property of it."""
    path: list[str] = []
    node = expression
    while node.type == "member_expression":
        owner, member = node.child_by_field_name("object"), node.child_by_field_name("property")
        if owner is None or member is None:
            return None
        path.insert(0, script.source(member))
        node = owner
    if node.type != "identifier":
        return None
    found = declaration(script, script.source(node), expression)
    if found is None:
        return None
    said = found.node.child_by_field_name("type")
    if said is None:
        value = found.node.child_by_field_name("value")
        return type_of(script, value) if value is not None and not (path or found.path) else None
    return _property_type(script, said.named_children[0], (*found.path, *path))


def _property_type(script: Script, said: Node, path: tuple[str, ...]) -> Node | None:
    if not path:
        return said
    members = _members(script, said)
    for member in members.named_children if members is not None else ():
        name = member.child_by_field_name("name")
        if member.type == "property_signature" and name is not None and script.source(name) == path[0]:
            kind = member.child_by_field_name("type")
            optional = any(child.type == "?" for child in member.children)
            return None if optional or kind is None else _property_type(script, kind.named_children[0], path[1:])
    return None


def _members(script: Script, said: Node) -> Node | None:
    """The body of an object type, or of the interface or alias of that name in the file."""
    if said.type in ("object_type", "interface_body"):
        return said
    if said.type == "type_identifier":
        for node in walk(script.root):
            name = node.child_by_field_name("name")
            if name is None or script.source(name) != script.source(said):
                continue
            if node.type == "interface_declaration":
                return node.child_by_field_name("body")
            if node.type == "type_alias_declaration" and (value := node.child_by_field_name("value")) is not None:
                return _members(script, value)
    if said.type in ("readonly_type", "parenthesized_type") and said.named_children:
        return _members(script, said.named_children[-1])
    return _members(script, said.named_children[1].named_children[0]) if _is_readonly(script, said) else None


def _is_readonly(script: Script, said: Node) -> bool:
    return said.type == "generic_type" and script.source(said).startswith("Readonly<")


def _plain(script: Script, said: Node | str | None) -> str | None:
    text = said if isinstance(said, str) or said is None else script.source(said)
    return text if text in ("string", "number") else None
