"""Rules about the moments around a join: before it, at it, and when it fails."""

from __future__ import annotations

from collections.abc import Iterator

from helpers.review.inventory import Channel, Deed, FileFacts
from helpers.review.rules.reviewed import SCRIPTS, Reviewed, exact
from helpers.review.rules.rule import Found, failure, note, warning
from helpers.review.rules.words import listed
from helpers.review.source import Place

__all__ = ["RULES", "written_table"]

SUBSCRIBE = "https://supabase.com/docs/reference/javascript/subscribe"
READY = "https://github.com/supabase/supabase-js/pull/2630"
TIMED_OUT = "https://supabase.com/docs/guides/troubleshooting/realtime-connections-timed_out-status"
PRESENCE = "https://supabase.com/docs/guides/realtime/presence"
#: In these, `subscribe` takes a callback; others tell the status in other ways.
WITH_CALLBACK = SCRIPTS | {"python", "dart"}
FAULTS = ("CHANNEL_ERROR", "TIMED_OUT", "CLOSED")


@warning(
    "Somebody hears how a subscription fares",
    SUBSCRIBE,
    symptom="The page shows old data, and neither the console nor the user is told why.",
    remedy="Give `subscribe` a callback that shows the status, and fetch anew when it is SUBSCRIBED again.",
    verify="Switch the network off: the page says so",
    notes=(4, 9),
)
def no_status_callback(code: Reviewed) -> Iterator[Found]:
    """A join that is refused, a token that expires, a connection that breaks: all of it is told to the callback of
    `subscribe` and to nobody else. What was changed while it was broken is not sent later."""
    for file, channel in code.channels:
        if channel.subscribed is not None and not channel.status_callback and file.language in WITH_CALLBACK:
            cause = f"Nobody hears whether {channel.topic} was joined, and when it breaks"
            yield Found(channel.subscribed, "subscribe() without a callback", cause, _callback(file))


def _callback(file: FileFacts) -> str:
    if file.language == "python":
        return "await channel.subscribe(lambda status, error: log.warning('%s %s', status, error))"
    if file.language == "dart":
        return ".subscribe((status, error) { if (error != null) show(status); })"
    return (
        ".subscribe((status, error) => {\n"
        "  if (status === 'SUBSCRIBED') refetch() // what was missed meanwhile\n"
        "  if (status === 'CHANNEL_ERROR' || status === 'TIMED_OUT') console.error(status, error)\n})"
    )


@note(
    "Failures of a subscription are dealt with",
    TIMED_OUT,
    symptom="The page waits for a connection that was refused.",
    remedy="Deal with CHANNEL_ERROR, TIMED_OUT and CLOSED in the callback too.",
    verify="Subscribe with a wrong key: the page says so",
    notes=(3, 4),
)
def status_errors_unhandled(code: Reviewed) -> Iterator[Found]:
    """The callback is called with SUBSCRIBED, CHANNEL_ERROR, TIMED_OUT or CLOSED. If only the first is looked at,
    failing looks like waiting."""
    for _, channel in code.channels:
        if channel.subscribed is None or not channel.status_callback or channel.forwards_status:
            continue
        else_too = any(not set(deed.events) <= {"SUBSCRIBED"} or not deed.events for deed in channel.status_deeds)
        if channel.handles == ("SUBSCRIBED",) and not else_too:
            cause = f"A refused or broken {channel.topic} looks like one that is still being joined"
            fix = "if (status === 'CHANNEL_ERROR' || status === 'TIMED_OUT') console.error(status, error)"
            yield Found(channel.subscribed, "the callback tests for SUBSCRIBED alone", cause, fix)


@failure(
    "Nothing is written before changes are delivered",
    READY,
    symptom="The first row is written and never arrives; all later ones do.",
    remedy="Write after the `system` message of postgres_changes says ok, or join with `postgres_changes_options: { "
    "wait: true }` (supabase-js 2.119.1), which makes SUBSCRIBED mean it.",
    verify="Of 20 rows that are written at the begin, 20 arrive",
    notes=(14,),
)
def write_at_subscribed(code: Reviewed) -> Iterator[Found]:
    """SUBSCRIBED means that the channel was joined. The subscription to the database is made after it, and takes from
    some milliseconds to seconds; what is written meanwhile is delivered to nobody."""
    for _, channel in code.channels:
        tables = {exact(each.table) for each in channel.bindings if each.kind == "postgres_changes"} - {""}
        if not tables or _waits(channel):
            continue
        early = [each for each in channel.status_deeds if not each.events or "SUBSCRIBED" in each.events]
        for deed in (*early, *channel.deeds_after):
            table = written_table(code, deed)
            if table and (table in tables or "*" in tables):
                moment = "under SUBSCRIBED" if deed in early else "right after subscribe()"
                cause = f"A row is written to {table} before its changes are delivered to {channel.topic}"
                related = (channel.subscribed,) if channel.subscribed else ()
                yield Found(_call(deed), f"{deed.detail or deed.kind} {moment}", cause, _when_ready(channel), related)


def _waits(channel: Channel) -> bool:
    return any(name == "postgres_changes_options.wait" and value.value != "false" for name, value in channel.config)


def _when_ready(channel: Channel) -> str:
    name = channel.variable or "channel"
    return (
        f"{name}.on('system', {{}}, (message) => {{\n"
        "  if (message.extension === 'postgres_changes' && message.status === 'ok') write()\n})"
    )


def written_table(code: Reviewed, deed: Deed) -> str:
    """The table that a deed writes to; nothing if it writes to none, or one that cannot be told."""
    if deed.kind in ("table_insert", "table_write"):
        return deed.target
    if deed.kind != "prisma_write":
        return ""
    facts = code.of_model(deed.target)
    return facts.name if facts is not None else deed.target


def _call(deed: Deed) -> Place:
    return deed.via[0] if deed.via else deed.place


@warning(
    "Broadcasts are sent once the channel is joined",
    "https://supabase.com/docs/guides/realtime/broadcast",
    symptom="Messages take an HTTP request each, and may overtake each other; “falling back to REST” in the console.",
    remedy="Send under SUBSCRIBED, or say that it is meant: `channel.httpSend(event, payload)` needs no join.",
    verify="The message is a frame of the WebSocket in the network tab",
)
def send_before_subscribed(code: Reviewed) -> Iterator[Found]:
    """`subscribe()` returns before the server has answered. A broadcast that is sent meanwhile goes by an HTTP request
    of its own, without the order and the speed of the socket."""
    yield from _early(code, "broadcast", "is sent before {} is joined, by an HTTP request of its own")


@warning(
    "Presence is tracked each time the channel is joined",
    PRESENCE,
    symptom="After the network was away for a moment somebody is offline to everybody, though connected.",
    remedy="Track under SUBSCRIBED: the callback is called after each rejoin.",
    verify="Switch the network off and on: the user is there again",
)
def track_before_subscribed(code: Reviewed) -> Iterator[Found]:
    """What is tracked right after `subscribe()` waits for the join and is sent once. The server forgets it with the
    connection, and the client does not repeat it when it joins again."""
    yield from _early(code, "track", "is tracked once, and not again after {} was rejoined")


def _early(code: Reviewed, kind: str, harm: str) -> Iterator[Found]:
    for _, channel in code.channels:
        for send in channel.sends:
            if send.kind == kind and send.when == "after_subscribe":
                what = f"“{send.event}”" if kind == "broadcast" else "Presence"
                name = channel.variable or "channel"
                call = "send(…)" if kind == "broadcast" else "track(…)"
                fix = f"{name}.subscribe((status) => {{ if (status === 'SUBSCRIBED') {name}.{call} }})"
                cause = f"{what} {harm.format(channel.topic)}"
                related = (channel.subscribed,) if channel.subscribed else ()
                yield Found(
                    send.place,
                    f"right after subscribe(), in {listed([send.where.component or 'the same function'])}",
                    cause,
                    fix,
                    related,
                )


RULES = (
    write_at_subscribed,
    no_status_callback,
    status_errors_unhandled,
    send_before_subscribed,
    track_before_subscribed,
)
