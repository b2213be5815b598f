"""Rules about what the open connection answers, from the heartbeat to the delivered change."""

from __future__ import annotations

import statistics

from helpers.diagnosis.evidence import Live, Step, TableVerdict
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.answers import ANSWER_IDS
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning

__all__ = ["RULES"]

#: The specification's targets.
DELIVERY_TARGET_MS = 50
PAYLOAD_TARGET_BYTES = 1024
#: A warm server is ready some milliseconds after the join; beyond this, people have written too early.
READY_WARNING_MS = 1000
#: The longest wait for the poll of an idle slot (replication_poller.ex:189), and as much again for all the rest.
POLL_EXPLAINS_MS = 1000
TROUBLESHOOTING = "https://supabase.com/docs/guides/realtime/troubleshooting"
POLLER = "https://github.com/supabase/realtime/blob/main/lib/extensions/postgres_cdc_rls/replication_poller.ex"
WAIT_FOR_READY = """\
channel.on('system', {}, (message) => {
  if (message.extension === 'postgres_changes' && message.status === 'ok') write()
})"""
BROADCAST_TRIGGER = """\
-- where it matters, let a trigger send it by Broadcast, which is pushed (private channel "table:…"):
create function broadcast_change() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform realtime.broadcast_changes(
    'table:' || tg_table_name, tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
  return null;
end $$;
create trigger broadcast_change after insert or update or delete on {table}
  for each row execute function broadcast_change();"""

AGAIN = "Diagnose again: the step has a time."

Seen = tuple[Live, Step]


@rule(
    "A ping is answered",
    needs.live_step("ping"),
    "https://websockets.readthedocs.io/en/stable/topics/keepalive.html",
    symptom="Python clients lose the connection after 40 s, again and again; browsers, which send no pings, do not.",
    remedy="Let the proxy pass pings and pongs on, or switch the client's own pings off: heartbeats go on.",
    verify=AGAIN,
    follows=("heartbeat_answered",),
    notes=(47,),
)
def ping_answered(seen: Seen) -> Verdict:
    """A proxy that takes messages apart and passes on only those of text and bytes swallows pings. Libraries that send
    them (Python's every 20 s) take the connection for dead."""
    _, step = seen
    if step.samples_ms:
        return ok(_times(step))
    cause = "Something on the way swallows WebSocket pings, while messages get through"
    return warning(step.detail, cause, "websockets.connect(url, ping_interval=None), or a proxy that passes pings on")


@rule(
    "A heartbeat is answered",
    needs.live_step("heartbeat"),
    TROUBLESHOOTING,
    symptom="Channels are SUBSCRIBED and nothing arrives, until the client gives up after two heartbeats (50 s).",
    remedy="Reconnect after one lost heartbeat; let no proxy buffer or inspect WebSockets.",
    verify=AGAIN,
    notes=(1, 2),
)
def heartbeat_answered(seen: Seen) -> Verdict:
    """The TCP connection lives and carries nothing: a proxy buffers or drops frames, or the server's process hangs."""
    live, step = seen
    if step.samples_ms:
        return ok(_times(step))
    pings = "pings are answered" if live.step("ping").samples_ms else "neither are pings answered"
    cause = "The connection is open but dead: Realtime does not answer, or something on the way holds frames back"
    return failure(
        f"{step.detail}; {pings}", cause, "Look for a proxy that buffers WebSockets; reconnect after one lost heartbeat"
    )


@rule(
    "A public channel can be joined",
    needs.live_step("join"),
    TROUBLESHOOTING,
    symptom="CHANNEL_ERROR or TIMED_OUT on every channel, while the socket is open.",
    remedy="Look the server's reason up in its list of error codes, and at the project's Realtime logs.",
    verify=AGAIN,
    follows=ANSWER_IDS,
)
def join_accepted(seen: Seen) -> Verdict:
    """The server refuses with a reason that is in no table yet, or does not answer at all."""
    live, step = seen
    if step.samples_ms:
        return ok(_times(step))
    if not live.join_reason:
        return failure(step.detail, "Realtime did not answer the join", "Look at the project's Realtime logs")
    cause = f"Realtime refuses the join: {live.join_reason}"
    return failure(live.join_reason, cause, "Look the reason up in the server's list of error codes")


@rule(
    "Changes are subscribed soon after the join",
    needs.live_step("system ok"),
    "https://github.com/supabase/realtime-js/issues/525",
    symptom="A row that is written right after SUBSCRIBED never arrives.",
    remedy="Write after the system message, or fetch once when it comes.",
    verify=AGAIN,
    follows=ANSWER_IDS,
    notes=(14,),
)
def changes_ready(seen: Seen) -> Verdict:
    """SUBSCRIBED means that the channel is joined. Changes are delivered from the `system` message on, which takes
    seconds where the server has to start its poller first."""
    live, step = seen
    if not step.samples_ms:
        return _not_subscribed(live, live.system_message or step.detail)
    gap = f"changes are delivered from {_times(step)} after SUBSCRIBED"
    cause = "Whatever is written between SUBSCRIBED and the system message is not delivered"
    if statistics.median(step.samples_ms) > READY_WARNING_MS and len(step.samples_ms) > 1:
        return warning(gap, cause, WAIT_FOR_READY)
    if max(step.samples_ms) > READY_WARNING_MS:
        return note(gap, f"{cause}: the first subscriber after a pause waits for a cold start", WAIT_FOR_READY)
    return ok(gap)


def _not_subscribed(live: Live, said: str) -> Verdict:
    if live.table:
        cause = f"Realtime does not subscribe to changes of {live.table}: {said}"
        return failure(said, cause, "See the checks of the tables and the publication")
    cause = "Realtime finds no table in the schema public whose changes it could send; Broadcast works without"
    return warning(said, cause, 'Name your tables: diagnose(target, tables=["messages"]), or set DATABASE_URL')


@rule(
    "A broadcast comes back",
    needs.live_step("broadcast"),
    TROUBLESHOOTING,
    symptom="send() says ok, and nobody receives anything.",
    remedy="Look at the rate limits and for something on the way that drops messages.",
    verify=AGAIN,
    follows=ANSWER_IDS,
)
def broadcast_returns(seen: Seen) -> Verdict:
    """Broadcasts need no database: where they are lost, a limit is reached or messages are dropped on the way."""
    _, step = seen
    if step.samples_ms:
        return ok(_times(step))
    cause = "The channel is joined, but a broadcast with self: true does not return"
    return failure(step.detail, cause, "Look at the rate limits (messages per second) and the Realtime logs")


@rule(
    "A change is delivered",
    needs.live_step("change"),
    TROUBLESHOOTING,
    symptom="SUBSCRIBED, the system message came, and no change ever arrives.",
    remedy="Look at grants, policies and slots; if broadcasts arrive, the way itself is good.",
    verify=AGAIN,
    follows=(*ANSWER_IDS, "slot_lag", "wal_level", "select_granted"),
)
def change_delivered(seen: Seen) -> Verdict:
    """The row is committed and the subscription stands: the poller does not run, the slot is lost, the rate limit drops
    changes without a word, or something on the way drops these messages."""
    live, step = seen
    if step.samples_ms:
        return ok(f"an INSERT into {live.table} arrived")
    cause = f"A row was inserted into {live.table} after the system message, and its change did not arrive"
    return failure(step.detail, cause, "See the checks of grants, policies and slots, and the Realtime logs")


@rule(
    "A change arrives within 50 ms",
    needs.measured("change"),
    POLLER,
    symptom="Changes arrive a quarter of a second late on average, however near the server is.",
    remedy="Where it matters, let a trigger broadcast the change: Broadcast is pushed, not polled.",
    verify="Measure the broadcast's layer, which has no poll in it.",
)
def delivery_time(seen: Seen) -> Verdict:
    """Changes are polled from the replication slot: at once while rows come, every 500 ms when none do."""
    live, step = seen
    median = statistics.median(step.samples_ms)
    write = statistics.median(live.write_ms) if live.write_ms else 0.0
    text = f"{_times(step)} from INSERT to arrival, {write:.1f} ms of it for the write; target {DELIVERY_TARGET_MS} ms"
    if median <= DELIVERY_TARGET_MS:
        return ok(text)
    cause = (
        "Realtime polls the replication slot: a change waits 0–500 ms on an idle project (250 ms on average), less on "
        "a busy one, whatever the network does"
    )
    fix = BROADCAST_TRIGGER.format(table=live.table)
    if median <= POLL_EXPLAINS_MS:
        return note(text, cause, fix)
    return warning(text, f"{cause}; this is more than the poll explains", fix)


@rule(
    "A change is smaller than 1 KB",
    needs.measured("change"),
    "https://supabase.com/docs/guides/realtime/limits",
    symptom="Phones on slow networks lag behind; egress grows.",
    remedy="Select the columns that the screen needs.",
    verify=AGAIN,
)
def payload_size(seen: Seen) -> Verdict:
    """Each subscriber gets the whole row, and the types of all columns beside it."""
    live, _ = seen
    text = f"{live.change_bytes} bytes for a small row of {live.table}; target {PAYLOAD_TARGET_BYTES} bytes"
    if live.change_bytes <= PAYLOAD_TARGET_BYTES:
        return ok(text)
    cause = "Each subscriber gets the whole row with the types of all columns"
    return warning(text, cause, "Subscribe with `select` to the columns that the screen needs, by table and schema")


@rule(
    "Realtime subscribes to every table",
    needs.subscriptions,
    "https://github.com/supabase/realtime/issues/307",
    symptom="The status stays SUBSCRIBED, and no change ever arrives.",
    remedy="Listen to `system` messages; they say what the status hides.",
    verify=AGAIN,
    follows=(
        "tables_exist",
        "tables_are_tables",
        "tables_logged",
        "tables_published",
        "tables_partitioned",
        "publication_there",
        "select_granted",
        *ANSWER_IDS,
    ),
    notes=(15,),
)
def tables_subscribed(verdicts: tuple[TableVerdict, ...]) -> Verdict:
    """The reply to a join is ok whatever is asked for; whether it is subscribed to is said afterwards."""
    refused = [verdict for verdict in verdicts if verdict.ok is False]
    silent = [verdict.table for verdict in verdicts if verdict.ok is None]
    if refused:
        text = "; ".join(f"{verdict.table}: {verdict.message}" for verdict in refused[:3])
        cause = f"Realtime refuses changes of {listed(verdict.table for verdict in refused)}; status stays SUBSCRIBED"
        return failure(text, cause, "Listen to `system` messages; see the check of the publication for the SQL")
    if silent:
        cause = f"Realtime has not said whether it subscribes to {listed(silent)}"
        return warning(verdicts[0].message, cause, "Try again; if it stays silent, look at the Realtime logs")
    return ok(f"all of {listed(verdict.table for verdict in verdicts)}")


def _times(step: Step) -> str:
    low, high = min(step.samples_ms), max(step.samples_ms)
    return f"{statistics.median(step.samples_ms):.1f} ms ({low:.1f}–{high:.1f}), n = {len(step.samples_ms)}"


RULES = (
    ping_answered,
    heartbeat_answered,
    join_accepted,
    changes_ready,
    broadcast_returns,
    change_delivered,
    delivery_time,
    payload_size,
    tables_subscribed,
)
