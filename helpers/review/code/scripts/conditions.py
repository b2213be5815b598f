"""Under which conditions a node of a function is reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tree_sitter import Node

from helpers.review.code.scripts.syntax import FUNCTIONS, field, is_inside, literal_string, text, unwrapped

__all__ = ["Condition", "Meaning", "all_labels", "atoms", "case_labels", "conditions", "outcomes"]

#: An expression, and whether it holds where the node is reached.
Condition = tuple[Node, bool]
#: The expression that a name stands for (`const isMine = row.author === me`); others as they are.
Meaning = Callable[[Node | None], Node | None]

_EXITS = frozenset({"return_statement", "continue_statement", "break_statement", "throw_statement"})


def conditions(node: Node, function: Node) -> Iterator[Condition]:
    """All tests on the way from a function's beginning to a node in it, early returns included."""
    inner, around = node, node.parent
    while around is not None and inner != function:
        yield from _tests(inner, around)
        if around.type in ("statement_block", "switch_case", "switch_default", "program"):
            yield from _left_before(inner, around)
        inner, around = around, around.parent


def _tests(inner: Node, around: Node) -> Iterator[Condition]:
    if around.type == "if_statement" or around.type == "ternary_expression":
        test = unwrapped(field(around, "condition"))
        if test is not None and inner in (field(around, "consequence"), field(around, "alternative")):
            yield test, inner == field(around, "consequence")
    elif around.type == "binary_expression" and inner == field(around, "right"):
        test, operator = unwrapped(field(around, "left")), text(field(around, "operator"))
        if test is not None and operator in ("&&", "||"):
            yield test, operator == "&&"


def _left_before(inner: Node, block: Node) -> Iterator[Condition]:
    """Tests that leave the block before a statement of it: `if (…) return`."""
    for statement in block.named_children:
        if statement.start_byte >= inner.start_byte:
            return
        test = unwrapped(field(statement, "condition"))
        if statement.type != "if_statement" or field(statement, "alternative") is not None or test is None:
            continue
        if _always_leaves(field(statement, "consequence")):
            yield test, False


def _always_leaves(consequence: Node | None) -> bool:
    if consequence is None:
        return False
    if consequence.type in _EXITS:
        return True
    inner = consequence.named_children if consequence.type == "statement_block" else []
    return bool(inner) and inner[-1].type in _EXITS


def atoms(test: Node, holds: bool, meaning: Meaning) -> Iterator[Condition]:
    """The single tests that must all come out as they do: of `a && !b` that holds, `a` holds and `b` does not."""
    node = meaning(unwrapped(test))
    if node is None:
        return
    if node.type == "unary_expression" and text(field(node, "operator")) == "!":
        inner = field(node, "argument")
        if inner is not None:
            yield from atoms(inner, not holds, meaning)
        return
    operator = text(field(node, "operator")) if node.type == "binary_expression" else ""
    if operator == ("&&" if holds else "||"):
        for side in (field(node, "left"), field(node, "right")):
            if side is not None:
                yield from atoms(side, holds, meaning)
    else:
        yield node, holds


def outcomes(
    test: Node, holds: bool, is_subject: Callable[[Node], bool], every: frozenset[str], meaning: Meaning
) -> frozenset[str]:
    """The values of a subject (an event type, a status) with which a test comes out like this.

    Args:
        is_subject: whether an expression is the subject.
        every: the values that it can have.
        meaning: looks through names.
    """
    node = meaning(unwrapped(test))
    if node is None:
        return every
    if node.type == "unary_expression" and text(field(node, "operator")) == "!":
        inner = field(node, "argument")
        return outcomes(inner, not holds, is_subject, every, meaning) if inner is not None else every
    operator = text(field(node, "operator")) if node.type == "binary_expression" else ""
    left, right = field(node, "left"), field(node, "right")
    if operator in ("&&", "||") and left is not None and right is not None:
        sides = [outcomes(side, holds, is_subject, every, meaning) for side in (left, right)]
        return sides[0] & sides[1] if holds == (operator == "&&") else sides[0] | sides[1]
    named = _tested(node, operator, is_subject)
    if named is None:
        return every
    return (every & named) if holds != operator.startswith("!") else every - named


def _tested(node: Node, operator: str, is_subject: Callable[[Node], bool]) -> frozenset[str] | None:
    """The values that one comparison of the subject names."""
    if operator in ("===", "==", "!==", "!="):
        sides = [unwrapped(field(node, "left")), unwrapped(field(node, "right"))]
        for subject, other in (sides, reversed(sides)):
            value = constant(other)
            if subject is not None and is_subject(subject) and value is not None:
                return frozenset({value})
    if node.type == "call_expression" and text(field(node, "function")).endswith(".includes"):
        listed, given = unwrapped(field(field(node, "function"), "object")), field(node, "arguments")
        if listed is None or listed.type != "array" or given is None:
            return None
        if any(is_subject(argument) for argument in given.named_children):
            return frozenset(value for item in listed.named_children if (value := literal_string(item)) is not None)
    return None


def constant(node: Node | None) -> str | None:
    """A string, or the last name of a member of an enum (`REALTIME_SUBSCRIBE_STATES.SUBSCRIBED`)."""
    plain = literal_string(node)
    if plain is None and node is not None and node.type == "member_expression":
        name = text(field(node, "property"))
        return name if name.isupper() else None
    return plain


def case_labels(node: Node, function: Node, is_subject: Callable[[Node], bool]) -> Iterator[frozenset[str] | None]:
    """For each `switch` on the subject around a node, the labels that lead to it; None in the default."""
    around = node.parent
    while around is not None and is_inside(around, function) and around != function:
        if around.type in ("switch_case", "switch_default") and around.parent is not None:
            statement = around.parent.parent
            value = unwrapped(field(statement, "value"))
            if value is not None and is_subject(value):
                yield _labels(around) if around.type == "switch_case" else None
        around = around.parent


def _labels(case: Node) -> frozenset[str]:
    """The label of a case, and those above it that fall through to it."""
    labels, current = set(), case
    while True:
        label = constant(unwrapped(field(current, "value")))
        if label is not None:
            labels.add(label)
        before = current.prev_named_sibling
        if before is None or before.type != "switch_case" or before.named_child_count > 1:
            return frozenset(labels)
        current = before


def all_labels(node: Node) -> frozenset[str]:
    """The labels of the whole `switch` around a node."""
    around: Node | None = node
    while around is not None and around.type != "switch_body":
        if around.type in FUNCTIONS:
            return frozenset()
        around = around.parent
    cases = around.named_children if around is not None else []
    return frozenset(label for case in cases if (label := constant(unwrapped(field(case, "value")))) is not None)
