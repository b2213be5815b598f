"""What changes are made from: the inventory, the application to replay, the files, and the migrations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from helpers.review.database.facts import PolicyFacts
from helpers.review.inventory import Binding, Channel, Inventory
from helpers.review.plan.proposing.application import change_bindings, stream_name
from helpers.review.plan.proposing.proposal import ChangeKind, Proposal
from helpers.review.plan.replay.comparing import Arrangement
from helpers.review.plan.replay.stage import mentions
from helpers.review.plan.rewriting.edits import Edit
from helpers.review.plan.rewriting.migrations import Migrations
from helpers.review.plan.rewriting.refused import Refused
from helpers.review.plan.rewriting.sources import Sources
from helpers.review.source import Place

__all__ = ["Builder", "Found", "Reviewed", "each", "edited", "migrated", "policies", "same_line"]


class Found(Protocol):
    """What a plan needs of a finding."""

    @property
    def rule(self) -> str: ...

    @property
    def place(self) -> Place: ...


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What changes are made from."""

    inventory: Inventory
    application: Arrangement
    sources: Sources
    migrations: Migrations

    def binding(self, place: Place) -> tuple[Channel, Binding, int]:
        """The channel with the binding on that line, the binding, and its place among the channel's wishes."""
        for channel in self.inventory.channels:
            for number, binding in enumerate(change_bindings(channel)):
                if same_line(binding.place, place):
                    return channel, binding, number
        raise Refused("the subscription has no table that the code shows")

    def channel(self, place: Place) -> Channel:
        """The channel that is made on that line."""
        for channel in self.inventory.channels:
            if same_line(channel.created, place):
                return channel
        raise Refused("the channel could not be found again")

    def streams_of(self, channel: Channel) -> tuple[str, ...]:
        """All that the same code makes, however often it is called."""
        made = (one for one in self.inventory.channels if one.created == channel.created)
        return tuple(stream_name(one) for one in made if change_bindings(one))

    def streams_on(self, table: str) -> tuple[str, ...]:
        """Those that subscribe to a table, or to one whose policies ask it."""
        asking = {
            shape.name
            for shape in self.application.shapes
            if shape.name == table or any(mentions(using, table) for using in shape.policies)
        }
        streams = (stream for screen in self.application.subscriptions.screens for stream in screen.streams)
        return tuple(one.name for one in streams if any(wish.table in asking for wish in one.wishes))


Builder = Callable[[Reviewed, Found], Proposal]


def each(build: Builder) -> Callable[[Reviewed, Sequence[Found]], Iterator[Proposal]]:
    """A change for each finding; one whose place could not be found again makes none."""

    def all_of(review: Reviewed, found: Sequence[Found]) -> Iterator[Proposal]:
        for finding in found:
            try:
                yield build(review, finding)
            except Refused:
                continue

    return all_of


def edited(proposal: Proposal, edit: Callable[[], tuple[Edit, ...]]) -> Proposal:
    """With its edits; or, where the code does not show that they keep the behaviour, with the reason."""
    try:
        return replace(proposal, edits=edit())
    except Refused as reason:
        told = f"No diff: {reason}."
        return replace(proposal, advice=f"{proposal.advice} {told}".strip())


def migrated(review: Reviewed, proposal: Proposal) -> Proposal:
    name = f"{proposal.kind} {proposal.id.partition(':')[2].rpartition('/')[2]}"
    named = (
        name
        if proposal.kind is not ChangeKind.POLICY
        else f"policy {proposal.title.partition('“')[2].partition('”')[0]}"
    )
    return replace(proposal, edits=(review.migrations.add(named, proposal.sql),))


def policies(inventory: Inventory) -> Iterator[PolicyFacts]:
    for table in inventory.database.tables:
        yield from table.policies
    yield from inventory.database.policies


def same_line(one: Place, other: Place) -> bool:
    return (one.path, one.line) == (other.path, other.line)
