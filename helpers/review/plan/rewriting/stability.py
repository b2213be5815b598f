"""Effects that run again when something of theirs has changed, and not with every render."""

from __future__ import annotations

from tree_sitter import Node

from helpers.review.inventory import Effect
from helpers.review.plan.rewriting.edits import Edit
from helpers.review.plan.rewriting.names import declaration, imported_names, walk
from helpers.review.plan.rewriting.refused import Refused
from helpers.review.plan.rewriting.scripts import Script

__all__ = ["memo_edits"]

_FUNCTIONS = ("arrow_function", "function_expression")
_GLOBALS = {"Array", "Boolean", "Date", "JSON", "Math", "Number", "Object", "String", "console", "undefined", "window"}


def memo_edits(script: Script, effect: Effect) -> tuple[Edit, ...]:
    """Makes what an effect depends on anew only when that changes what it is made of: `useMemo`, or `useCallback`.

    Raises:
        Refused: it is not a constant of the component that is made of its props and state alone.
    """
    edits, hooks = list[Edit](), set[str]()
    for dependency in effect.dependencies or ():
        if dependency.stable is False:
            hook, edit = _memo(script, effect, dependency.text)
            hooks.add(hook)
            edits.append(edit)
    if not edits:
        raise Refused("what it depends on is not made here")
    return (*(edit for hook in sorted(hooks) for edit in _imported(script, hook)), *edits)


def _memo(script: Script, effect: Effect, name: str) -> tuple[str, Edit]:
    at = script.node(effect.place)
    found = declaration(script, name, at) if at is not None else None
    value = found.node.child_by_field_name("value") if found is not None and found.fixed and not found.path else None
    if found is None or value is None or value.type not in ("object", "array", *_FUNCTIONS):
        raise Refused(f"`{name}` is not written as an object, a list or a function")
    used = _used(script, value)
    start, end = script.span(value)
    listed, text = ", ".join(used), script.source(value)
    if value.type in _FUNCTIONS:
        return "useCallback", Edit(script.path, start, end, f"useCallback({text}, [{listed}])")
    text = f"({text})" if value.type == "object" else text
    return "useMemo", Edit(script.path, start, end, f"useMemo(() => {text}, [{listed}])")


def _used(script: Script, value: Node) -> tuple[str, ...]:
    """Names of the component that a value is made of, in the order of the text.

    Raises:
        Refused: one of them is made anew in each render itself, or may take another value meanwhile.
    """
    found, known = dict[str, None](), imported_names(script) | _GLOBALS
    for node in walk(value):
        if node.type not in ("identifier", "shorthand_property_identifier"):
            continue
        name = script.source(node)
        declared = declaration(script, name, node)
        if declared is None:
            if name not in known:
                raise Refused(f"the file does not show what `{name}` is")
            continue
        if _is_inside(declared.node, value) or _is_of_module(declared.node):
            continue
        made = declared.node.child_by_field_name("value")
        if not declared.fixed or (made is not None and made.type in ("object", "array", *_FUNCTIONS)):
            raise Refused(f"it is made of `{name}`, which each render makes anew")
        found[name] = None
    return tuple(found)


def _is_inside(node: Node, outer: Node) -> bool:
    return outer.start_byte <= node.start_byte < outer.end_byte


def _is_of_module(node: Node) -> bool:
    """Whether it is declared outside of all functions."""
    above = node.parent
    while above is not None and above.type not in ("statement_block", "formal_parameters"):
        above = above.parent
    return above is None


def _imported(script: Script, hook: str) -> tuple[Edit, ...]:
    """Adds a hook to what is imported of React by name, unless it is there.

    Raises:
        Refused: nothing is imported of React by name.
    """
    for statement in script.root.named_children:
        source = statement.child_by_field_name("source") if statement.type == "import_statement" else None
        if source is None or script.source(source).strip("'\"") != "react":
            continue
        for node in walk(statement):
            if node.type == "named_imports" and node.named_children:
                names = [script.source(one) for one in node.named_children]
                if hook in names:
                    return ()
                last = script.span(node.named_children[-1])[1]
                return (Edit(script.path, last, last, f", {hook}"),)
    raise Refused("the file imports nothing of React by name")
