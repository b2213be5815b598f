"""Questions about one node of a tree, without knowing anything of the file around it."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

__all__ = [
    "FUNCTIONS",
    "arguments",
    "callee",
    "chain_above",
    "descendants",
    "enclosing",
    "field",
    "function_body",
    "is_call",
    "is_inside",
    "literal_string",
    "method_call",
    "number",
    "outermost",
    "parameters",
    "properties",
    "returned_values",
    "root_of",
    "text",
    "unwrapped",
]

FUNCTIONS = frozenset(
    {
        "arrow_function",
        "function_expression",
        "function_declaration",
        "generator_function",
        "generator_function_declaration",
        "method_definition",
    }
)
#: Around an expression without changing its value, as far as a reader of subscriptions is concerned.
_WRAPPERS = frozenset(
    {
        "parenthesized_expression",
        "as_expression",
        "satisfies_expression",
        "non_null_expression",
        "await_expression",
        "type_assertion",
    }
)


def text(node: Node | None) -> str:
    """The node's source."""
    return node.text.decode("utf-8", "replace") if node is not None and node.text is not None else ""


def field(node: Node | None, name: str) -> Node | None:
    return node.child_by_field_name(name) if node is not None else None


def unwrapped(node: Node | None) -> Node | None:
    """The expression within parentheses, casts, `!` and `await`."""
    while node is not None and node.type in _WRAPPERS:
        inner = [child for child in node.named_children if child.type != "comment"]
        node = (inner[-1] if node.type == "type_assertion" else inner[0]) if inner else None
    return node


def outermost(node: Node) -> Node:
    """The node with the parentheses, casts, `!` and `await` around it."""
    while node.parent is not None and node.parent.type in _WRAPPERS and _is_value_of(node, node.parent):
        node = node.parent
    return node


def _is_value_of(node: Node, wrapper: Node) -> bool:
    inner = unwrapped(wrapper)
    return inner is not None and inner.start_byte >= node.start_byte and inner.end_byte <= node.end_byte


def is_call(node: Node | None) -> bool:
    return node is not None and node.type == "call_expression"


def callee(call: Node) -> Node | None:
    return unwrapped(field(call, "function"))


def method_call(node: Node | None) -> tuple[Node, str] | None:
    """Of ``object.name(…)`` the object and the name."""
    if node is None or not is_call(node):
        return None
    function = callee(node)
    if function is None or function.type != "member_expression":
        return None
    owner = unwrapped(field(function, "object"))
    return (owner, text(field(function, "property"))) if owner is not None else None


def arguments(call: Node) -> list[Node]:
    """The arguments of a call without comments, casts removed."""
    listed = field(call, "arguments")
    if listed is None or listed.type != "arguments":
        return []
    nodes = (unwrapped(child) for child in listed.named_children if child.type != "comment")
    return [node for node in nodes if node is not None]


def chain_above(node: Node) -> Iterator[tuple[str, Node]]:
    """The calls chained onto an expression: of ``x.on(…).subscribe()`` seen from ``x``: ``on``, then ``subscribe``."""
    while True:
        member = outermost(node).parent
        if member is None or member.type != "member_expression" or unwrapped(field(member, "object")) != node:
            return
        call = outermost(member).parent
        if call is None or not is_call(call) or callee(call) != member:
            return
        yield text(field(member, "property")), call
        node = call


def root_of(node: Node | None) -> Node | None:
    """What a chain begins with: of ``a.b(1).c[2]`` the ``a``."""
    node = unwrapped(node)
    while node is not None and node.type in ("member_expression", "call_expression", "subscript_expression"):
        node = unwrapped(field(node, "function" if node.type == "call_expression" else "object"))
    return node


def literal_string(node: Node | None) -> str | None:
    """The value of a string, or of a template without holes."""
    if node is None or node.type not in ("string", "template_string"):
        return None
    if any(child.type == "template_substitution" for child in node.named_children):
        return None
    return "".join(_piece(child) for child in node.named_children)


def _piece(node: Node) -> str:
    return text(node) if node.type == "string_fragment" else _escaped(text(node))


def _escaped(sequence: str) -> str:
    return {"\\n": "\n", "\\t": "\t", "\\r": "\r"}.get(sequence, sequence[1:])


def number(node: Node | None) -> float | None:
    """The value of a number, products and sums of numbers included."""
    node = unwrapped(node)
    if node is None:
        return None
    if node.type == "number":
        try:
            return float(text(node).replace("_", ""))
        except ValueError:
            return None
    if node.type == "binary_expression":
        left, right = number(field(node, "left")), number(field(node, "right"))
        operator = text(field(node, "operator"))
        if left is not None and right is not None:
            return {"*": left * right, "+": left + right, "-": left - right}.get(operator)
    return None


def properties(node: Node | None) -> Iterator[tuple[str, Node]]:
    """Name and value of an object literal's properties; of a shorthand both are the same. Spreads are passed over."""
    if node is None or node.type != "object":
        return
    for child in node.named_children:
        if child.type == "pair":
            key, value = field(child, "key"), unwrapped(field(child, "value"))
            name = literal_string(key) if key is not None and key.type == "string" else text(key)
            if value is not None:
                yield name or "", value
        elif child.type == "shorthand_property_identifier":
            yield text(child), child
        elif child.type == "method_definition":
            yield text(field(child, "name")), child


def parameters(function: Node) -> list[Node]:
    """A function's parameters: identifiers, patterns, and in TypeScript the nodes around them."""
    single = field(function, "parameter")
    if single is not None:
        return [single]
    listed = field(function, "parameters")
    named = listed.named_children if listed is not None else []
    return [node for node in named if node.type != "comment" and not text(node).startswith("this:")]


def function_body(function: Node) -> Node | None:
    return field(function, "body")


def returned_values(function: Node) -> Iterator[Node]:
    """What a function returns: its expression, or the values of its own return statements."""
    body = function_body(function)
    if body is None:
        return
    if body.type != "statement_block":
        value = unwrapped(body)
        if value is not None:
            yield value
        return
    for node in descendants(body, stop=FUNCTIONS):
        if node.type == "return_statement" and node.named_child_count:
            value = unwrapped(node.named_children[0])
            if value is not None:
                yield value


def descendants(node: Node, *, stop: frozenset[str] = frozenset()) -> Iterator[Node]:
    """All named nodes below, in the order of the source; below a node of a type in `stop` nothing."""
    pending = list(reversed(node.named_children))
    while pending:
        current = pending.pop()
        yield current
        if current.type not in stop:
            pending.extend(reversed(current.named_children))


def enclosing(node: Node, types: frozenset[str]) -> Node | None:
    """The nearest node around it of one of these types."""
    found = node.parent
    while found is not None and found.type not in types:
        found = found.parent
    return found


def is_inside(node: Node, outer: Node) -> bool:
    return outer.start_byte <= node.start_byte and node.end_byte <= outer.end_byte
