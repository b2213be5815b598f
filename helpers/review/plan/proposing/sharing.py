"""One channel in place of several."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec

from helpers.review.inventory import Channel
from helpers.review.plan.proposing.application import stream_name
from helpers.review.plan.proposing.proposal import ChangeKind, Proposal, with_screens
from helpers.review.plan.proposing.reviewed import Found, Reviewed, edited
from helpers.review.plan.replay.comparing import CHANNELS
from helpers.review.plan.replay.subscriptions import Screen, Stream
from helpers.review.plan.rewriting.sharing import sharing_edits

__all__ = ["channel_per_row", "shared_channel"]


def shared_channel(review: Reviewed, finding: Found) -> Proposal:
    first = review.channel(finding.place)
    alike = [one for one in review.inventory.channels if _is_alike(one, first)]
    names = tuple(stream_name(one) for one in alike)
    proposal = Proposal(
        id=f"shared:{first.created}",
        kind=ChangeKind.SHARED_CHANNEL,
        title=f"One channel with {sum(len(one.bindings) for one in alike)} bindings, in place of {len(alike)} channels",
        place=first.created,
        advice="A binding that the server refuses then takes the others with it.",
        streams=names,
        apply=with_screens(names, partial(_merged, names=names)),
        chosen=CHANNELS,
        rules=(finding.rule,),
    )
    return edited(proposal, lambda: sharing_edits(review.sources.script(first.created), alike))


def channel_per_row(review: Reviewed, finding: Found) -> Proposal:
    """One channel for all rows: where it is made has to move, which is beyond an edit."""
    channel = review.channel(finding.place)
    return Proposal(
        id=f"per-row:{channel.created}",
        kind=ChangeKind.SHARED_CHANNEL,
        title=f"One channel for all rows, in place of {channel.topic} for each",
        place=channel.created,
        advice="By hand: subscribe in the component that shows the list, with `filter: 'column=in.(…)'` (at most 100"
        " values) or without a filter, and hand each row what is its own.",
        rules=(finding.rule,),
    )


def _is_alike(one: Channel, first: Channel) -> bool:
    return (
        one.created.path == first.created.path
        and one.where.component == first.where.component
        and one.effect == first.effect
        and one.client == first.client
        and bool(one.bindings)
        and all(binding.kind == "postgres_changes" for binding in one.bindings)
    )


def _merged(screen: Screen, names: Sequence[str]) -> Screen:
    own = [stream for stream in screen.streams if stream.name in names]
    wishes = tuple(wish for stream in own for wish in stream.wishes)
    whole = Stream(name=own[0].name, wishes=wishes, copies=max(stream.copies for stream in own))
    others = tuple(stream for stream in screen.streams if stream.name not in names)
    return msgspec.structs.replace(screen, streams=(whole, *others))
