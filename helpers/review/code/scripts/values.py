"""What an expression comes to: a text, a pattern with holes, or the properties of an object.

Constants are followed through names, members, templates, sums, and functions of the file that only put texts together.
A name that is filled from outside (a parameter, an import) stays a hole that says by what it could be filled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tree_sitter import Node

from helpers.review.code.scripts.functions import function_of
from helpers.review.code.scripts.module import Declaration, Module
from helpers.review.code.scripts.objects import is_nothing, path_of, property_node
from helpers.review.code.scripts.syntax import (
    arguments,
    callee,
    field,
    is_call,
    literal_string,
    method_call,
    number,
    returned_values,
    text,
    unwrapped,
)
from helpers.review.code.texts import filled, text_of
from helpers.review.inventory import Hole, Text

__all__ = ["DEPTH", "UNKNOWN", "declared_value", "evaluate", "function_key", "perhaps"]

UNKNOWN = Text("?", False, (Hole("?"),))
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
#: Through how many names and members a value is followed.
DEPTH = 8
#: An expression of more characters has no name worth printing; names of variables of the environment are long.
LONGEST_NAME = 80
_NUMBER = re.compile(r"\d[\d_]*(?:\.\d+)?")
#: Calls that change nothing that a topic or filter shows.
_SAME = frozenset({"String", "encodeURIComponent", "toString", "toLowerCase", "trim", "unref", "toValue", "Number"})


def function_key(module: Module, function: Node) -> str:
    """What a function is called by between files: where it begins."""
    return f"{module.path}:{function.start_byte}"


def evaluate(module: Module, node: Node | None, depth: int = DEPTH) -> Text:
    """The text that an expression comes to; numbers and booleans as they are written."""
    node = unwrapped(node)
    if node is None or not depth:
        return UNKNOWN
    plain = literal_string(node)
    if plain is not None:
        return Text(plain)
    if node.type in ("number", "true", "false", "null", "undefined"):
        return Text(text(node))
    computed = _computed(module, node, depth)
    if computed is not None:
        return Text(f"{computed:.15g}")
    return _EVALUATORS.get(node.type, _unnamed)(module, node, depth)


def _computed(module: Module, node: Node, depth: int) -> float | None:
    """The value of a product or difference of numbers and constants; a sum is one of numbers only if all are written
    as such, as `+` joins texts too."""
    operator = text(field(node, "operator")) if node.type == "binary_expression" else ""
    if operator not in ("*", "-"):
        return number(node)
    left, right = (_number(evaluate(module, field(node, name), depth - 1)) for name in ("left", "right"))
    if left is None or right is None:
        return None
    return left * right if operator == "*" else left - right


def _number(value: Text) -> float | None:
    plain = value.value.replace("_", "")
    return float(plain) if value.exact and _DIGITS.fullmatch(plain) else None


def _template(module: Module, node: Node, depth: int) -> Text:
    parts: list[str | Hole] = []
    for child in node.named_children:
        if child.type == "template_substitution":
            parts.extend(_parts(evaluate(module, child.named_children[0] if child.named_children else None, depth - 1)))
        else:
            parts.append(literal_string_piece(child))
    return text_of(parts)


def literal_string_piece(node: Node) -> str:
    return text(node) if node.type == "string_fragment" else text(node)[1:]


def _parts(value: Text) -> Sequence[str | Hole]:
    return (value.value,) if value.exact else value.parts


def _sum(module: Module, node: Node, depth: int) -> Text:
    operator = text(field(node, "operator"))
    left = evaluate(module, field(node, "left"), depth - 1)
    if operator in ("??", "||"):
        return left
    right = evaluate(module, field(node, "right"), depth - 1)
    calculated = _calculated(left, operator, right)
    if calculated is not None:
        return calculated
    if operator != "+":
        return _unnamed(module, node, depth)
    return text_of((*_parts(left), *_parts(right)))


def _calculated(left: Text, operator: str, right: Text) -> Text | None:
    """Of two numbers the product, sum or difference."""
    if not (left.exact and right.exact and _NUMBER.fullmatch(left.value) and _NUMBER.fullmatch(right.value)):
        return None
    one, other = float(left.value.replace("_", "")), float(right.value.replace("_", ""))
    result = {"*": one * other, "+": one + other, "-": one - other}.get(operator)
    return Text(f"{result:g}" if result % 1 else f"{result:.0f}") if result is not None else None


def _choice(module: Module, node: Node, depth: int) -> Text:
    """Of a ternary the side that there is, or what both have in common; else a hole."""
    sides = [unwrapped(field(node, name)) for name in ("consequence", "alternative")]
    given = [evaluate(module, side, depth - 1) for side in sides if not is_nothing(side)]
    if given and all(value.value == given[0].value for value in given):
        return given[0] if len(given) == len(sides) else perhaps(given[0])
    return _unnamed(module, node, depth)


def perhaps(value: Text) -> Text:
    """A text that may as well not be given: no longer exact."""
    return Text(value.value, False, value.parts or (value.value,))


def _name(module: Module, node: Node, depth: int) -> Text:
    declaration = module.resolve(node)
    if declaration is None:
        return _unnamed(module, node, depth)
    return declared_value(module, declaration, (), depth)


def declared_value(module: Module, declaration: Declaration, steps: tuple[str, ...], depth: int) -> Text:
    """What `name.step.step` comes to."""
    name = ".".join((declaration.name, *steps))
    if declaration.kind == "import":
        return text_of([Hole(name, ("import", declaration.module, declaration.imported, *steps))])
    if declaration.kind == "parameter" and declaration.function is not None:
        origin = ("parameter", function_key(module, declaration.function), str(declaration.position))
        return text_of([Hole(name, (*origin, *declaration.path, *steps))])
    if declaration.value is None or declaration.kind == "item" or is_reassigned(module, declaration):
        return text_of([Hole(name)])
    found = _walked(module, declaration.value, (*declaration.path, *steps), depth - 1)
    return _renamed(found, name) if found is not None else text_of([Hole(name)])


def _renamed(found: Text, name: str) -> Text:
    """A value that is nothing but one hole of no name is called after the variable."""
    only = found.parts[0] if len(found.parts) == 1 else None
    if isinstance(only, Hole) and not only.origin:
        return text_of([Hole(name)])
    return found


def is_reassigned(module: Module, declaration: Declaration) -> bool:
    """Whether a variable is given another value after its declaration."""
    if declaration.kind not in ("let", "var"):
        return False
    uses = {use.id for use in module.uses(declaration)}
    lefts = (field(assignment, "left") for assignment in module.nodes("assignment"))
    return any(left is not None and left.id in uses for left in lefts)


def _walked(module: Module, value: Node, steps: tuple[str, ...], depth: int) -> Text | None:
    if not steps:
        return evaluate(module, value, depth)
    if not depth:
        return None
    if steps[0] == "current" and is_call(value) and text(callee(value)).endswith(("useRef", "useLatest")):
        given = arguments(value)
        return _walked(module, given[0], steps[1:], depth - 1) if given else None
    inner = property_node(module, value, steps[0])
    if isinstance(inner, Text):
        return None
    return _walked(module, inner, steps[1:], depth - 1) if inner is not None else None


def _member(module: Module, node: Node, depth: int) -> Text:
    base, steps = path_of(node)
    if base is not None and base.type == "identifier" and steps:
        declaration = module.resolve(base)
        if declaration is not None:
            return declared_value(module, declaration, steps, depth)
    return _unnamed(module, node, depth)


def _called(module: Module, node: Node, depth: int) -> Text:
    owner, given = method_call(node), arguments(node)
    function_name = owner[1] if owner is not None else text(callee(node))
    if function_name == "join" and owner is not None and owner[0].type == "array":
        return _joined(module, owner[0], given, depth)
    if function_name in _SAME:
        inner = owner[0] if owner is not None else given[0] if given else None
        return evaluate(module, inner, depth - 1) if inner is not None else UNKNOWN
    function = function_of(module, callee(node))
    values = list(returned_values(function)) if function is not None else []
    if function is None or len(values) != 1:
        return _unnamed(module, node, depth)
    return _composed(module, node, function, values[0], depth)


def _joined(module: Module, items: Node, given: Sequence[Node], depth: int) -> Text:
    between = literal_string(given[0]) if given else ","
    parts: list[str | Hole] = []
    for index, item in enumerate(items.named_children):
        parts.append((between or "") if index else "")
        parts.extend(_parts(evaluate(module, item, depth - 1)))
    return text_of(parts)


def _composed(module: Module, call: Node, function: Node, value: Node, depth: int) -> Text:
    """What a function of the file returns, with the arguments in its parameters' places."""
    key, given = function_key(module, function), arguments(call)

    def fill(hole: Hole) -> Text | None:
        if hole.origin[:2] != ("parameter", key):
            return None
        position = int(hole.origin[2])
        if position >= len(given) or len(hole.origin) > 3:
            return text_of([Hole(hole.name)])
        return evaluate(module, given[position], depth - 1)

    found = filled(evaluate(module, value, depth - 1), fill)
    return found if found.known else _unnamed(module, call, depth)


def _unnamed(module: Module, node: Node, depth: int) -> Text:
    """A hole with what the code writes there, if that is short."""
    name = text(node)
    return text_of([Hole(name if len(name) <= LONGEST_NAME and "\n" not in name and "{" not in name else "?")])


_EVALUATORS: dict[str, Callable[[Module, Node, int], Text]] = {
    "template_string": _template,
    "binary_expression": _sum,
    "ternary_expression": _choice,
    "identifier": _name,
    "shorthand_property_identifier": _name,
    "member_expression": _member,
    "subscript_expression": _member,
    "call_expression": _called,
}
