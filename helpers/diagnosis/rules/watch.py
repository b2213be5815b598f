"""Rules about the connection and its channels over time; what they brought is judged in `watch_events`."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

from helpers.diagnosis.evidence import Evidence, Missing, TableName, Watched
from helpers.diagnosis.evidence.watch import Drop, ErrorSeen
from helpers.diagnosis.rules import watch_code as code
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning
from helpers.wire.refusals import join_advice, subscription_advice

__all__ = ["RULES", "watched"]

SILENT = (
    "https://supabase.com/docs/guides/troubleshooting/"
    "realtime-handling-silent-disconnections-in-backgrounded-applications-592794"
)
#: supabase-js pauses 1, 2, 5 and 10 s: a client that waits so joins no more often than that in a minute.
MOST_JOINS_PER_MINUTE = 8
#: A warm server delivers some milliseconds after the join; beyond this, people have written too early.
LATE_MS = 1000
#: A server or proxy that closes idle connections looks every so often, so that its silences differ by this much.
SAME_SILENCE = 0.15
#: The genuine server closes after 60 to 66 s of silence, load balancers and nginx after 60 s.
KNOWN_IDLE_S = (55.0, 70.0)
#: Silences below this are too common to mean anything.
LEAST_SILENCE_S = 0.2
LOSSES = ("heartbeat_gap", "dead_link", "idle_close")


def watched(evidence: Evidence) -> Watched | Missing:
    """The watch, if a connection was opened in it at all."""
    seen = evidence.watched
    if isinstance(seen, Missing) or seen.connects:
        return seen
    return Missing("no connection was opened in the watch")


def beaten(evidence: Evidence) -> Watched | Missing:
    seen = watched(evidence)
    if isinstance(seen, Missing) or seen.heartbeats.sent:
        return seen
    return Missing(f"the watch was over before the first heartbeat was due ({seen.heartbeats.interval_s:g} s)")


def with_changes(evidence: Evidence) -> Watched | Missing:
    """The watch, if changes were subscribed to in it."""
    seen = watched(evidence)
    if isinstance(seen, Missing) or any(each.gaps_ms for each in seen.subscriptions):
        return seen
    return Missing("no changes were subscribed to in the watch")


@rule(
    "Heartbeats go out on time",
    beaten,
    SILENT,
    symptom="CHANNEL_ERROR, TIMED_OUT or CLOSED after a tab was in the background, a phone locked or a laptop asleep.",
    remedy="In browsers read again when a page becomes visible, and let a Web Worker keep the beat while it is hidden; "
    "on servers keep the event loop free.",
    verify="Watch again while the page is in the background or the server at work: the longest gap stays near the "
    "interval.",
    notes=(1, 2),
)
def heartbeat_gap(seen: Watched) -> Verdict:
    """A client proves that it lives by a heartbeat every 25 s, and the server closes a connection that was silent for
    66 s. Browsers slow the timers of hidden pages down, a sleeping machine stops them, and a program that computes
    without a pause never gets to them; so the heartbeat comes late, and the connection is gone. A worker's timers are
    not slowed down; a page that the browser froze sends nothing, with a worker or without."""
    beats = seen.heartbeats
    text = f"longest gap {beats.longest_gap_s:.1f} s, one was due every {beats.interval_s:g} s, n = {beats.sent}"
    if beats.longest_gap_s <= 2 * beats.interval_s:
        return ok(text)
    cause = (
        f"Heartbeats were late by up to {beats.longest_gap_s - beats.interval_s:.1f} s: this process was kept from "
        "sending them, and the server ends a connection after 66 s of silence"
    )
    fix = (
        "// in a browser:\nconst supabase = createClient(url, key, { realtime: { worker: true } })\n"
        "document.addEventListener('visibilitychange', () => {\n"
        "  if (document.visibilityState === 'visible') resubscribe()\n})\n"
        "# in Python: move what computes out of the event loop\nawait asyncio.to_thread(compute)"
    )
    return warning(text, cause, fix)


@rule(
    "The connection does not die in silence",
    watched,
    SILENT,
    symptom="No event arrives any more, the status stays SUBSCRIBED, and nothing is logged.",
    remedy="Take a missing answer to a heartbeat for the end of the connection, and find what on the way forgets it.",
    verify="Watch again over the same network: every heartbeat is answered.",
    notes=(47,),
)
def dead_link(seen: Watched) -> Verdict:
    """A router that forgets a connection, a change of network or a server that vanished sends no word of it: the socket
    stays open on this side and carries nothing. Only a heartbeat that is not answered tells."""
    dead = [drop for drop in seen.drops if drop.dead]
    beats = seen.heartbeats
    if not dead:
        return ok(f"{beats.answered} of {beats.sent} heartbeats answered, {seen.connects} connections")
    silent = max(drop.silent_s for drop in dead)
    cause = (
        f"{len(dead)} times the connection was open and dead: a heartbeat was not answered within "
        f"{beats.answer_s:g} s, and nobody closed it; something on the way forgets connections or holds frames back"
    )
    fix = (
        "// see it, and come back:\n"
        "supabase.realtime.onHeartbeat((status) => {\n"
        "  if (status === 'timeout' || status === 'disconnected') supabase.realtime.connect()\n})\n"
        "// and look for a router, proxy or VPN that forgets idle connections; heartbeats closer together keep them:\n"
        f"createClient(url, key, {{ realtime: {{ heartbeatIntervalMs: {_interval_ms(silent)} }} }})"
    )
    return failure(f"{listed(map(_when, dead))}; silent for up to {silent:.1f} s", cause, fix)


@rule(
    "Nothing closes idle connections",
    watched,
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html",
    symptom="CHANNEL_ERROR or CLOSED in regular intervals, about a minute apart, when little happens.",
    remedy="Send heartbeats in less than half of the idle limit, and raise that limit to minutes.",
    verify="Watch again for twice the interval: no connection is lost.",
    follows=("heartbeat_gap",),
    notes=(9,),
)
def idle_close(seen: Watched) -> Verdict:
    """Load balancers and proxies close a connection on which nothing travelled for a while, 60 s by default, and
    Realtime itself does after 66 s. A client whose heartbeats are further apart, or do not go out, loses it again and
    again, and with it every event until it is back."""
    idle = _idle(seen.drops)
    if not idle:
        return ok(f"{seen.drop_count} connections lost, none of them for being idle")
    silence = statistics.median(drop.silent_s for drop in idle)
    cause = (
        f"Connections are closed after {silence:.1f} s without a frame, {len(idle)} times in this watch; heartbeats "
        f"came every {seen.heartbeats.interval_s:g} s: Realtime does so after 66 s, load balancers and nginx after 60 s"
    )
    fix = (
        f"createClient(url, key, {{ realtime: {{ heartbeatIntervalMs: {_interval_ms(silence)} }} }})\n"
        "# nginx in front of Realtime:\nproxy_read_timeout 3600s;\nproxy_send_timeout 3600s;\n"
        "# an AWS load balancer: attribute idle_timeout.timeout_seconds = 3600"
    )
    return failure(f"silent for {listed(f'{drop.silent_s:.1f} s' for drop in idle)} before the end", cause, fix)


@rule(
    "The token outlives the watch",
    watched,
    "https://github.com/supabase/supabase/issues/16684",
    symptom="Events stop after an hour, “Token has expired”, and the channel is closed while REST goes on.",
    remedy="Give Realtime each new token before the old one ends.",
    verify="Watch with a fresh token for longer than the old one lived.",
    notes=(4, 5, 6, 8),
)
def token_expires_in_watch(seen: Watched) -> Verdict:
    """Realtime closes a channel in the second in which its token expires. The client does not notice by itself that
    there is a newer token unless it is told, or asked by the client for each join."""
    left = seen.token_left_s
    if left is None:
        return ok("the key does not expire")
    if left > seen.lasted_s:
        return ok(f"good for {left / 60:.0f} min when the watch began")
    closed = [each.name for each in seen.subscriptions if each.closed_at_s is not None]
    text = (
        f"the token was good for {left:.0f} s, the watch took {seen.lasted_s:.0f} s; closed: {listed(closed) or 'none'}"
    )
    cause = "The token expired during the watch, and from then on its channels are closed and deliver nothing"
    return warning(text, cause, code.refresh_token())


@rule(
    "The connection stays",
    watched,
    "https://github.com/supabase/supabase/issues/5290",
    symptom="The screen lags behind the database after CHANNEL_ERROR and a new SUBSCRIBED, until it is loaded again.",
    remedy="Fetch the rows again each time that changes begin to be delivered: Realtime does not repeat what it sent "
    "while nobody listened.",
    verify="Watch again: no connection is lost; or cut one, and see the screen complete after its return.",
    follows=LOSSES,
    notes=(9, 2),
)
def reconnecting(seen: Watched) -> Verdict:
    """Changes are sent to those who are connected, once. Whoever loses the connection comes back after one or more
    seconds, joins again, and waits for the first poll: all that was committed meanwhile never reaches them."""
    if not seen.drop_count:
        return ok(f"no connection lost in {seen.lasted_s:.0f} s")
    away = [drop.away_s for drop in seen.drops if drop.away_s is not None]
    refused = sum(error.count for error in seen.errors if error.kind == "connect")
    text = f"{seen.drop_count} lost: {listed(map(_when, seen.drops))}"
    text += f"; away for {sum(away):.1f} s" if away else "; not back at the end of the watch"
    text += f"; {refused} attempts to connect failed" if refused else ""
    cause = f"The connection was lost {seen.drop_count} times, and what was committed until it was back is lost"
    if seen.missed:
        cause += f": {seen.missed} rows or messages of this watch did not arrive"
    elif seen.committed:
        cause += "; this time nothing was"
    return warning(
        text, cause, code.fetch_after_return(_tables(seen)) or "Fetch what the topic is about after each join"
    )


@rule(
    "Joins hold",
    watched,
    "https://github.com/supabase/realtime-js/issues/169",
    symptom="SUBSCRIBED and TIMED_OUT or CLOSED in turn, “Too many joins per second”, a socket that closes with 1001.",
    remedy="Join each channel once, remove it when its screen goes, and leave pauses before trying again.",
    verify="Watch again: one join for each channel and connection.",
    follows=(*LOSSES, "reconnecting", "token_expires_in_watch", "error_frames"),
    notes=(3, 10, 11, 12),
)
def rejoin_storm(seen: Watched) -> Verdict:
    """Joining is work for the server, so that it limits joins per second, answers a refusal only after 5 s, and closes
    the socket of whoever joins too often. Clients that join on each render, or at once after each failure, hit these
    limits, and joining is then all that they do."""
    timeouts = sum(error.count for error in seen.errors if error.kind == "timeout")
    stormy = [each for each in seen.subscriptions if each.busiest_minute > MOST_JOINS_PER_MINUTE]
    joins = sum(each.joins for each in seen.subscriptions)
    if not (timeouts or stormy):
        return ok(f"{joins} joins of {len(seen.subscriptions)} channels on {seen.connects} connections")
    text = f"{listed(f'{each.name}: {each.joins} joins' for each in stormy or seen.subscriptions)}"
    cause = f"Channels are joined again and again: {joins} joins on {seen.connects} connections"
    if timeouts:
        cause += f", {timeouts} of them without an answer, which supabase-js shows as TIMED_OUT"
    fix = (
        "// once for each screen, and gone with it (React):\n"
        "useEffect(() => {\n  const channel = supabase.channel(topic).on(…).subscribe()\n"
        "  return () => { supabase.removeChannel(channel) }\n}, [topic])\n"
        "// answers that do not come: look for a proxy that holds frames back, and at the load in the Realtime logs"
    )
    return failure(text, cause, fix)


@rule(
    "The server reports no error",
    watched,
    "https://github.com/supabase/realtime/blob/main/ERROR_CODES.md",
    symptom="CHANNEL_ERROR; or nothing at all, because most clients do not show `system` messages.",
    remedy="Read what the server says, with a listener for `system` messages, and do what its sentence asks for.",
    verify="Watch again: no error frame arrives.",
    follows=("token_expires_in_watch", "near_event_limit", "reconnecting", *LOSSES),
    notes=(15, 30, 31),
)
def error_frames(seen: Watched) -> Verdict:
    """Realtime says what is wrong in messages that clients tend to swallow: `system` with status error, the refusal of
    a join, `phx_error` when a channel crashed, `phx_close` when the server ended it."""
    errors = [error for error in seen.errors if error.kind in ("system", "reply", "phx_error", "phx_close")]
    if not errors:
        return ok(f"none on {len(seen.subscriptions)} channels")
    text = "; ".join(f"{error.where}: {error.kind} “{error.message}” ({error.count}×)" for error in errors[:3])
    told = next((error for error in errors if error.kind in ("system", "reply")), errors[0])
    cause = f"Realtime reports about {told.where}: {told.message}"
    return failure(
        text, cause, "\n".join(dict.fromkeys(_cure(seen, error) for error in errors if _tells(error, errors)))
    )


@rule(
    "Changes are delivered soon after each SUBSCRIBED",
    with_changes,
    "https://github.com/supabase/realtime-js/issues/525",
    symptom="A row that is written right after SUBSCRIBED never arrives.",
    remedy="Wait for the `system` message of postgres_changes, not for SUBSCRIBED, before writing or fetching.",
    verify="Write a row after that message on each connection: it arrives.",
    notes=(14,),
)
def late_ready(seen: Watched) -> Verdict:
    """SUBSCRIBED says that the channel is joined. Its changes are subscribed to afterwards, in the database, and the
    server says so in a `system` message of its own; what is committed in between is delivered to nobody."""
    gaps = {each.name: each.gaps_ms for each in seen.subscriptions if each.gaps_ms}
    slowest = max(max(values) for values in gaps.values())
    count = sum(map(len, gaps.values()))
    text = f"up to {slowest:.0f} ms from SUBSCRIBED to the delivery of changes, n = {count}"
    if slowest <= LATE_MS:
        return ok(text)
    cause = "What is written between SUBSCRIBED and the system message is not delivered"
    fix = code.wait_until_ready(_tables(seen))
    if all(max(values[1:], default=0.0) <= LATE_MS for values in gaps.values()):
        return note(text, f"{cause}: the first subscriber after a pause waits for a cold start", fix)
    return warning(text, f"{cause}, and it is so at each return", fix)


def _idle(drops: Iterable[Drop]) -> list[Drop]:
    """Those that ended after a silence: a known one, or the same one time and again."""
    quiet = [drop for drop in drops if not drop.dead and drop.code in (None, 1000) and drop.silent_s > LEAST_SILENCE_S]
    known = [drop for drop in quiet if KNOWN_IDLE_S[0] <= drop.silent_s <= KNOWN_IDLE_S[1]]
    if known or len(quiet) < 2:
        return known
    middle = statistics.median(drop.silent_s for drop in quiet)
    same = [drop for drop in quiet if math.isclose(drop.silent_s, middle, rel_tol=SAME_SILENCE)]
    return same if len(same) > 1 and len(same) == len(quiet) else []


def _interval_ms(silence_s: float) -> int:
    """A third of the silence, so that a heartbeat may be late; 25 s, the usual interval, at most."""
    return min(25_000, max(100, round(silence_s * 1000 / 3)))


def _when(drop: Drop) -> str:
    return f"at {drop.at_s:.1f} s ({'no close code' if drop.code is None else f'code {drop.code}'}, {drop.reason})"


def _tables(seen: Watched) -> list[TableName]:
    return [each.table for each in seen.subscriptions if each.table is not None]


def _tells(error: ErrorSeen, errors: list[ErrorSeen]) -> bool:
    """A close tells nothing where the server has said why."""
    return error.kind != "phx_close" or all(other.kind == "phx_close" for other in errors)


def _cure(seen: Watched, error: ErrorSeen) -> str:
    table = next((each.table for each in seen.subscriptions if each.name == error.where), None)
    if "Please check Realtime is enabled" in error.message and table is not None:
        return f"alter publication supabase_realtime add table {table.quoted};"
    advice = join_advice if table is None or error.kind == "reply" else subscription_advice
    return f"-- {error.where}: {advice(error.message)}"


RULES = (
    heartbeat_gap,
    dead_link,
    idle_close,
    token_expires_in_watch,
    reconnecting,
    error_frames,
    rejoin_storm,
    late_ready,
)
