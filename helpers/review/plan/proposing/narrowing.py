"""Asking the server for less."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from helpers.review.inventory import Binding, Channel, Comparison
from helpers.review.plan.proposing.proposal import ChangeKind, Proposal, with_wishes
from helpers.review.plan.proposing.reviewed import Found, Reviewed, edited
from helpers.review.plan.replay.comparing import BYTES, MESSAGES, Arrangement
from helpers.review.plan.replay.subscriptions import Wish
from helpers.review.plan.rewriting.edits import Edit
from helpers.review.plan.rewriting.narrowing import event_edit, filter_edit, select_edit, selected_columns
from helpers.review.plan.rewriting.refused import Refused

__all__ = ["by_columns", "by_event", "by_filter"]


def by_filter(review: Reviewed, finding: Found) -> Proposal:
    channel, binding, number = review.binding(finding.place)
    guard = next((one for one in binding.handler.comparisons if one.guards) if binding.handler else iter(()), None)
    table = binding.table.value if binding.table else ""
    column = guard.column if guard else "the column that the screen reads by"
    proposal = Proposal(
        id=f"filter:{binding.place}",
        kind=ChangeKind.FILTER,
        title=f"Ask for the rows of {table} by {column}, which the handler picks out",
        place=binding.place,
        advice="The handler keeps its test, which then lets everything through.",
        streams=review.streams_of(channel),
        apply=_wishes(review, channel, number, partial(msgspec.structs.replace, filtered=True)),
        chosen=MESSAGES,
        rules=(finding.rule,),
    )
    return edited(proposal, lambda: (_filter_edit(review, binding, guard),))


def _filter_edit(review: Reviewed, binding: Binding, guard: Comparison | None) -> Edit:
    if guard is None:
        raise Refused("the handler takes all rows, and only what the screen reads otherwise tells which are its own")
    return filter_edit(review.sources.script(binding.place), binding, guard, review.inventory.database)


def by_event(review: Reviewed, finding: Found) -> Proposal:
    channel, binding, number = review.binding(finding.place)
    events = binding.handler.events if binding.handler else ()
    proposal = Proposal(
        id=f"event:{binding.place}",
        kind=ChangeKind.EVENT,
        title=f"Ask for {' and '.join(events)}, the only changes that the handler acts on",
        place=binding.place,
        streams=review.streams_of(channel),
        apply=_wishes(review, channel, number, lambda wish: msgspec.structs.replace(wish, event=events[0])),
        chosen=MESSAGES,
        rules=(finding.rule,),
    )
    return edited(proposal, lambda: (event_edit(review.sources.script(binding.place), binding),))


def by_columns(review: Reviewed, finding: Found) -> Proposal:
    channel, binding, number = review.binding(finding.place)
    columns = selected_columns(binding, review.inventory.database)
    proposal = Proposal(
        id=f"select:{binding.place}",
        kind=ChangeKind.SELECT,
        title=f"Ask for the columns {', '.join(columns)}, which are all that the handler reads",
        place=binding.place,
        streams=review.streams_of(channel),
        apply=_wishes(review, channel, number, partial(msgspec.structs.replace, select=columns)),
        chosen=BYTES,
        rules=(finding.rule,),
    )
    script = partial(review.sources.script, binding.place)
    return edited(proposal, lambda: (select_edit(script(), binding, review.inventory.database),))


def _wishes(
    review: Reviewed, channel: Channel, number: int, change: Callable[[Wish], Wish]
) -> Callable[[Arrangement], Arrangement]:
    """Changes one binding wherever the code makes it."""
    steps = [with_wishes(name, {number}, change) for name in review.streams_of(channel)]

    def apply(whole: Arrangement) -> Arrangement:
        for step in steps:
            whole = step(whole)
        return whole

    return apply
