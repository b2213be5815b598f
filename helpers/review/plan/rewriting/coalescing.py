"""Reading a list again once for many changes, in place of once for each."""

from __future__ import annotations

from collections.abc import Sequence

from tree_sitter import Node

from helpers.review.inventory import Deed
from helpers.review.plan.rewriting.edits import Edit
from helpers.review.plan.rewriting.names import ancestors, declaration, walk
from helpers.review.plan.rewriting.refused import Refused
from helpers.review.plan.rewriting.scripts import Script

__all__ = ["HELPER", "coalescing_edits"]

HELPER = "coalesced"

#: Runs once at a time, and once more if it was called meanwhile: the last run begins after the last call, so that what
#: is shown in the end is the same. `{types}` is for TypeScript.
_HELPER = """\
/** Runs `work` once at a time, and once more if it was called meanwhile. */
function coalesced(work{work}){result} {{
  let running = false{end}
  let again = false{end}
  return async () => {{
    again = true{end}
    if (running) return{end}
    running = true{end}
    try {{
      while (again) {{
        again = false{end}
        await work(){end}
      }}
    }} finally {{
      running = false{end}
    }}
  }}{end}
}}
"""


def coalescing_edits(script: Script, deeds: Sequence[Deed]) -> tuple[Edit, ...]:
    """Coalesces the refetches of a file.

    Raises:
        Refused: a refetch is not the call of a function without arguments that is declared outside of the handler.
    """
    if any(node.type == "identifier" and script.source(node) == HELPER for node in walk(script.root)):
        raise Refused(f"the module has another `{HELPER}`")
    edits: list[Edit] = []
    done: dict[tuple[str, int], str] = {}
    for deed in deeds:
        edits += _call_edits(script, deed, done)
    imports = [node for node in script.root.named_children if node.type == "import_statement"]
    if not imports:
        raise Refused("the module imports nothing, and so shows no place for a function")
    after = script.span(imports[-1])[1]
    return (Edit(script.path, after, after, script.style.newline * 2 + _helper(script).rstrip()), *edits)


def _call_edits(script: Script, deed: Deed, done: dict[tuple[str, int], str]) -> list[Edit]:
    call = _call(script, deed)
    name = script.source(call.named_children[0])
    effect = next((one for one in ancestors(call) if _is_effect_body(script, one)), None)
    if effect is None:
        raise Refused("the channel is not made in an effect of this file")
    found = declaration(script, name, effect)
    inside = next((one for one in ancestors(call) if one.type in ("statement_block", "program")
                   and any(_declares(script, child, name) for child in one.named_children)), None)  # fmt: skip
    if found is None and (inside is None or not _is_within(effect, inside)):
        raise Refused(f"`{name}` is declared elsewhere")
    again = _new_name(script, name)
    start, end = script.span(call.named_children[0])
    edits = [Edit(script.path, start, end, again)]
    if (name, effect.id) in done:
        return edits
    done[name, effect.id] = again
    first = _statement_of(effect, call)
    if any(_declares(script, one, name) and one.type != "function_declaration" and one.start_byte >= first.start_byte
           for one in effect.named_children):  # fmt: skip
        raise Refused(f"`{name}` is declared after the channel is made")
    before = first.prev_named_sibling
    # At the end of the line before: what the statement begins with may be edited by others.
    place = script.span(before)[1] if before is not None else script.span(effect)[0] + 1
    style, indent = script.style, script.indent_of(script.span(first)[0])
    line = f"{style.newline}{indent}const {again} = {HELPER}({name}){style.end}"
    return [Edit(script.path, place, place, line), *edits]


def _call(script: Script, deed: Deed) -> Node:
    node = script.node(deed.place)
    while node is not None and node.type != "call_expression":
        node = node.parent
    if node is None or node.named_children[0].type != "identifier":
        raise Refused("the list is not read again by a function of its own")
    arguments = node.child_by_field_name("arguments")
    if arguments is None or arguments.named_children:
        raise Refused("the function that reads the list is given arguments")
    if node.parent is None or node.parent.type not in ("expression_statement", "arrow_function", "unary_expression"):
        raise Refused("something is done with what the function returns")
    return node


def _is_effect_body(script: Script, node: Node) -> bool:
    if node.type != "statement_block" or node.parent is None or node.parent.type != "arrow_function":
        return False
    arguments = node.parent.parent
    call = arguments.parent if arguments is not None and arguments.type == "arguments" else None
    function = call.child_by_field_name("function") if call is not None else None
    return function is not None and script.source(function).rpartition(".")[2] in ("useEffect", "useLayoutEffect")


def _declares(script: Script, node: Node, name: str) -> bool:
    if node.type == "function_declaration":
        said = node.child_by_field_name("name")
        return said is not None and script.source(said) == name
    return node.type in ("lexical_declaration", "variable_declaration") and any(
        (said := one.child_by_field_name("name")) is not None and script.source(said) == name
        for one in node.named_children
    )


def _is_within(inner: Node, outer: Node) -> bool:
    return outer.start_byte <= inner.start_byte and inner.end_byte <= outer.end_byte


def _statement_of(block: Node, node: Node) -> Node:
    """The statement of a block that a node stands in."""
    return next(one for one in block.named_children if _is_within(node, one))


def _new_name(script: Script, name: str) -> str:
    taken = {script.source(node) for node in walk(script.root) if node.type == "identifier"}
    wanted = f"{name}Coalesced"
    return wanted if wanted not in taken else f"{wanted}Again"


def _helper(script: Script) -> str:
    typed = script.path.endswith((".ts", ".tsx", ".mts", ".cts"))
    work, result = (": () => unknown", ": () => Promise<void>") if typed else ("", "")
    text = _HELPER.format(work=work, result=result, end=script.style.end)
    return text.replace("  ", script.style.indent).replace("\n", script.style.newline)
