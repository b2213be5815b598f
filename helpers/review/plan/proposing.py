"""From findings to changes that may pay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import msgspec

from helpers.review.database.facts import PolicyFacts, TableFacts
from helpers.review.inventory import Binding, Channel, Client, Comparison, Deed, Inventory
from helpers.review.plan.application import READS, application_of, change_bindings, stream_name
from helpers.review.plan.edits import Edit
from helpers.review.plan.kinds.coalescing import coalescing_edits
from helpers.review.plan.kinds.lifetime import cleanup_edits, client_edits
from helpers.review.plan.kinds.narrowing import event_edit, filter_edit, select_edit, selected_columns
from helpers.review.plan.kinds.sharing import sharing_edits
from helpers.review.plan.kinds.stability import memo_edits
from helpers.review.plan.kinds.statements import index_sql, missing_indexes, once, policy_sql, publication_sql
from helpers.review.plan.migrations import Migrations
from helpers.review.plan.proposal import (
    ChangeKind,
    Proposal,
    Refused,
    with_screens,
    with_shape,
    with_streams,
    with_wishes,
)
from helpers.review.plan.replay import BYTES, CHANNELS, CONNECTIONS, DATABASE, MESSAGES, REQUESTS, Arrangement
from helpers.review.plan.shapes import Shape
from helpers.review.plan.sources import Sources
from helpers.review.plan.stage import mentions
from helpers.review.plan.subscriptions import Reaction, Screen, Stream, Wish
from helpers.review.plan.usage import Usage
from helpers.review.source import Place

__all__ = ["Found", "propose"]


class Found(Protocol):
    """What a plan needs of a finding."""

    @property
    def rule(self) -> str: ...

    @property
    def place(self) -> Place: ...


@dataclass(frozen=True, slots=True)
class _Review:
    """What changes are made from."""

    inventory: Inventory
    application: Arrangement
    sources: Sources
    migrations: Migrations

    def binding(self, place: Place) -> tuple[Channel, Binding, int]:
        """The channel with the binding on that line, the binding, and its place among the channel's wishes."""
        for channel in self.inventory.channels:
            for number, binding in enumerate(change_bindings(channel)):
                if _same_line(binding.place, place):
                    return channel, binding, number
        raise Refused("the subscription has no table that the code shows")

    def channel(self, place: Place) -> Channel:
        """The channel that is made on that line."""
        for channel in self.inventory.channels:
            if _same_line(channel.created, place):
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


_Builder = Callable[[_Review, Found], Proposal]


def propose(inventory: Inventory, findings: Iterable[Found], usage: Usage) -> tuple[tuple[Proposal, ...], Sources]:
    """A change for each finding for which there is one, in the order in which edits and measurements are best made.

    Returns:
        The changes, and the files that they edit.
    """
    database = inventory.database
    written = {policy.place.path for policy in _policies(inventory) if policy.place}
    written |= {table.place.path for table in database.tables if table.place}
    review = _Review(inventory, application_of(inventory, usage), Sources(inventory.root), Migrations(sorted(written)))
    by_rule: dict[str, list[Found]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    proposals = [one for rule, build in _BUILDERS.items() for one in build(review, by_rule.get(rule, []))]
    unique = {one.id: one for one in proposals}
    return tuple(unique.values()), review.sources


def _each(build: _Builder) -> Callable[[_Review, Sequence[Found]], Iterator[Proposal]]:
    """A change for each finding; one whose place could not be found again makes none."""

    def all_of(review: _Review, found: Sequence[Found]) -> Iterator[Proposal]:
        for finding in found:
            try:
                yield build(review, finding)
            except Refused:
                continue

    return all_of


def _edited(proposal: Proposal, edit: Callable[[], tuple[Edit, ...]]) -> Proposal:
    """With its edits; or, where the code does not show that they keep the behaviour, with the reason."""
    try:
        return replace(proposal, edits=edit())
    except Refused as reason:
        told = f"No diff: {reason}."
        return replace(proposal, advice=f"{proposal.advice} {told}".strip())


def _filter(review: _Review, finding: Found) -> Proposal:
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
    return _edited(proposal, lambda: (_filter_edit(review, binding, guard),))


def _filter_edit(review: _Review, binding: Binding, guard: Comparison | None) -> Edit:
    if guard is None:
        raise Refused("the handler takes all rows, and only what the screen reads otherwise tells which are its own")
    return filter_edit(review.sources.script(binding.place), binding, guard, review.inventory.database)


def _event(review: _Review, finding: Found) -> Proposal:
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
    return _edited(proposal, lambda: (event_edit(review.sources.script(binding.place), binding),))


def _select(review: _Review, finding: Found) -> Proposal:
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
    return _edited(proposal, lambda: (select_edit(script(), binding, review.inventory.database),))


def _wishes(
    review: _Review, channel: Channel, number: int, change: Callable[[Wish], Wish]
) -> Callable[[Arrangement], Arrangement]:
    """Changes one binding wherever the code makes it."""
    steps = [with_wishes(name, {number}, change) for name in review.streams_of(channel)]

    def apply(whole: Arrangement) -> Arrangement:
        for step in steps:
            whole = step(whole)
        return whole

    return apply


def _shared(review: _Review, finding: Found) -> Proposal:
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
    return _edited(proposal, lambda: sharing_edits(review.sources.script(first.created), alike))


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


def _refetches(review: _Review, found: Sequence[Found]) -> Iterator[Proposal]:
    """One change a file, as all of its refetches need the same function; and, as advice, not to read again at all."""
    by_file: dict[str, list[tuple[Channel, Binding, int, Deed]]] = {}
    for finding in found:
        for one in _deeds_at(review, finding.place):
            by_file.setdefault(finding.place.path, []).append(one)
    for path, some in by_file.items():
        deeds = list({deed.place: deed for *_, deed in some}.values())
        streams = tuple(dict.fromkeys(name for channel, *_ in some for name in review.streams_of(channel)))
        common = {"place": deeds[0].place, "streams": streams, "chosen": REQUESTS, "rules": ("refetch_per_event",)}
        proposal = Proposal(
            id=f"coalesced:{path}",
            kind=ChangeKind.COALESCED_REFETCH,
            title=f"Read {_counted(len(deeds), 'list')} again once for changes that come together",
            advice="The last reading begins after the last change, so that in the end the same is shown.",
            apply=with_streams(streams, partial(_reacting, reaction=Reaction.COALESCE)),
            **common,  # type: ignore[arg-type]
        )
        yield _edited(proposal, partial(_coalescing, review, deeds))
        yield Proposal(
            id=f"payload:{path}",
            kind=ChangeKind.APPLIED_PAYLOAD,
            title=f"Take rows from changes, and read {_counted(len(deeds), 'list')} when the channel is joined only",
            advice="By hand: what the list shows may be joined from other tables, sorted or cut, of which a change says"
            " nothing.",
            apply=with_streams(streams, partial(_reacting, reaction=Reaction.APPLY)),
            **common,  # type: ignore[arg-type]
        )


def _coalescing(review: _Review, deeds: Sequence[Deed]) -> tuple[Edit, ...]:
    return coalescing_edits(review.sources.script(deeds[0].place), deeds)


def _reacting(stream: Stream, reaction: Reaction) -> Stream:
    reading = (Reaction.REFETCH, Reaction.COALESCE)
    wishes = tuple(
        msgspec.structs.replace(wish, reaction=reaction) if wish.reaction in reading else wish for wish in stream.wishes
    )
    return msgspec.structs.replace(stream, wishes=wishes)


def _deeds_at(review: _Review, place: Place) -> Iterator[tuple[Channel, Binding, int, Deed]]:
    """The readings on that line: the call in the handler, and not what it leads to."""
    for channel in review.inventory.channels:
        for number, binding in enumerate(change_bindings(channel)):
            for deed in binding.handler.deeds if binding.handler else ():
                if deed.kind in READS and not deed.via and _same_line(deed.place, place):
                    yield channel, binding, number, deed


def _cleanups(review: _Review, found: Sequence[Found]) -> Iterator[Proposal]:
    """One change for each effect, as all that it leaves behind is removed in one place."""
    by_effect: dict[Place, list[tuple[Found, Channel]]] = {}
    for finding in found:
        with suppress(Refused):
            channel = review.channel(finding.place)
            place = channel.effect.place if channel.effect is not None else channel.created
            by_effect.setdefault(place, []).append((finding, channel))
    for some in by_effect.values():
        yield _cleanup(review, [finding for finding, _ in some], [channel for _, channel in some])


def _cleanup(review: _Review, found: Sequence[Found], channels: Sequence[Channel]) -> Proposal:
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
    return _edited(proposal, lambda: cleanup_edits(review.sources.script(channels[0].created), channels))


def _stable(review: _Review, finding: Found) -> Proposal:
    effect = next(
        (one.effect for one in review.inventory.channels if one.effect and _same_line(one.effect.place, finding.place)),
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
    return _edited(proposal, lambda: memo_edits(review.sources.script(finding.place), effect))


def _client(review: _Review, finding: Found) -> Proposal:
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
    return _edited(proposal, lambda: client_edits(review.sources.script(client.place), client))


def _client_at(review: _Review, place: Place) -> Client:
    for file in review.inventory.files:
        for client in file.clients:
            if _same_line(client.place, place):
                return client
    raise Refused("the client could not be found again")


def _no_poll(review: _Review, finding: Found) -> Proposal:
    poll = next(
        (poll for file in review.inventory.files for poll in file.polls if _same_line(poll.place, finding.place)), None
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


def _policy(review: _Review, finding: Found) -> Proposal:
    policy = _policy_at(review, finding.place)
    statement = policy_sql(policy)
    if statement is None:
        raise Refused("it calls once already")
    shape = partial(_with_policies, change=once)
    return _migrated(
        review,
        Proposal(
            id=f"policy:{finding.place}",
            kind=ChangeKind.POLICY,
            title=f"Let the policy “{policy.name}” ask who the user is once, and not for each row",
            place=finding.place,
            streams=review.streams_on(policy.table),
            apply=with_shape(policy.table, shape),
            chosen=DATABASE,
            rules=(finding.rule,),
            sql=(statement,),
        ),
    )


def _with_policies(shape: Shape, change: Callable[[str], str]) -> Shape:
    return msgspec.structs.replace(shape, policies=tuple(map(change, shape.policies)))


def _indexes(review: _Review, found: Sequence[Found]) -> Iterator[Proposal]:
    """An index for each column that policies look up; several policies may need the same."""
    done: set[tuple[str, str]] = set()
    for finding in found:
        try:
            policy = _policy_at(review, finding.place)
        except Refused:
            continue
        table = review.inventory.database.table(policy.table, policy.schema)
        for other, column in missing_indexes(table, review.inventory.database) if table else ():
            if (other.name, column) not in done:
                done.add((other.name, column))
                yield _index(review, finding, other, column)


def _index(review: _Review, finding: Found, table: TableFacts, column: str) -> Proposal:
    return _migrated(
        review,
        Proposal(
            id=f"index:{table.name}.{column}",
            kind=ChangeKind.INDEX,
            title=f"An index on {table.name} ({column}), which policies look up",
            place=finding.place,
            advice=f"With Prisma, say `@@index([{column}])` in its model too, or the next migration drops it.",
            streams=review.streams_on(table.name),
            apply=with_shape(table.name, partial(_indexed, column=column)),
            chosen=DATABASE,
            rules=(finding.rule,),
            sql=(index_sql(table, column),),
        ),
    )


def _indexed(shape: Shape, column: str) -> Shape:
    return msgspec.structs.replace(shape, indexes=(*shape.indexes, (column,)))


def _publication(review: _Review, finding: Found) -> Proposal:
    _, binding, _ = review.binding(finding.place)
    table = _table(review, binding)
    return _migrated(
        review,
        Proposal(
            id=f"publication:{table.name}",
            kind=ChangeKind.PUBLICATION,
            title=f"Publish {table.name}, of whose changes Realtime says nothing now",
            place=finding.place,
            rules=(finding.rule,),
            sql=(publication_sql(table),),
        ),
    )


def _identity(review: _Review, finding: Found) -> Proposal:
    _, binding, _ = review.binding(finding.place)
    table = _table(review, binding)
    return _migrated(
        review,
        Proposal(
            id=f"identity:{table.name}",
            kind=ChangeKind.IDENTITY,
            title=f"Write whole old rows of {table.name} to the log, by which its deletions are filtered",
            place=finding.place,
            advice="Each UPDATE and DELETE then writes the old row as well.",
            rules=(finding.rule,),
            sql=(f"alter table {table.schema}.{table.name} replica identity full;",),
        ),
    )


def _table(review: _Review, binding: Binding) -> TableFacts:
    schema = binding.schema.value if binding.schema is not None and binding.schema.exact else "public"
    found = review.inventory.database.table(binding.table.value, schema) if binding.table else None
    if found is None:
        raise Refused("no file of the code base makes the table")
    return found


def _migrated(review: _Review, proposal: Proposal) -> Proposal:
    name = f"{proposal.kind} {proposal.id.partition(':')[2].rpartition('/')[2]}"
    named = (
        name
        if proposal.kind is not ChangeKind.POLICY
        else f"policy {proposal.title.partition('“')[2].partition('”')[0]}"
    )
    return replace(proposal, edits=(review.migrations.add(named, proposal.sql),))


def _policy_at(review: _Review, place: Place) -> PolicyFacts:
    for policy in _policies(review.inventory):
        if policy.place is not None and _same_line(policy.place, place):
            return policy
    raise Refused("the policy could not be found again")


def _policies(inventory: Inventory) -> Iterator[PolicyFacts]:
    for table in inventory.database.tables:
        yield from table.policies
    yield from inventory.database.policies


def _same_line(one: Place, other: Place) -> bool:
    return (one.path, one.line) == (other.path, other.line)


def _counted(count: int, noun: str) -> str:
    return f"the {noun}" if count == 1 else f"{count} {noun}s"


#: What is done about the findings of a rule, in the order of the plan: first what works wrongly, then what is sent in
#: vain, then what is dear. What joins channels comes after what edits their bindings.
_BUILDERS: Mapping[str, Callable[[_Review, Sequence[Found]], Iterator[Proposal]]] = {
    "table_unpublished": _each(_publication),
    "delete_filter_identity": _each(_identity),
    "client_in_render": _each(_client),
    "channel_not_removed": _cleanups,
    "unstable_dependencies": _each(_stable),
    "full_table": _each(_filter),
    "wildcard_event": _each(_event),
    "large_columns": _each(_select),
    "channels_mergeable": _each(_shared),
    "refetch_per_event": _refetches,
    "polling_beside_subscription": _each(_no_poll),
    "policy_call_per_row": _each(_policy),
    "policy_column_unindexed": _indexes,
}
