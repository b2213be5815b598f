"""From chains to channels: what is listened to, subscribed, sent and removed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, cast

from tree_sitter import Node

from helpers.review.code.chained.chains import Bound, Chain, Link, Source, ancestors, text, walk
from helpers.review.code.chained.handlers import handler_of
from helpers.review.inventory import Binding, Channel, Effect, Removal, Send, Text, Where
from helpers.review.source import Place

__all__ = ["channels_of"]

_REMOVING = frozenset({"removeChannel", "remove_channel"})
_REMOVING_ALL = frozenset({"removeAllChannels", "remove_all_channels"})
_SUBSCRIBING = frozenset({"subscribe", "subscribeWithError"})
_SENDING: dict[str, Literal["broadcast", "track", "untrack"]] = {
    "send_broadcast": "broadcast",
    "sendBroadcastMessage": "broadcast",
    "broadcast": "broadcast",
    "track": "track",
    "untrack": "untrack",
}
_STATUSES = {
    "SUBSCRIBED": ("SUBSCRIBED", ".subscribed"),
    "CHANNEL_ERROR": ("CHANNEL_ERROR", ".channelError"),
    "TIMED_OUT": ("TIMED_OUT", ".timedOut"),
    "CLOSED": ("CLOSED", ".closed"),
}
_CALLS = frozenset({"call", "call_expression", "expression_statement", "await_expression", "function_body"})
#: A name that is given a channel's name: ``self.channel = channel``.
_ALIAS = re.compile(r"([\w.]+)[ \t]*=[ \t]*([A-Za-z_]\w*);?[ \t]*$", re.MULTILINE)
_PRIVATE = re.compile(r"""["']?(?:isPrivate|private)["']?\s*[:=]\s*(\w+)""")


@dataclass(slots=True)
class _Draft:
    """A channel while the file is read."""

    topic: Text
    created: Place
    where: Where
    client: str
    private: bool | None
    variable: str
    function: Node
    bindings: list[Binding] = field(default_factory=list)
    subscribed: Place | None = None
    subscribed_where: Where = field(default_factory=Where)
    status_callback: bool = False
    handles: tuple[str, ...] = ()
    forwards: bool = False
    removals: list[Removal] = field(default_factory=list)
    sends: list[Send] = field(default_factory=list)
    effect: Effect | None = None
    escapes: str = ""

    def channel(self) -> Channel:
        return Channel(
            topic=self.topic,
            created=self.created,
            where=self.where,
            private=self.private,
            bindings=tuple(self.bindings),
            client=self.client,
            effect=self.effect,
            subscribed=self.subscribed,
            subscribed_where=self.subscribed_where,
            status_callback=self.status_callback,
            handles=self.handles,
            forwards_status=self.forwards,
            removals=tuple(self.removals),
            sends=tuple(self.sends),
            variable=self.variable,
            escapes=self.escapes,
        )


def channels_of(source: Source, chains: list[Chain]) -> tuple[Channel, ...]:
    """The channels that a file makes. Other libraries have channels too: nothing is said of those that only seem so."""
    reading = _Reading(source)
    for chain in chains:
        reading.chain(chain)
    for chain in chains:
        reading.removing(chain)
    reading.escaping()
    imported = source.imports.search(source.content) is not None
    told = re.search(r"supabase|realtime", source.content, re.IGNORECASE) is not None
    return tuple(
        draft.channel()
        for draft in reading.drafts
        if imported or draft.bindings or (told and (draft.subscribed or draft.sends))
    )


class _Reading:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._aliases = {_plain(name): value for name, value in _ALIAS.findall(source.content)}
        self.drafts: list[_Draft] = []

    def chain(self, chain: Chain) -> None:
        streamed = self._source.streamed(chain)
        if streamed is not None:
            self._streamed(chain, *streamed)
            return
        made = next((at for at, link in enumerate(chain.links) if _makes_channel(link)), None)
        if made is not None:
            draft, rest = self._made(chain, made), chain.links[made + 1 :]
        else:
            found = self._held(chain)
            if found is None:
                return
            draft, rest = found
        for link in rest:
            self._link(draft, link)

    def _made(self, chain: Chain, at: int) -> _Draft:
        link, source = chain.links[at], self._source
        client = ".".join(filter(None, (chain.base, *(each.name for each in chain.links[:at]))))
        draft = _Draft(
            topic=source.value(link.given("name", 0) or link.named("channelId")),
            created=source.place(link.node, link.end),
            where=source.where(chain.node),
            client=client,
            private=_private(link),
            variable=source.holder(chain),
            function=source.function(chain.node),
            effect=source.effect(chain.node),
            escapes=_returned(chain.node),
        )
        self.drafts.append(draft)
        return draft

    def _streamed(self, chain: Chain, link: Link, bound: Bound) -> None:
        """A channel that the library makes by itself, and removes when nobody listens any more."""
        source = self._source
        place, where = source.place(link.node, link.end), source.where(chain.node)
        draft = _Draft(Text("{stream}", False), place, where, chain.base, False, "", source.function(chain.node))
        changes = Binding("postgres_changes", bound.event, place, bound.schema, bound.table, bound.filter)
        draft.bindings.append(changes)
        draft.escapes = "passed"
        self.drafts.append(draft)

    def _held(self, chain: Chain) -> tuple[_Draft, tuple[Link, ...]] | None:
        """The channel that a chain begins with, and what is called of it."""
        name = chain.base
        for at in range(len(chain.links) + 1):
            draft = self._named(name, chain.node)
            if draft is not None:
                return draft, chain.links[at:]
            if at == len(chain.links) or chain.links[at].arguments is not None:
                return None
            name = f"{name}.{chain.links[at].name}" if name else chain.links[at].name
        return None

    def _named(self, name: str, node: Node) -> _Draft | None:
        """The channel of a variable: one of the same function, else the last of that name."""
        plain = _plain(name)
        wanted = {plain, self._aliases.get(plain, plain)} - {""}
        found = [draft for draft in self.drafts if _plain(draft.variable) in wanted]
        function = self._source.function(node)
        return next((draft for draft in reversed(found) if draft.function == function), found[-1] if found else None)

    def _link(self, draft: _Draft, link: Link) -> None:
        source = self._source
        bound = source.bound(link)
        if bound is not None:
            kind = cast(Literal["postgres_changes", "broadcast", "presence", "system"], bound.kind)
            handler = handler_of(source, bound.handler, kind)
            draft.bindings.append(
                Binding(
                    kind,
                    bound.event,
                    source.place(link.node, link.end),
                    bound.schema,
                    bound.table,
                    bound.filter,
                    handler=handler,
                    after_subscribe=draft.subscribed is not None and source.function(link.node) == draft.function,
                )
            )
        elif link.arguments is None:
            return
        elif link.name in _SUBSCRIBING:
            self._subscribed(draft, link)
        elif link.name in _SENDING:
            event = source.value(link.given("event", 0)) if _SENDING[link.name] == "broadcast" else Text("")
            place, where = source.place(link.node, link.end), source.where(link.node)
            draft.sends.append(Send(_SENDING[link.name], event, place, where))
        elif link.name == "unsubscribe":
            self._removed(draft, "unsubscribe", link)

    def _subscribed(self, draft: _Draft, link: Link) -> None:
        source = self._source
        draft.subscribed = source.place(link.node, link.end)
        draft.subscribed_where = source.where(link.node)
        draft.effect = source.effect(link.node) or draft.effect
        callback = link.given("callback", 0) or link.closure
        named = link.named("blockUntilSubscribed")
        if callback is None or callback == named:
            return
        function = source.function_of(callback)
        written = text(function)
        draft.status_callback = True
        draft.handles = tuple(name for name, words in _STATUSES.items() if any(word in written for word in words))
        draft.forwards = function is None or set(draft.handles) != {"SUBSCRIBED"} or _uses_error(written)

    def removing(self, chain: Chain) -> None:
        for link in chain.links:
            if link.name in _REMOVING_ALL and link.arguments is not None:
                for draft in self.drafts:
                    self._removed(draft, "removeAllChannels", link)
            elif link.name in _REMOVING and link.arguments:
                draft_ = self._named(text(link.arguments[0].node), chain.node)
                if draft_ is not None:
                    self._removed(draft_, "removeChannel", link)

    def _removed(self, draft: _Draft, how: str, link: Link) -> None:
        source = self._source
        place = source.place(link.node, link.end)
        draft.removals.append(Removal(how, place, source.where(link.node), source.in_cleanup(link.node)))

    def escaping(self) -> None:
        """Channels that are given back or on, so that others may remove them."""
        names = {_plain(draft.variable): draft for draft in self.drafts if draft.variable}
        for node in walk(self._source.root):
            kind = _ESCAPES.get(node.type)
            for child in node.named_children if kind else ():
                draft = names.get(_plain(text(child)))
                if draft is not None and not draft.escapes and not self._is_removal(node):
                    draft.escapes = kind or ""

    def _is_removal(self, node: Node) -> bool:
        around = [text(each) for each in islice(ancestors(node), 4) if each.type in _CALLS]
        return any(word in text_ for text_ in around[:1] for word in _REMOVING)


_ESCAPES = {
    "return_statement": "returned",
    "argument_list": "passed",
    "argument": "passed",
    "value_argument": "passed",
    "control_transfer_statement": "returned",
    "return_expression": "returned",
}


def _returned(node: Node) -> str:
    """Whether the chain itself is what a function gives back."""
    for around in ancestors(node):
        if _ESCAPES.get(around.type) == "returned":
            return "returned"
        if "block" in around.type or "statement" in around.type or around.type.startswith("argument"):
            return ""
    return ""


def _makes_channel(link: Link) -> bool:
    return link.name in ("channel", "createChannel") and bool(link.arguments)


def _private(link: Link) -> bool | None:
    options = " ".join(text(each.node) for each in (link.arguments or ())[1:]) + text(link.closure)
    named = link.named("private")
    found = _PRIVATE.search(f"private: {text(named)}" if named is not None else options)
    return {"true": True, "false": False}.get(found[1].lower()) if found else False


def _uses_error(written: str) -> bool:
    """Whether the callback does something with its error, or with the status beyond testing for one."""
    body = re.split(r"=>|\)\s*\{|\bin\b|:", written, maxsplit=1)[-1]
    return re.search(r"\b(?:err|error|exc|exception)\b|[(,]\s*status\s*[),]", body) is not None


def _plain(name: str) -> str:
    return re.sub(r"^(?:self|this|widget)\.|[?!]|^await\s+", "", name.strip())
