"""Lists that are read again, and polled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from helpers.review.inventory import Channel, Deed
from helpers.review.plan.proposing.application import READS, change_bindings
from helpers.review.plan.proposing.proposal import ChangeKind, Proposal, with_screens, with_streams
from helpers.review.plan.proposing.reviewed import Found, Reviewed, edited, same_line
from helpers.review.plan.replay.comparing import REQUESTS
from helpers.review.plan.replay.subscriptions import Reaction, Stream
from helpers.review.plan.rewriting.coalescing import coalescing_edits
from helpers.review.plan.rewriting.edits import Edit
from helpers.review.plan.rewriting.refused import Refused
from helpers.review.source import Place

__all__ = ["no_polling", "refetches", "state_per_event"]


def refetches(review: Reviewed, found: Sequence[Found]) -> Iterator[Proposal]:
    """For each file one change of all its refetches, as they need the same function; and not to read again at all."""
    by_file: dict[str, list[tuple[Channel, Deed]]] = {}
    for finding in found:
        by_file.setdefault(finding.place.path, []).extend(_deeds_at(review, finding.place))
    for some in filter(None, by_file.values()):
        deeds = list(dict.fromkeys(deed for _, deed in some))
        streams = tuple(dict.fromkeys(name for channel, _ in some for name in review.streams_of(channel)))
        yield edited(_coalesced(deeds, streams), partial(_coalescing, review, deeds))
        yield _from_payload(deeds, streams)


def _coalesced(deeds: Sequence[Deed], streams: tuple[str, ...]) -> Proposal:
    return Proposal(
        id=f"coalesced:{deeds[0].place.path}",
        kind=ChangeKind.COALESCED_REFETCH,
        title=f"Read {_counted(len(deeds), 'list')} again once for changes that come together",
        place=deeds[0].place,
        advice="The last reading begins after the last change, so that in the end the same is shown.",
        streams=streams,
        apply=with_streams(streams, partial(_reacting, reaction=Reaction.COALESCE)),
        chosen=REQUESTS,
        rules=("refetch_per_event",),
    )


def _from_payload(deeds: Sequence[Deed], streams: tuple[str, ...]) -> Proposal:
    return Proposal(
        id=f"payload:{deeds[0].place.path}",
        kind=ChangeKind.APPLIED_PAYLOAD,
        title=f"Take rows from changes, and read {_counted(len(deeds), 'list')} when the channel is joined only",
        place=deeds[0].place,
        advice="By hand: what the list shows may be joined from other tables, sorted or cut, of which a change says"
        " nothing.",
        streams=streams,
        apply=with_streams(streams, partial(_reacting, reaction=Reaction.APPLY)),
        chosen=REQUESTS,
        rules=("refetch_per_event",),
    )


def _coalescing(review: Reviewed, deeds: Sequence[Deed]) -> tuple[Edit, ...]:
    return coalescing_edits(review.sources.script(deeds[0].place), deeds)


def _reacting(stream: Stream, reaction: Reaction) -> Stream:
    reading = (Reaction.REFETCH, Reaction.COALESCE)
    wishes = tuple(
        msgspec.structs.replace(wish, reaction=reaction) if wish.reaction in reading else wish for wish in stream.wishes
    )
    return msgspec.structs.replace(stream, wishes=wishes)


def _deeds_at(review: Reviewed, place: Place) -> Iterator[tuple[Channel, Deed]]:
    """The readings on that line: the call in the handler, and not what it leads to."""
    for channel in review.inventory.channels:
        for binding in change_bindings(channel):
            for deed in binding.handler.deeds if binding.handler else ():
                if deed.kind in READS and not deed.via and same_line(deed.place, place):
                    yield channel, deed


def state_per_event(review: Reviewed, finding: Found) -> Proposal:
    """Broadcasts that come with each move of a pointer are not replayed: how often, only users can tell."""
    return Proposal(
        id=f"batch:{finding.place}",
        kind=ChangeKind.BATCH,
        title="Collect what comes, and update the state once a frame",
        place=finding.place,
        advice="By hand: keep the newest of each sender in a ref, and set the state in `requestAnimationFrame`.",
        rules=(finding.rule,),
    )


def no_polling(review: Reviewed, finding: Found) -> Proposal:
    poll = next(
        (poll for file in review.inventory.files for poll in file.polls if same_line(poll.place, finding.place)), None
    )
    if poll is None:
        raise Refused("the polling could not be found again")
    screens = [screen for screen in review.application.subscriptions.screens if screen.name == poll.where.component]
    names = tuple(stream.name for screen in screens for stream in screen.streams)
    return Proposal(
        id=f"poll:{poll.place}",
        kind=ChangeKind.NO_POLL,
        title=f"Read {' and '.join(poll.tables) or 'the list'} when the channel is joined again, in place of polling",
        place=poll.place,
        advice="By hand: polling also brings what was changed while the connection was lost. Read the list whenever the"
        " channel says SUBSCRIBED, and the polling can go.",
        streams=names,
        apply=with_screens(names, partial(msgspec.structs.replace, polls=())) if names else None,
        chosen=REQUESTS,
        rules=(finding.rule,),
    )


def _counted(count: int, noun: str) -> str:
    return f"the {noun}" if count == 1 else f"{count} {noun}s"
