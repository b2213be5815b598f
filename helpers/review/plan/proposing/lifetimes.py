"""Channels and clients that live as long as they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial

import msgspec

from helpers.review.inventory import Channel, Client
from helpers.review.plan.proposing.application import change_bindings, stream_name
from helpers.review.plan.proposing.proposal import ChangeKind, Proposal, with_screens, with_streams
from helpers.review.plan.proposing.reviewed import Found, Reviewed, edited, same_line
from helpers.review.plan.replay.comparing import CONNECTIONS, MESSAGES
from helpers.review.plan.rewriting.lifetime import cleanup_edits, client_edits
from helpers.review.plan.rewriting.refused import Refused
from helpers.review.plan.rewriting.stability import memo_edits
from helpers.review.source import Place

__all__ = ["cleanups", "one_client", "stable_dependencies"]


def cleanups(review: Reviewed, found: Sequence[Found]) -> Iterator[Proposal]:
    """One change for each effect, as all that it leaves behind is removed in one place."""
    by_effect: dict[Place, list[tuple[Found, Channel]]] = {}
    for finding in found:
        with suppress(Refused):
            channel = review.channel(finding.place)
            place = channel.effect.place if channel.effect is not None else channel.created
            by_effect.setdefault(place, []).append((finding, channel))
    for some in by_effect.values():
        yield _cleanup(review, [finding for finding, _ in some], [channel for _, channel in some])


def _cleanup(review: Reviewed, found: Sequence[Found], channels: Sequence[Channel]) -> Proposal:
    names = tuple(name for channel in channels for name in review.streams_of(channel))
    topics = " and ".join(f"“{channel.topic}”" for channel in channels)
    proposal = Proposal(
        id=f"cleanup:{channels[0].created}",
        kind=ChangeKind.CLEANUP,
        title=f"Remove the channel{'s' * (len(channels) > 1)} {topics} when the component goes",
        place=channels[0].created,
        streams=names,
        apply=with_streams(names, partial(msgspec.structs.replace, copies=1)) if names else None,
        chosen=MESSAGES,
        rules=(found[0].rule,),
    )
    return edited(proposal, lambda: cleanup_edits(review.sources.script(channels[0].created), channels))


def stable_dependencies(review: Reviewed, finding: Found) -> Proposal:
    effect = next(
        (one.effect for one in review.inventory.channels if one.effect and same_line(one.effect.place, finding.place)),
        None,
    )
    if effect is None:
        raise Refused("the effect could not be found again")
    unstable = [f"`{one.text}`" for one in effect.dependencies or () if one.stable is False]
    proposal = Proposal(
        id=f"stable:{effect.place}",
        kind=ChangeKind.STABLE,
        title=f"Keep {' and '.join(unstable)} from render to render, so that the channel stays joined",
        place=finding.place,
        advice="Each render leaves the channel now and joins it again; what changes in between is lost.",
        rules=(finding.rule,),
    )
    return edited(proposal, lambda: memo_edits(review.sources.script(finding.place), effect))


def one_client(review: Reviewed, finding: Found) -> Proposal:
    client = _client_at(review, finding.place)
    using = [one for one in review.inventory.channels
             if one.client == client.name and one.where.component == client.where.component
             and one.created.path == client.place.path]  # fmt: skip
    names = tuple(stream_name(one) for one in using if change_bindings(one))
    proposal = Proposal(
        id=f"client:{client.place}",
        kind=ChangeKind.CLIENT,
        title="Make the client once, when the module is loaded",
        place=client.place,
        streams=names,
        apply=with_screens(names, partial(msgspec.structs.replace, sockets=1)) if names else None,
        chosen=CONNECTIONS,
        rules=(finding.rule,),
    )
    return edited(proposal, lambda: client_edits(review.sources.script(client.place), client))


def _client_at(review: Reviewed, place: Place) -> Client:
    for file in review.inventory.files:
        for client in file.clients:
            if same_line(client.place, place):
                return client
    raise Refused("the client could not be found again")
