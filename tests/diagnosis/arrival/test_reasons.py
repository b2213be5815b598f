"""Each reason is told with its evidence, and the lab does what was said."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.diagnosis.arrival import Arrival, Cause, Effect
from tests.diagnosis.arrival.court import Court
from tests.diagnosis.arrival.kinds import ALICE, BOB
from tests.diagnosis.arrival.plays import Play, delete, insert, update
from tests.diagnosis.arrival.scenes import Change

TABLE = "create table arrival.notes (id bigint primary key, owner uuid, body text, items int[], price numeric)"
GRANT = "grant select on arrival.notes to anon, authenticated, service_role"
PUBLISH = "alter publication supabase_realtime add table arrival.notes"
FULL = "alter table arrival.notes replica identity full"
RLS = "alter table arrival.notes enable row level security"
ROW = f"insert into arrival.notes values (1, '{ALICE}', 'hello', '{{1}}', 1.50)"
KEYLESS = TABLE.replace(" primary key", "")
SOME_COLUMNS = "grant select (id, body) on arrival.notes to anon"
PLAIN = [TABLE, GRANT, PUBLISH, ROW]
SECURED = [*PLAIN, RLS]
OWN = "create policy own on arrival.notes for select to authenticated using (owner = auth.uid())"
LARGE = "abcdefgh" * 200_000
NEW = insert(id=2, owner=ALICE, body="new", items="{1,2}", price="2.50")
NEW = Change(NEW.event, NEW.statement, NEW.values, {**(NEW.row or {}), "items": [1, 2]}, None, NEW.written)


def user(sub: str) -> dict[str, Any]:
    return {"role": "authenticated", "claims": {"sub": sub}}


# Cause, what the evidence must say, tables, change, and who listens how.
WITHHELD: list[tuple[Cause, str, list[str], Change, dict[str, Any]]] = [
    (Cause.NOT_PUBLISHED, "not in supabase_realtime", [TABLE, GRANT], NEW, {}),
    (Cause.OPERATION_NOT_PUBLISHED, "publishes update", PLAIN, NEW, {"operations": ("update",)}),
    (Cause.EVENT, "listens to DELETE", PLAIN, NEW, {"event": "DELETE"}),
    (Cause.SUBSCRIPTION_REFUSED, "invalid column for filter nope", PLAIN, NEW, {"filter": "nope=eq.1"}),
    (Cause.SUBSCRIPTION_REFUSED, "invalid input syntax for type bigint", PLAIN, NEW, {"filter": "id=eq.x"}),
    (Cause.SUBSCRIPTION_REFUSED, 'Error parsing `filter` params: ["x", "1"]', PLAIN, NEW, {"filter": "id=x.1"}),
    (Cause.SUBSCRIPTION_REFUSED, "invalid column for select nope", PLAIN, NEW, {"select": ("nope",)}),
    (Cause.FILTER, "body=eq.other is false, as body is 'new'", PLAIN, NEW, {"filter": "body=eq.other"}),
    (Cause.FILTER, "is null, as body is null", PLAIN, update(1, body=None), {"filter": "body=eq.x"}),
    (Cause.FILTER_COLUMN, "of a deleted row the log carries id", PLAIN, delete(1), {"filter": "body=eq.hello"}),
    (Cause.EVALUATION_FAILED, "items=eq.{1} of '[1, 2]' fails", PLAIN, NEW, {"filter": "items=eq.{1}"}),
    (Cause.EVALUATION_FAILED, "items=is.null", PLAIN, NEW, {"filter": "items=is.null"}),
    (Cause.EVALUATION_FAILED, "items=eq.{1}", PLAIN, NEW, {"filter": "body=eq.other,items=eq.{1}"}),
    (Cause.EVALUATION_FAILED, "items=eq.{1}", PLAIN, NEW, {"filter": "items=eq.{1},id=eq.2,body=eq.other"}),
    (Cause.ROW_SECURITY, "no policy lets anon select", SECURED, NEW, {}),
    (Cause.ROW_SECURITY, "policy “own” using ((owner = auth.uid())) is false", [*SECURED, OWN], NEW, user(BOB)),
    (Cause.EVALUATION_FAILED, "invalid input syntax for type uuid", [*SECURED, OWN], NEW, user("no uuid")),
    (
        Cause.ROW_SECURITY,
        "restrictive policy “adults”",
        [*SECURED, OWN, "create policy adults on arrival.notes as restrictive using (price > 18)"],
        NEW,
        user(ALICE),
    ),
    (
        Cause.KEY_LOOKUP,
        "does not find id bytea",
        ["create table arrival.notes (id bytea primary key)", GRANT, PUBLISH, RLS],
        insert(id="\\x01"),
        {"role": "service_role"},
    ),
    (
        Cause.WRITE_REFUSED,
        "has no replica identity",
        [KEYLESS, GRANT, PUBLISH, ROW],
        update(1, body="x"),
        {},
    ),
    (
        Cause.PARTITIONED,
        "names the partition",
        [
            "create table arrival.notes (id int primary key) partition by range (id)",
            "create table arrival.part partition of arrival.notes default",
            GRANT,
            "alter publication supabase_realtime set (publish_via_partition_root = true)",
            PUBLISH,
        ],
        insert(id=1),
        {},
    ),
]
CHANGED: list[tuple[Cause, str, list[str], Change, dict[str, Any]]] = [
    (
        Cause.NO_PRIMARY_KEY,
        "Error 400",
        [KEYLESS, GRANT, PUBLISH],
        NEW,
        {"filter": "body=eq.other"},
    ),
    (
        Cause.NO_PRIMARY_KEY,
        "Error 400",
        [KEYLESS, GRANT, PUBLISH],
        NEW,
        {"filter": "id=in.()"},
    ),
    (Cause.KEY_PRIVILEGE, "anon may not select id", [TABLE, PUBLISH], NEW, {}),
    (Cause.TOO_LARGE, "bytes in the log", PLAIN, update(1, body=LARGE), {}),
    (
        Cause.UNCHANGED,
        "body: stored apart",
        [
            TABLE,
            "alter table arrival.notes alter column body set storage external",
            GRANT,
            PUBLISH,
            f"insert into arrival.notes values (1, null, '{LARGE[:9000]}')",
        ],
        update(1, price="3"),
        {},
    ),
]
NOTED: list[tuple[Cause, str, list[str], Change, dict[str, Any]]] = [
    (Cause.NO_ROW_SECURITY, "told to everybody", SECURED, delete(1), {}),
    (Cause.OLD_KEY_ONLY, "identity is full", [*SECURED, FULL], delete(1), {}),
    (Cause.COLUMN_PRIVILEGE, "may not select owner", [TABLE, PUBLISH, SOME_COLUMNS], NEW, {}),
    (Cause.PUBLICATION_IGNORED, "row filter (price > ", [TABLE, GRANT, f"{PUBLISH} where (price > 100)"], NEW, {}),
    (Cause.PUBLICATION_IGNORED, "columns id, body", [TABLE, GRANT, f"{PUBLISH} (id, body)"], NEW, {}),
]  # fmt: skip


async def judged(court: Court, make: list[str], change: Change, listening: dict[str, Any]) -> Arrival:
    """The answer, after the lab has done as it says."""
    try:
        await court.try_scene(Play(make, change, **listening))
    finally:
        await court.owner.execute("alter publication supabase_realtime set (publish_via_partition_root = false)")
    assert not court.disagreements, str(court.disagreements.pop())
    assert court.latest is not None
    return court.latest


def told(arrival: Arrival, cause: Cause) -> tuple[str, Effect]:
    reasons = [reason for reason in arrival.reasons if reason.cause is cause]
    return "; ".join(reason.evidence for reason in reasons), reasons[0].effect


@pytest.mark.parametrize(("cause", "evidence", "make", "change", "listening"), WITHHELD)
async def test_withheld(
    court: Court, cause: Cause, evidence: str, make: list[str], change: Change, listening: dict[str, Any]
) -> None:
    """What withholds a change is named first, with what was read or evaluated, and nothing comes."""
    arrival = await judged(court, make, change, listening)
    assert (arrival.delivered, arrival.cause) == (False, cause)
    assert evidence in told(arrival, cause)[0]


@pytest.mark.parametrize(("cause", "evidence", "make", "change", "listening"), CHANGED)
async def test_changed(
    court: Court, cause: Cause, evidence: str, make: list[str], change: Change, listening: dict[str, Any]
) -> None:
    """What comes otherwise than it was written is delivered so, and the reason says why."""
    arrival = await judged(court, make, change, listening)
    assert (arrival.delivered, arrival.cause) == (True, cause)
    assert evidence in told(arrival, cause)[0]


@pytest.mark.parametrize(("cause", "evidence", "make", "change", "listening"), NOTED)
async def test_noted(
    court: Court, cause: Cause, evidence: str, make: list[str], change: Change, listening: dict[str, Any]
) -> None:
    """What a person would expect otherwise is noted; the change comes."""
    arrival = await judged(court, make, change, listening)
    assert (arrival.delivered, arrival.cause) == (True, None)
    assert evidence in told(arrival, cause)[0]
    assert told(arrival, cause)[1] is Effect.NOTE


async def test_whole(court: Court) -> None:
    """A change that comes as it was written has no reasons, and its payload holds the row with its digits."""
    arrival = await judged(court, [*SECURED, OWN], NEW, {**user(ALICE), "filter": f"owner=eq.{ALICE}"})
    assert (arrival.delivered, arrival.reasons) == (True, ())
    assert arrival.payload is not None
    record = arrival.payload["record"]
    assert {**record, "price": str(record["price"])} == {
        "id": 2,
        "owner": ALICE,
        "body": "new",
        "items": [1, 2],
        "price": "2.50",
    }
