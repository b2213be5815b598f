"""A change that may pay, before anybody has measured it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from enum import StrEnum

import msgspec

from helpers.review.plan.replay.comparing import Arrangement
from helpers.review.plan.replay.shapes import Shape
from helpers.review.plan.replay.stage import mentions
from helpers.review.plan.replay.subscriptions import Screen, Stream, SubscriptionSet, Wish
from helpers.review.plan.rewriting.edits import Edit
from helpers.review.source import Place

__all__ = [
    "ChangeKind",
    "Proposal",
    "part_of",
    "with_screens",
    "with_shape",
    "with_streams",
    "with_wishes",
]


class ChangeKind(StrEnum):
    """What is changed, and so what it is measured by."""

    FILTER = "filter"
    EVENT = "event"
    SELECT = "select"
    SHARED_CHANNEL = "shared channel"
    COALESCED_REFETCH = "coalesced refetch"
    APPLIED_PAYLOAD = "payload in place of refetch"
    CLEANUP = "cleanup"
    STABLE = "stable dependencies"
    CLIENT = "one client"
    POLICY = "policy"
    INDEX = "index"
    PUBLICATION = "publication"
    IDENTITY = "replica identity"
    BROADCAST = "broadcast from the database"
    NO_POLL = "no polling"
    BATCH = "batched state"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One change.

    Attributes:
        id: kind and place.
        title: what is done. place: where.
        edits: of the code; empty if there are none. sql: statements of a migration.
        advice: what to do and why it may be left, in sentences; all there is where the code is not edited.
        streams: names of the streams that it is about.
        apply: makes of the application as it is the one with the change; None where there is nothing to measure.
        chosen: the metric that decides whether it pays.
        rules: ids of the rules that find it.
    """

    id: str
    kind: ChangeKind
    title: str
    place: Place
    advice: str = ""
    edits: tuple[Edit, ...] = ()
    sql: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    apply: Callable[[Arrangement], Arrangement] | None = None
    chosen: str = ""
    rules: tuple[str, ...] = ()


def part_of(whole: Arrangement, streams: Collection[str]) -> Arrangement:
    """The screens with these streams, and the tables that they and their policies need."""
    screens = []
    for screen in whole.subscriptions.screens:
        kept = tuple(stream for stream in screen.streams if stream.name in streams)
        if kept:
            screens.append(msgspec.structs.replace(screen, streams=kept))
    subscriptions = msgspec.structs.replace(whole.subscriptions, screens=tuple(screens))
    needed = set(subscriptions.tables)
    asked = [using for shape in whole.shapes if shape.name in needed for using in shape.policies]
    shapes = tuple(shape for shape in whole.shapes
                   if shape.name in needed or any(mentions(using, shape.name) for using in asked))  # fmt: skip
    polled = [_without_polls_of_others(screen, needed) for screen in screens]
    return Arrangement(shapes, msgspec.structs.replace(subscriptions, screens=tuple(polled)))


def _without_polls_of_others(screen: Screen, tables: Collection[str]) -> Screen:
    return msgspec.structs.replace(screen, polls=tuple(poll for poll in screen.polls if poll.table in tables))


def with_streams(names: Collection[str], change: Callable[[Stream], Stream]) -> Callable[[Arrangement], Arrangement]:
    """Changes the streams of these names, and no others."""

    def apply(whole: Arrangement) -> Arrangement:
        screens = tuple(
            msgspec.structs.replace(
                screen, streams=tuple(change(one) if one.name in names else one for one in screen.streams)
            )
            for screen in whole.subscriptions.screens
        )
        return _with(whole, screens)

    return apply


def with_wishes(
    name: str, places: Collection[int], change: Callable[[Wish], Wish]
) -> Callable[[Arrangement], Arrangement]:
    """Changes some wishes of one stream, by their places in it."""

    def rewish(stream: Stream) -> Stream:
        wishes = tuple(change(wish) if place in places else wish for place, wish in enumerate(stream.wishes))
        return msgspec.structs.replace(stream, wishes=wishes)

    return with_streams((name,), rewish)


def with_shape(name: str, change: Callable[[Shape], Shape]) -> Callable[[Arrangement], Arrangement]:
    """Changes one table."""

    def apply(whole: Arrangement) -> Arrangement:
        return replace(whole, shapes=tuple(change(one) if one.name == name else one for one in whole.shapes))

    return apply


def with_screens(streams: Collection[str], change: Callable[[Screen], Screen]) -> Callable[[Arrangement], Arrangement]:
    """Changes the screens that have one of these streams."""

    def apply(whole: Arrangement) -> Arrangement:
        screens = tuple(
            change(screen) if any(stream.name in streams for stream in screen.streams) else screen
            for screen in whole.subscriptions.screens
        )
        return _with(whole, screens)

    return apply


def _with(whole: Arrangement, screens: tuple[Screen, ...]) -> Arrangement:
    subscriptions: SubscriptionSet = msgspec.structs.replace(whole.subscriptions, screens=screens)
    return replace(whole, subscriptions=subscriptions)
