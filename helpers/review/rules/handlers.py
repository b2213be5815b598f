"""Rules about what happens when an event arrives, and how often it is made to."""

from __future__ import annotations

from collections.abc import Iterator

from helpers.review.inventory import Deed, FileFacts, Poll, Send
from helpers.review.rules.reviewed import Change, Reviewed, exact
from helpers.review.rules.rule import Found, failure, warning
from helpers.review.rules.status import written_table
from helpers.review.rules.words import listed
from helpers.review.source import Place

__all__ = ["RULES"]

CHANGES = "https://supabase.com/docs/guides/realtime/postgres-changes"
PRESENCE_LIMIT = "https://github.com/supabase/realtime/pull/1705"
#: What is made so often that a picture of it cannot be drawn each time.
FAST = frozenset({"pointer", "scroll", "frame"})
#: An interval of so many milliseconds or less is one of them.
FAST_MS = 100
#: Five calls of presence in 30 s are allowed to a client (`realtime_channel.ex`).
PRESENCE_MS = 30_000 / 5
#: What is read less often is a net under the subscription and no substitute.
NET_MS = 60_000


@failure(
    "What was written is not written again",
    CHANGES,
    symptom="P2002 (“Unique constraint failed”) for each event; or rows that multiply by themselves.",
    remedy="The row is in the table: update the screen with it, or write to another table.",
    verify="The number of rows does not change when the handler has run",
)
def create_of_payload(code: Reviewed) -> Iterator[Found]:
    """A change tells of a row that has been committed. Who creates it again in the same table gets a violation of its
    key; without the key a row whose own change leads to the next."""
    for change in code.changes:
        for deed in change.handler.deeds:
            if deed.detail not in ("create", "createMany", "upsert", "insert") or "*" not in deed.takes:
                continue
            if change.table and _same(written_table(code, deed), change.table):
                event = deed.events[0] if deed.events else change.event
                cause = f"The row of {change.table} that {event} tells of is written to {change.table} once more"
                evidence = f"{deed.target}.{deed.detail} of payload.new in the handler of {change.table}"
                fix = f"remove {deed.target}.{deed.detail}: the row of payload.new is in {change.table}; show it"
                yield Found(_call(deed), evidence, cause, fix, (change.binding.place,))


def _same(written: str, table: str) -> bool:
    """Also without a schema.prisma, in which a model's name is mostly the singular."""
    bare = [name.replace("_", "").lower() for name in (written, table)]
    return bool(written) and (bare[0] == bare[1] or bare[0] + "s" == bare[1])


@warning(
    "An event changes what it tells of",
    CHANGES,
    symptom="Each change makes every client read the whole list: many requests at once, and a busy database.",
    remedy="Put the row of the payload into the state by its key; if it has to be read (for joins), read it alone, "
    "and gather bursts with a debounce.",
    verify="One change leads to no request, or to one for one row",
)
def refetch_per_event(code: Reviewed) -> Iterator[Found]:
    """The payload has the new row. Reading the list again costs each client a request for each change, all of them at
    the same moment: subscribers × rows."""
    for change in code.changes:
        deed = next((each for each in change.handler.deeds if _reads_all(change, each)), None)
        if deed is not None:
            who = change.table or "the schema"
            evidence = f"{_named(deed)} for each event of {who}"
            cause = f"Each change of {who} makes every client read the list again"
            yield Found(_call(deed), evidence, cause, _by_key(change, deed), (change.binding.place,))


def _reads_all(change: Change, deed: Deed) -> bool:
    if deed.timed or deed.takes:
        return False
    if deed.kind in ("refetch", "invalidate"):
        return True
    key = set(change.facts.primary_key or ()) if change.facts is not None else set()
    return (
        deed.kind in ("table_read", "prisma_read")
        and not set(deed.key) & (key | {"id"})
        and deed.detail != "findUnique"
    )


def _named(deed: Deed) -> str:
    return f"{deed.target}.{deed.detail}" if deed.detail else deed.target or deed.kind


def _by_key(change: Change, read: Deed) -> str:
    """The row of the payload put where the list is, which the read would fill."""
    key = (change.facts.primary_key or ("id",))[0] if change.facts is not None else "id"
    filled = [each for each in change.handler.deeds if each.kind == "set_state" and each.via[:1] == (read.place,)]
    if change.language == "python":
        return f'rows[record["{key}"]] = record'
    if read.kind == "invalidate" and read.target.endswith("invalidateQueries"):
        cache = read.target.removesuffix("invalidateQueries")
        return (
            f"{cache}setQueryData(key, (rows) => rows.map((row) => (row.{key} === payload.new.{key} ? payload.new "
            f": row)))"
        )
    if not filled or not filled[0].target.startswith("set"):
        return f"rows.set(payload.new.{key}, payload.new)"
    return (
        f"{filled[0].target}((rows) => rows.map((row) => (row.{key} === payload.new.{key} ? payload.new : row)))"
        "\n// likewise [...rows, payload.new] for INSERT, and rows.filter(…) for DELETE"
    )


@warning(
    "An event does not render the route anew",
    CHANGES,
    symptom="Each change has the server render the page for every visitor who has it open.",
    remedy="Keep in client state what changes, and put the row of the payload there; or gather bursts with a debounce.",
    verify="A change leads to no request to the page's address",
)
def router_refresh_per_event(code: Reviewed) -> Iterator[Found]:
    """`router.refresh()` asks the server for the whole route, with all of its queries. A burst of changes asks as
    often, for each visitor."""
    for change in code.changes:
        for deed in change.handler.deeds:
            if deed.kind == "router_refresh" and not deed.timed:
                who = change.table or "the schema"
                cause = f"Each change of {who} has the server render the route for every visitor"
                fix = (
                    f"keep what the page shows of {who} in client state, and put payload.new there instead of "
                    f"{deed.target}()"
                )
                yield Found(_call(deed), f"{_named(deed)} for each event", cause, fix, (change.binding.place,))


@warning(
    "Frequent events are drawn once per frame",
    "https://react.dev/learn/queueing-a-series-of-state-updates",
    symptom="The page stutters as soon as several people move.",
    remedy="Keep what arrived in a ref and draw it in `requestAnimationFrame`; and send at most 10 to 20 times per "
    "second.",
    verify="The profiler shows one render per frame at most",
)
def state_per_event(code: Reviewed) -> Iterator[Found]:
    """A pointer moves some 60 times per second for each participant, and each event sets state and renders. Sends and
    deliveries count against the messages per second too."""
    fast = {exact(send.event): send for send in _sends(code) if send.kind == "broadcast" and _is_fast(send)}
    for file, channel in code.channels:
        for binding in channel.bindings:
            send = fast.get(exact(binding.event)) if binding.kind == "broadcast" and exact(binding.event) else None
            deeds = binding.handler.deeds if binding.handler is not None else ()
            deed = next((d for d in deeds if d.kind in ("set_state", "append_state") and not d.timed), None)
            if send is not None and deed is not None:
                cause = f"“{binding.event}” sets {deed.target} each time, and is sent {_often(send)}"
                fix = _per_frame(file, deed)
                evidence = f"sent in {send.place.path}:{send.place.line} ({_often(send)}), and set without waiting"
                yield Found(_call(deed), evidence, cause, fix, (send.place,))


def _is_fast(send: Send) -> bool:
    often = send.rate_hint in FAST or (send.every_ms is not None and send.every_ms <= FAST_MS)
    return often and not send.timed


def _often(send: Send) -> str:
    if send.every_ms is not None:
        return f"every {send.every_ms:g} ms"
    words = {"pointer": "with each move of the pointer", "scroll": "with each scroll", "frame": "in each frame"}
    return words.get(send.rate_hint, "with each key" if send.rate_hint == "key" else "again and again")


def _per_frame(file: FileFacts, deed: Deed) -> str:
    return (
        f"latest.current = payload\nframe.current ??= requestAnimationFrame(() => "
        f"{{ frame.current = null; {deed.target}(…) }})"
    )


def _sends(code: Reviewed) -> Iterator[Send]:
    for _, channel in code.channels:
        yield from channel.sends


@failure(
    "Presence is for who is there",
    PRESENCE_LIMIT,
    symptom="After a few moves the channel is closed with “Client presence rate limit exceeded”.",
    remedy="Track once per join; send what moves as broadcasts, at most 10 to 20 per second.",
    verify="The channel stays SUBSCRIBED while the pointer moves for a minute",
    notes=(31,),
)
def presence_high_rate(code: Reviewed) -> Iterator[Found]:
    """A client may track 5 times in 30 s on a channel; then the server closes it. Each track also sends the difference
    to everybody."""
    for file, channel in code.channels:
        for send in channel.sends:
            often = send.rate_hint in FAST | {"key"} or (send.every_ms is not None and send.every_ms < PRESENCE_MS)
            if send.kind == "track" and often and not send.timed:
                cause = f"Presence of {channel.topic} is tracked {_often(send)}; five times in 30 s are allowed"
                name = channel.variable or "channel"
                fix = f"{name}.send({{ type: 'broadcast', event: 'moved', payload: … }})"
                fix = f"await {name}.send_broadcast('moved', …)" if file.language == "python" else fix
                yield Found(send.place, f"track {_often(send)}", cause, fix)


@warning(
    "What is subscribed to is not polled as well",
    CHANGES,
    symptom="Requests every few seconds from every open page, on top of the changes that arrive anyway.",
    remedy="Read once when the channel is SUBSCRIBED, and again each time it is SUBSCRIBED anew; poll only while it "
    "is not.",
    verify="No request while nothing changes",
    notes=(9,),
)
def polling_beside_subscription(code: Reviewed) -> Iterator[Found]:
    """A subscription that works makes the poll useless, and one that does not is not mended by it but hidden. Each page
    asks at its rate, whether something has changed or not."""
    for file in code.inventory.files:
        listens = {each.table: each for each in code.changes_of.get(file.path, ()) if each.table} if file.polls else {}
        for poll in file.polls:
            both = [table for table in _tables(code, poll) if table in listens]
            if both and (poll.every_ms or 0) < NET_MS:
                often = f"every {poll.every_ms:g} ms" if poll.every_ms else "again and again"
                cause = f"{listed(both)} is read {often} beside the subscription to it"
                fix = f"remove {poll.kind}, and read once under SUBSCRIBED"
                evidence = f"{poll.kind} of {poll.target or 'a query'} reads {listed(both)}"
                yield Found(poll.place, evidence, cause, fix, _places(listens[each] for each in both))


def _tables(code: Reviewed, poll: Poll) -> Iterator[str]:
    for name in poll.tables:
        facts = code.of_model(name)
        yield facts.name if facts is not None else name


def _places(changes: Iterator[Change]) -> tuple[Place, ...]:
    return tuple(each.binding.place for each in changes)


def _call(deed: Deed) -> Place:
    """Where the handler does it: the deed itself, or the call that leads to it."""
    return deed.via[0] if deed.via else deed.place


RULES = (
    create_of_payload,
    refetch_per_event,
    router_refresh_per_event,
    state_per_event,
    presence_high_rate,
    polling_beside_subscription,
)
