"""Channels and clients that live as long as they are needed: leave a channel, make one client."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tree_sitter import Node

from helpers.review.inventory import Channel, Client
from helpers.review.plan.rewriting.edits import Edit
from helpers.review.plan.rewriting.names import ancestors, declaration, walk
from helpers.review.plan.rewriting.refused import Refused
from helpers.review.plan.rewriting.scripts import Script

__all__ = ["cleanup_edits", "client_edits"]

_REACT = ("useEffect", "useLayoutEffect")
#: What a client made at the top of a module may be made of.
_CONSTANT = re.compile(r"process\.env\.\w+!?|import\.meta\.env\.\w+")

#: What a variable can be local to.
_SCOPES = ("statement_block", "program")


def cleanup_edits(script: Script, channels: Sequence[Channel]) -> tuple[Edit, ...]:
    """Removes the channels of one effect when the component goes.

    Raises:
        Refused: the effect does more than that can be added to.
    """
    body, style = _effect_body(script, channels[0]), script.style
    taken = {script.source(node) for node in walk(script.root) if node.type == "identifier"}
    edits, removals = list[Edit](), list[str]()
    for channel in channels:
        statement = _statement(script, channel)
        if statement.parent != body:
            raise Refused("it is made under a condition, or in a function")
        name, naming = _variable(script, channel, statement, taken)
        edits += naming
        removals.append(f"{channel.client}.removeChannel({name}){style.end}")
    indent = script.indent_of(script.span(body.named_children[-1])[0])
    return (*edits, _cleaning(script, body, indent, removals))


def _cleaning(script: Script, body: Node, indent: str, removals: Sequence[str]) -> Edit:
    """The edit of the effect's cleanup, a new one if there is none."""
    style, deeper = script.style, indent + script.style.indent
    lines = "".join(f"{style.newline}{deeper}{removal}" for removal in removals)
    ending = _returned(body)
    if ending is None:
        last = script.span(body.named_children[-1])[1]
        text = f"return () => {{{lines}{style.newline}{indent}}}{style.end}"
        return Edit(script.path, last, last, f"{style.newline}{style.newline}{indent}{text}")
    inner = _cleanup_body(ending)
    start, end = script.span(inner)
    if inner.type == "statement_block":
        return Edit(script.path, start + 1, start + 1, lines)
    own = f"{style.newline}{deeper}{script.source(inner)}{style.end}{style.newline}{indent}"
    return Edit(script.path, start, end, f"{{{lines}{own}}}")


def client_edits(script: Script, client: Client) -> tuple[Edit, ...]:
    """Makes a client once, when the module is loaded.

    Raises:
        Refused: it is made of something that only the component knows.
    """
    call = script.node(client.place)
    statement = next((one for one in ancestors(call) if one.type == "lexical_declaration"), None) if call else None
    if call is None or statement is None or len(statement.named_children) != 1 or not client.name:
        raise Refused("it is not made in a statement of its own")
    made = next((one for one in walk(statement) if one.type == "call_expression"), None)
    arguments = made.child_by_field_name("arguments") if made is not None else None
    if arguments is None or not all(_is_constant(script, one) for one in arguments.named_children):
        raise Refused("it is made of values that only the component knows")
    imports = [node for node in script.root.named_children if node.type == "import_statement"]
    if not imports:
        raise Refused("the module imports nothing, and so shows no place for it")
    if declaration(script, client.name, imports[0]) is not None:
        raise Refused(f"the module has another `{client.name}`")
    start, end = _whole_line(script, statement)
    after, newline = script.span(imports[-1])[1], script.style.newline
    return (
        Edit(script.path, after, after, f"{newline}{newline}{_dedented(script, statement)}"),
        Edit(script.path, start, end, ""),
    )


def _is_constant(script: Script, argument: Node) -> bool:
    text = script.source(argument)
    if argument.type in ("string", "number", "true", "false") or _CONSTANT.fullmatch(text):
        return True
    if argument.type == "object":
        values = [child.child_by_field_name("value") for child in argument.named_children]
        return all(value is not None and _is_constant(script, value) for value in values)
    if argument.type == "identifier":
        found = declaration(script, text, argument)
        return found is None or (found.fixed and _is_top(found.node))
    return False


def _is_top(node: Node) -> bool:
    """Whether it is a variable of the module."""
    return (
        node.type == "variable_declarator"
        and next((one.type for one in ancestors(node) if one.type in _SCOPES), "") == "program"
    )


def _effect_body(script: Script, channel: Channel) -> Node:
    assert channel.effect is not None
    effect = script.node(channel.effect.place)
    call = next((one for one in walk(effect) if one.type == "call_expression"), None) if effect is not None else None
    called = call.child_by_field_name("function") if call is not None else None
    if called is None or script.source(called).rpartition(".")[2] not in _REACT:
        raise Refused("it is not made in a `useEffect` of this file")
    arguments = call.child_by_field_name("arguments") if call is not None else None
    function = arguments.named_children[0] if arguments is not None and arguments.named_children else None
    body = function.child_by_field_name("body") if function is not None else None
    if function is None or body is None or body.type != "statement_block":
        raise Refused("the effect has no body of its own")
    if script.source(function).startswith("async"):
        raise Refused("the effect is asynchronous, and returns a promise in place of a cleanup")
    return body


def _statement(script: Script, channel: Channel) -> Node:
    assert channel.statement is not None
    node = script.node(channel.statement)
    kinds = ("expression_statement", "lexical_declaration", "variable_declaration")
    while node is not None and node.type not in kinds:
        node = node.parent
    if node is None:
        raise Refused("the statement that makes it could not be found")
    return node


def _variable(script: Script, channel: Channel, statement: Node, taken: set[str]) -> tuple[str, tuple[Edit, ...]]:
    """The name that holds the channel, and the edit that gives it one that is not taken."""
    if statement.type != "expression_statement":
        names = [one.child_by_field_name("name") for one in statement.named_children]
        if len(names) != 1 or names[0] is None or names[0].type != "identifier":
            raise Refused("it is not held by a variable")
        return script.source(names[0]), ()
    if channel.variable:
        raise Refused("it is held by something that outlives the effect")
    name = next(one for one in _names(channel) if one not in taken)
    taken.add(name)
    start = script.span(statement)[0]
    return name, (Edit(script.path, start, start, f"const {name} = "),)


def _names(channel: Channel) -> Iterator[str]:
    """By which a reader would call it: what is bound, else what it is."""
    yield "channel"
    word = re.sub(r"\W", "", channel.bindings[0].event.value) if channel.bindings else ""
    table = channel.bindings[0].table if channel.bindings else None
    if table is not None and re.fullmatch(r"\w+", table.value):
        word = table.value
    if word and not word[0].isdigit():
        yield f"{word}Channel"
    yield from (f"channel{number}" for number in range(2, 1_000))


def _returned(body: Node) -> Node | None:
    """The effect's own `return` of something; None if it has none."""
    own = [one for one in body.named_children if one.type == "return_statement"]
    deeper = [one for one in _own_returns(body) if one.named_children and one not in own]
    if deeper:
        raise Refused("the effect returns from several places")
    return own[-1] if own and own[-1].named_children else None


def _own_returns(node: Node) -> list[Node]:
    """Those that are not of a function within."""
    found = [node] if node.type == "return_statement" else []
    for child in node.named_children:
        if child.type not in ("arrow_function", "function_expression", "function_declaration"):
            found += _own_returns(child)
    return found


def _cleanup_body(returned: Node) -> Node:
    function = returned.named_children[0]
    body = function.child_by_field_name("body") if function.type == "arrow_function" else None
    if body is None or body.type == "object":
        raise Refused("the effect's cleanup is not written as a function here")
    return body


def _whole_line(script: Script, statement: Node) -> tuple[int, int]:
    """A statement with its indentation and its line's end, and an empty line before or after it once."""
    start, end = script.span(statement)
    start -= len(script.indent_of(start))
    while end < len(script.text) and script.text[end] in " \t\r":
        end += 1
    return start, end + (script.text[end : end + 1] == "\n")


def _dedented(script: Script, statement: Node) -> str:
    indent = script.indent_of(script.span(statement)[0])
    return script.source(statement).replace(f"\n{indent}", "\n")
