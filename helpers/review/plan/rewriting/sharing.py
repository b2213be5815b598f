"""One channel with several bindings, in place of a channel for each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from tree_sitter import Node

from helpers.review.inventory import Channel
from helpers.review.plan.rewriting.edits import Edit
from helpers.review.plan.rewriting.names import walk
from helpers.review.plan.rewriting.refused import Refused
from helpers.review.plan.rewriting.scripts import Script

__all__ = ["sharing_edits"]


def sharing_edits(script: Script, channels: Sequence[Channel]) -> tuple[Edit, ...]:
    """Joins the chains of channels that are made one right after the other.

    What stands between the last binding of one and the first of the next goes. The bindings stay where they are, so
    that edits of them compose with these.

    Raises:
        Refused: they are not made alike.
    """
    if len({(channel.private, channel.config) for channel in channels}) != 1:
        raise Refused("they are configured differently")
    chains = [_Chain(script, channel) for channel in channels]
    if len({chain.subscribing for chain in chains}) != 1:
        raise Refused("they are subscribed with different callbacks")
    edits = []
    for one, other in pairwise(chains):
        if one.statement.next_named_sibling != other.statement:
            raise Refused("other statements stand between them")
        edits.append(Edit(script.path, one.subscribe_at, other.bindings_at, ""))
        edits += _removals(script, other)
    return tuple(edits)


class _Chain:
    """``const name = client.channel(…).on(…).subscribe(…)``.

    Attributes:
        bindings_at: where the first ``.on`` begins, with the white space before its point.
        subscribe_at: where ``.subscribe`` begins, likewise. subscribing: the call as it is written.
    """

    def __init__(self, script: Script, channel: Channel) -> None:
        if channel.through or channel.statement is None or channel.subscribed is None or not channel.variable:
            raise Refused("one of them is not made, named and subscribed in a single statement")
        node = script.node(channel.statement)
        if node is not None and node.type == "variable_declarator":
            node = node.parent
        if node is None or node.type != "lexical_declaration" or len(node.named_children) != 1:
            raise Refused("one of them is not made in a statement of its own")
        self.channel, self.statement = channel, node
        links = {name: call for call in walk(node) if (name := _method(script, call)) in ("channel", "subscribe")}
        own = [call for call in walk(node) if _method(script, call) == "on" and _starts_in(script, call, channel)]
        if set(links) != {"channel", "subscribe"} or not own:
            raise Refused("one of them is not made, bound and subscribed in one chain")
        self.bindings_at = script.span(links["channel"])[1]
        subscribe = links["subscribe"]
        receiver = subscribe.named_children[0].named_children[0]
        if subscribe != node.named_children[0].child_by_field_name("value"):
            raise Refused("the chain goes on after `subscribe`")
        self.subscribe_at = script.span(receiver)[1]
        text = script.source(subscribe)[len(script.source(receiver)) :]
        self.subscribing = re.sub(r"\s+", " ", text).strip()


def _method(script: Script, node: Node) -> str:
    """The method that a call calls; empty if it is no call of one."""
    function = node.child_by_field_name("function") if node.type == "call_expression" else None
    name = function.child_by_field_name("property") if function is not None else None
    return script.source(name) if name is not None else ""


def _starts_in(script: Script, call: Node, channel: Channel) -> bool:
    """Whether a call of `on` is one of the channel's bindings."""
    starts = {script.offset(one.place.line, one.place.column) for one in channel.bindings}
    name = call.named_children[0].child_by_field_name("property")
    return name is not None and script.span(name)[0] in starts


def _removals(script: Script, chain: _Chain) -> list[Edit]:
    """Takes away the statements that remove the channel, the only ones that may name it.

    Raises:
        Refused: something else is done with it.
    """
    name = chain.channel.variable
    found = []
    for node in walk(script.root):
        if node.type == "identifier" and script.source(node) == name and _is_inside(node, chain.statement) is False:
            statement = node
            while statement.parent is not None and statement.type != "expression_statement":
                statement = statement.parent
            wanted = (f"{chain.channel.client}.removeChannel({name})", f"{name}.unsubscribe()")
            if script.source(statement).rstrip(";").removeprefix("void ").removeprefix("await ") not in wanted:
                raise Refused(f"`{name}` is used for something else as well")
            found.append(_line(script, statement))
    if not found:
        raise Refused(f"`{name}` is removed nowhere")
    return found


def _is_inside(node: Node, outer: Node) -> bool:
    return outer.start_byte <= node.start_byte < outer.end_byte


def _line(script: Script, statement: Node) -> Edit:
    """Takes a statement away, with its line if nothing else stands on it."""
    start, end = script.span(statement)
    first, last = script.text.rfind("\n", 0, start) + 1, script.text.find("\n", end)
    if last != -1 and not script.text[first:start].strip() and not script.text[end:last].strip():
        return Edit(script.path, first, last + 1, "")
    return Edit(script.path, start, end, "")
