"""Functions of a file: their names, what an expression calls, and who calls them."""

from __future__ import annotations

from tree_sitter import Node

from helpers.review.code.scripts.module import Declaration, Module
from helpers.review.code.scripts.names import DEBOUNCERS, PASSING, WRAPPERS
from helpers.review.code.scripts.syntax import (
    FUNCTIONS,
    arguments,
    callee,
    enclosing,
    field,
    is_call,
    outermost,
    properties,
    returned_values,
    text,
    unwrapped,
)

__all__ = ["callers", "declaration_of", "declared_name", "function_of", "wrapping_call"]

_BODIES = frozenset({"class_body", "object"})
_PASSED_ON = PASSING | WRAPPERS | frozenset({*DEBOUNCERS, "useMemo"})
#: Through how many names a function is followed.
DEPTH = 5


def wrapping_call(node: Node) -> Node | None:
    """The call among whose arguments a node stands."""
    listed = outermost(node).parent
    if listed is None or listed.type != "arguments":
        return None
    return listed.parent if is_call(listed.parent) else None


def _called_name(call: Node) -> str:
    function = callee(call)
    if function is None:
        return ""
    return text(field(function, "property")) if function.type == "member_expression" else text(function)


def declared_name(module: Module, function: Node) -> str:
    """The name under which a function is known: its own, or that of what it is assigned to."""
    own = field(function, "name")
    if own is not None:
        return text(own)
    holder = _holder(function)
    if holder is None:
        return ""
    if holder.type in ("variable_declarator", "public_field_definition"):
        name = field(holder, "name")
        return text(name) if name is not None and name.type != "object_pattern" else ""
    if holder.type == "pair":
        return text(field(holder, "key"))
    if holder.type == "field_definition":
        return text(field(holder, "property"))
    return text(field(holder, "left")).rpartition(".")[2]


def _holder(function: Node) -> Node | None:
    """What a function is assigned to, through `useCallback`, `memo`, `debounce` and their kin."""
    node = outermost(function)
    for _ in range(DEPTH):
        call = wrapping_call(node) or _memo_around(node)
        if call is None or _called_name(call) not in _PASSED_ON:
            break
        node = outermost(call)
    parent = node.parent
    kinds = ("variable_declarator", "public_field_definition", "field_definition", "pair", "assignment_expression")
    return parent if parent is not None and parent.type in kinds else None


def _memo_around(node: Node) -> Node | None:
    """The `useMemo` whose function returns nothing but this: `useMemo(() => debounce(f, 300), [])`."""
    above = node.parent
    if above is None or above.type != "arrow_function" or field(above, "body") != node:
        return None
    return wrapping_call(above)


def declaration_of(module: Module, function: Node) -> Declaration | None:
    """The name that a function is declared with, if it has one in a scope (so not a method's)."""
    if function.type in ("function_declaration", "generator_function_declaration"):
        name = field(function, "name")
        return module.resolve(name) if name is not None else None
    holder = _holder(function)
    if holder is None:
        return None
    name = {"variable_declarator": field(holder, "name"), "assignment_expression": field(holder, "left")}.get(
        holder.type
    )
    return module.resolve(name) if name is not None and name.type == "identifier" else None


def function_of(module: Module, node: Node | None, depth: int = DEPTH) -> Node | None:
    """The function that an expression is: written there, or declared in this file under a name."""
    node = unwrapped(node)
    if node is None or not depth:
        return None
    if node.type in FUNCTIONS:
        return node
    if node.type == "identifier":
        declaration = module.resolve(node)
        if declaration is None or declaration.path or declaration.kind in ("import", "parameter", "item"):
            return None
        return function_of(module, declaration.value, depth - 1)
    if node.type == "shorthand_property_identifier":
        declaration = module.resolve(node)
        return function_of(module, declaration.value, depth - 1) if declaration is not None else None
    if is_call(node):
        return _passed_on(module, node, depth)
    if node.type == "member_expression":
        return _member(module, node, depth)
    return None


def _passed_on(module: Module, call: Node, depth: int) -> Node | None:
    """Of `useCallback(f, …)`, `debounce(f)`, `f.bind(this)` the function."""
    function = callee(call)
    if function is not None and function.type == "member_expression" and _called_name(call) == "bind":
        return function_of(module, field(function, "object"), depth - 1)
    given = arguments(call)
    if _called_name(call) == "useMemo" and given and given[0].type in FUNCTIONS:
        made = next(returned_values(given[0]), None)  # useMemo(() => debounce(f, 300), [])
        return function_of(module, made, depth - 1)
    if _called_name(call) in _PASSED_ON and given:
        return function_of(module, given[0], depth - 1)
    return None


def _member(module: Module, node: Node, depth: int) -> Node | None:
    """Of `this.name` the method or field of the class; of `ref.current` what the ref was last given."""
    owner, name = unwrapped(field(node, "object")), text(field(node, "property"))
    if owner is not None and owner.type == "this":
        return _of_this(module, node, name, depth)
    if name == "current" and owner is not None and owner.type == "identifier":
        return _ref_content(module, owner, depth)
    return None


def _of_this(module: Module, node: Node, name: str, depth: int) -> Node | None:
    """A method of the class around, or of the object around: Vue's options have theirs under `methods`."""
    body = enclosing(node, _BODIES)
    while body is not None:
        found = _class_member(module, body, name, depth)
        methods = (value for key, value in properties(body) if key in ("methods", "actions"))
        found = found or next(
            (inner for value in methods if (inner := _class_member(module, value, name, depth))), None
        )
        if found is not None or body.type == "class_body":
            return found
        body = enclosing(body, _BODIES)
    return None


def _class_member(module: Module, body: Node, name: str, depth: int) -> Node | None:
    for child in body.named_children:
        if child.type == "method_definition" and text(field(child, "name")) == name:
            return child
        key = field(child, "name") or field(child, "property") or field(child, "key")
        if child.type in ("public_field_definition", "field_definition", "pair") and text(key) == name:
            return function_of(module, field(child, "value"), depth - 1)
    return None


def _ref_content(module: Module, owner: Node, depth: int) -> Node | None:
    declaration = module.resolve(owner)
    if declaration is None or declaration.kind == "parameter":
        return None
    for assignment in module.nodes("assignment"):
        left = field(assignment, "left")
        if text(left) == f"{declaration.name}.current" and left is not None:
            ref = unwrapped(field(left, "object"))
            if ref is not None and module.resolve(ref) is declaration:
                return function_of(module, field(assignment, "right"), depth - 1)
    first = arguments(declaration.value) if is_call(declaration.value) and declaration.value is not None else []
    return function_of(module, first[0], depth - 1) if first else None


def callers(module: Module, function: Node) -> list[Node]:
    """The calls of a named function in its file, its own aside."""
    declaration = declaration_of(module, function)
    if declaration is not None:
        nodes = module.uses(declaration)
    elif function.type == "method_definition":
        nodes = [node.parent for node in module.named(text(field(function, "name"))) if node.parent is not None]
    else:
        return []
    calls = (_call_of(node) for node in nodes)
    return [call for call in calls if call is not None and not _within(call, function)]


def _call_of(node: Node) -> Node | None:
    top = outermost(node)
    call = top.parent
    return call if call is not None and is_call(call) and callee(call) == node else None


def _within(call: Node, function: Node) -> bool:
    return function.start_byte <= call.start_byte < function.end_byte
