"""Rules about a watch, on data: what they say of each kind of loss, and which of several findings is the cause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from helpers.diagnosis.evidence import NOBODY_WATCHED, Evidence, Missing, TableName
from helpers.diagnosis.evidence.watch import (
    Committed,
    Drop,
    ErrorSeen,
    Heartbeats,
    Second,
    Subscribed,
    TableSeen,
    Tally,
    TopicSeen,
)
from helpers.diagnosis.results import Check, Status
from helpers.diagnosis.rules import judge, watch, watch_events
from tests.diagnosis.samples import evidence, watched

FAILURE, WARNING, NOTE = Status.FAILURE, Status.WARNING, Status.NOTE
NOTES = TableName("public", "notes")
QUOTED = TableName("public", 'we"ird')
IDS = {rule.id for rule in (*watch.RULES, *watch_events.RULES)}


def seen(**changes: Any) -> Evidence:
    return evidence(watched=watched(**changes))


def check(rule_id: str, given: Evidence) -> Check:
    return next(each for each in judge(given) if each.id == rule_id)


def lost(silent_s: float = 3.0, code: int | None = None, *, at_s: float = 20.0, dead: bool = False) -> Drop:
    return Drop(at_s, 20.0, silent_s, code, "the connection broke off", dead, 1.5)


def table(**changes: Any) -> TableSeen:
    return replace(TableSeen(NOTES, Tally(1, 1, 0)), **changes)


def missing(count: int = 3) -> tuple[Committed, ...]:
    return (Committed(NOTES, 5, 5, count, ("a", "b")),)


def said(kind: str, message: str, where: str = "public.notes") -> tuple[ErrorSeen, ...]:
    return (ErrorSeen(kind, where, message),)


UNPUBLISHED = "Unable to subscribe to changes with given parameters. Please check Realtime is enabled for …"
BUSY = tuple(Second(float(at), 90) for at in range(60))
REFUSED_TOPIC = said("reply", "Unauthorized: You do not have permissions to read from this Channel topic: x", "room:1")

#: rule, what of the watch is different, verdict, words of the cause, words of the fix
BROKEN = [
    ("heartbeat_gap", {"heartbeats": Heartbeats(25.0, 2, 2, (1.0,), 80.0)}, WARNING, "late by up to 55.0 s", "worker"),
    (
        "dead_link",
        {"drops": (lost(dead=True),), "drop_count": 1},
        FAILURE,
        "open and dead",
        "heartbeatIntervalMs: 1000",
    ),
    ("idle_close", {"drops": (lost(60.2),), "drop_count": 1}, FAILURE, "after 60.2 s", "heartbeatIntervalMs: 20067"),
    ("idle_close", {"drops": (lost(66.0, 1000),), "drop_count": 1}, FAILURE, "after 66.0 s", "proxy_read_timeout"),
    ("idle_close", {"drops": (lost(9.9), lost(10.1)), "drop_count": 2}, FAILURE, "after 10.0 s", "Ms: 3333"),
    ("token_expires_in_watch", {"token_left_s": 30.0}, WARNING, "expired during the watch", "setAuth"),
    ("reconnecting", {"drops": (lost(),), "drop_count": 1}, WARNING, "lost 1 times", 'from("notes").select()'),
    (
        "reconnecting",
        {"drops": (lost(code=1012),), "drop_count": 1, "committed": missing()},
        WARNING,
        "3 rows or messages of this watch did not arrive",
        "replaceAll",
    ),
    ("error_frames", {"errors": said("system", UNPUBLISHED)}, FAILURE, "public.notes", 'add table "public"."notes";'),
    ("error_frames", {"errors": said("phx_error", "channel_crash")}, FAILURE, "channel_crash", "Realtime logs"),
    ("error_frames", {"errors": REFUSED_TOPIC}, FAILURE, "room:1", "policy"),
    ("rejoin_storm", {"errors": said("timeout", "no answer")}, FAILURE, "TIMED_OUT", "removeChannel"),
    ("rejoin_storm", {"subscriptions": (Subscribed("room:1", None, 40, 30, 39),)}, FAILURE, "again and again", "React"),
    ("late_ready", {"subscriptions": (Subscribed("x", NOTES, 1, 1, 0, (2700.0,)),)}, NOTE, "cold start", "wait: true"),
    (
        "late_ready",
        {"subscriptions": (Subscribed("x", NOTES, 2, 1, 0, (4.0, 2700.0)),)},
        WARNING,
        "at each return",
        "message.status === 'ok'",
    ),
    (
        "empty_records",
        {"tables": (table(name=QUOTED, errors=(("Error 401: Unauthorized", 2),)),)},
        FAILURE,
        "authenticated may not SELECT",
        'grant select on table "public"."we""ird" to "authenticated";',
    ),
    (
        "empty_records",
        {"tables": (table(errors=(("Error 400: Bad Request, no primary key", 2),)),)},
        FAILURE,
        "no primary key",
        'alter table "public"."notes" add column id',
    ),
    ("too_large", {"tables": (table(errors=(("Error 413: Payload Too Large", 4),)),)}, FAILURE, "4 changes", "select"),
    (
        "only_deletes_arrive",
        {"role": "anon", "tables": (table(arrived=Tally(0, 0, 3)),), "committed": (Committed(NOTES, 4, 0, 0),)},
        FAILURE,
        "hides the rows of public.notes from anon",
        "setAuth",
    ),
    (
        "only_deletes_arrive",
        {"tables": (table(arrived=Tally(0, 0, 3)),), "committed": (Committed(NOTES, 4, 0, 0),)},
        NOTE,
        "authenticated may see none",
        "token of a user",
    ),
    ("near_event_limit", {"timeline": BUSY}, WARNING, "90% of the project's quota of 100", '"notes"'),
    (
        "near_event_limit",
        {"timeline": BUSY, "committed": missing(2000)},
        FAILURE,
        "dropped in silence",
        "larger quota",
    ),
    (
        "near_event_limit",
        {"errors": said("system", "Too many messages per second")},
        FAILURE,
        "the server said so 1 times",
        "larger quota",
    ),
    ("missed_events", {"committed": missing()}, FAILURE, "3 events of public.notes", "replaceAll"),
    ("missed_events", {"topics": (TopicSeen("room:1", 9, skipped=2),)}, FAILURE, "2 events of room:1", "logs"),
    (
        "missed_events",
        {"committed": (Committed(NOTES, statistics=Tally(200, 0, 0), unsure="it is too large"),)},
        NOTE,
        "rolled back",
        "all rows",
    ),
    ("duplicates", {"tables": (table(duplicates=2),)}, WARNING, "public.notes: 2", 'row["id"]'),
    ("duplicates", {"tables": (table(doubtful=2),)}, NOTE, "changed nothing twice", "rows.set"),
    ("duplicates", {"topics": (TopicSeen("room:1", 3, 3, 1),)}, WARNING, "room:1: 1", "ids of broadcasts"),
    (
        "reordered",
        {"tables": (table(reordered=2, worst_reorder_s=1.5),)},
        WARNING,
        "by up to 1.5 s",
        "commit_timestamp",
    ),
    ("reordered", {"topics": (TopicSeen("room:1", 3, reordered=1),)}, WARNING, "room:1: 1", "Number"),
]


@pytest.mark.parametrize(
    ("rule_id", "changes", "status", "cause", "fix"), BROKEN, ids=[f"{row[0]}-{row[3]}" for row in BROKEN]
)
def test_a_rule_names_cause_and_fix(
    rule_id: str, changes: dict[str, Any], status: Status, cause: str, fix: str
) -> None:
    """What is lost, late, empty or twice is found by its rule, in words, with a fix for these very names."""
    found = check(rule_id, seen(**changes))
    assert found.status is status, str(found)
    assert cause in found.cause
    assert fix in found.fix
    assert found.evidence
    assert {each.id for each in judge(seen(**changes)) if each.is_finding} <= {rule_id}


def test_nobody_watched() -> None:
    """Without a watch each of its rules says what to set."""
    checks = judge(evidence(watched=NOBODY_WATCHED))
    said_so = {each.id for each in checks if each.evidence == "not checked, because nobody watched (watch_s=60)"}
    assert said_so == IDS


def test_a_watch_without_a_connection_judges_nothing() -> None:
    """What cannot be reached is told by other rules; none of these has anything to judge."""
    checks = [each for each in judge(seen(connects=0)) if each.id in IDS]
    assert {each.status for each in checks} == {Status.SKIPPED}


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"drops": (lost(dead=True),), "drop_count": 1, "committed": missing()}, "dead_link"),
        ({"drops": (lost(60.0),), "drop_count": 1, "committed": missing()}, "idle_close"),
        (
            {"token_left_s": 30.0, "errors": said("system", "Token has expired"), "committed": missing()},
            "token_expires",
        ),
        ({"drops": (lost(),), "drop_count": 1, "subscriptions": (Subscribed("x", None, 20, 19),)}, "reconnecting"),
    ],
    ids=["dead", "idle", "expired", "cut"],
)
def test_of_a_chain_only_the_cause_is_a_finding(changes: dict[str, Any], cause: str) -> None:
    """Losses that follow from a lost connection or token are told with it, not beside it."""
    findings = [each.id for each in judge(seen(**changes)) if each.is_finding]
    assert len(findings) == 1
    assert findings[0].startswith(cause)


@pytest.mark.parametrize(
    "drops",
    [(lost(5.0),), (lost(5.0), lost(20.0)), (lost(0.1), lost(0.1)), (lost(60.0, 1012),), (lost(60.0, dead=True),)],
    ids=["once", "not the same", "not silent", "a restart", "dead"],
)
def test_other_ends_are_not_idle_ones(drops: tuple[Drop, ...]) -> None:
    """A connection is not closed for being idle because it was silent once when it ended."""
    assert check("idle_close", seen(drops=drops, drop_count=len(drops))).status is Status.OK


def test_what_was_not_compared_is_said() -> None:
    """Without a database nothing is said about losses but why; with one, how much was compared."""
    unknown = check("missed_events", seen(not_compared="DATABASE_URL is not set"))
    assert unknown.evidence == "not checked, because DATABASE_URL is not set"
    sure = check("missed_events", seen())
    assert sure.evidence == "2 rows of public.notes compared, all arrived"


def test_without_heartbeats_nothing_is_said_of_them() -> None:
    """A watch that is shorter than the interval has sent none."""
    short = check("heartbeat_gap", seen(heartbeats=Heartbeats(25.0)))
    assert short.status is Status.SKIPPED


def test_missing_evidence_is_said() -> None:
    """A watch that was not possible says why."""
    given = evidence(watched=Missing("the connection was not opened"))
    assert check("duplicates", given).evidence == "not checked, because the connection was not opened"
