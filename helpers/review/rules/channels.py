"""Rules about how many channels there are."""

from __future__ import annotations

from collections.abc import Iterator

from helpers.review.inventory import Channel, FileFacts, Rendering
from helpers.review.rules.reviewed import Reviewed
from helpers.review.rules.rule import Found, failure, note, warning
from helpers.review.rules.words import listed
from helpers.review.source import Place

__all__ = ["RULES"]

LIMITS = "https://supabase.com/docs/guides/realtime/limits"
TOO_MANY = "https://supabase.com/docs/guides/troubleshooting/realtime-too-many-channels-error"
MULTIPLE = "https://supabase.com/docs/guides/realtime/postgres-changes#combination-changes"
#: Channels of one connection, on every plan.
MOST_CHANNELS = 100


@failure(
    "A connection has 100 channels at most",
    LIMITS,
    symptom="From the 101st channel on “ChannelRateLimitReached: Too many channels”.",
    remedy="Use one channel with several bindings, a filter with `in.(…)`, or a broadcast whose payload names the row.",
    verify="`supabase.getChannels().length` stays under 100",
    notes=(10,),
)
def channels_beyond_limit(code: Reviewed) -> Iterator[Found]:
    """The limit is one of the socket, on every plan. A join over it is refused, and after a refused join the server
    lets the whole socket wait for 5 seconds."""
    for _, channel in code.channels:
        loop = channel.where.in_loop
        if loop is not None and (loop.times or 0) > MOST_CHANNELS:
            cause = f"The loop makes {loop.times} channels; a connection has {MOST_CHANNELS} at most"
            fix = "one channel, and the number in the event's name or its payload"
            evidence = f"{channel.topic} in a loop of {loop.times} rounds (line {loop.place.line})"
            yield Found(channel.created, evidence, cause, fix, (loop.place,))


@warning(
    "Rows share a channel",
    TOO_MANY,
    symptom="A long list joins slowly, and from 100 rows on the rest of it stays silent.",
    remedy="Subscribe once where the list is, with a filter that covers its rows, and hand each row its events.",
    verify="The number of channels does not depend on the number of rows",
    follows=("channels_beyond_limit",),
    notes=(10,),
)
def channel_per_row(code: Reviewed) -> Iterator[Found]:
    """Each channel is joined by a message of its own, within the quota of joins per second, and a socket has 100 at
    most: a list makes it as many as it has rows."""
    for file, channel in code.channels:
        loop, shown = channel.where.in_loop, _rendered_per_row(code, file, channel)
        if loop is not None and loop.times is None:
            over, place = loop.name or "its rows", loop.place
            evidence = f"{channel.topic} is made for each of {over} (line {place.line})"
        elif shown is not None and shown.where.in_loop is not None and _subscribes(channel):
            over, place = shown.where.in_loop.name or "its rows", shown.place
            evidence = f"{channel.where.component} is shown for each of {over} ({place.path}:{place.line})"
        else:
            continue
        cause = f"There are as many channels {channel.topic} as there are {over}"
        yield Found(channel.created, evidence, cause, _shared(channel), (place,))


def _subscribes(channel: Channel) -> bool:
    return channel.subscribed is not None


def _rendered_per_row(code: Reviewed, file: FileFacts, channel: Channel) -> Rendering | None:
    """Where the component of a channel is shown once per row."""
    component = channel.where.component
    for other, shown in code.shown.get(component, ()):
        if component and shown.where.in_loop is not None and _means(other, file, component):
            return shown if shown.where.in_loop.times is None else None
    return None


def _means(other: FileFacts, file: FileFacts, component: str) -> bool:
    """Whether a name in the other file is the component of this one."""
    if other.path == file.path:
        return True
    return any(each.name == component and each.file == file.path for each in other.imports)


def _shared(channel: Channel) -> str:
    tables = listed(each.table.value for each in channel.bindings if each.table is not None)
    if tables:
        return (
            f"one channel where the list is: listen to {tables} with a filter that its rows have in common, or "
            f"id=in.(…)"
        )
    return "one channel where the list is, and the row's id in the payload of its events"


@note(
    "One channel has several bindings",
    MULTIPLE,
    symptom="A page joins several channels where one would do; each counts against 100 channels and the joins per "
    "second.",
    remedy="Chain the `.on(…)` on one channel.",
    verify="One `phx_join` in the browser's network tab",
    notes=(10,),
)
def channels_mergeable(code: Reviewed) -> Iterator[Found]:
    """A channel takes any number of bindings to postgres_changes, and its topic means nothing to them. Channels that
    are made and removed together can be one: one join, one status, one cleanup."""
    groups: dict[tuple[str, str, Place, bool | None], list[Channel]] = {}
    for file, channel in code.channels:
        scope = channel.effect.place if channel.effect is not None else None
        function = channel.where.function
        scope = scope or (function.place if function is not None else None)
        if scope is not None and _mergeable(channel):
            groups.setdefault((file.path, channel.client, scope, channel.private), []).append(channel)
    for group in groups.values():
        if len({channel.created for channel in group}) > 1:
            yield _merged(group)


def _mergeable(channel: Channel) -> bool:
    only = bool(channel.bindings) and all(each.kind == "postgres_changes" for each in channel.bindings)
    plain = not channel.where.in_loop and not channel.through and not channel.sends
    return only and plain and channel.subscribed is not None


def _merged(group: list[Channel]) -> Found:
    first, *others = group
    topics = listed(channel.topic for channel in group)
    tables = listed(each.table or "?" for channel in group for each in channel.bindings)
    cause = f"{topics} come and go together: one channel would do for {tables}"
    fix = f"{first.client}.channel(…)" + "".join(f".on(… {each.table} …)" for c in group for each in c.bindings)
    evidence = f"{len(group)} channels with postgres_changes alone, in lines {listed(c.created.line for c in group)}"
    return Found(first.created, evidence, cause, fix + ".subscribe(…)", tuple(each.created for each in others))


RULES = (channels_beyond_limit, channel_per_row, channels_mergeable)
