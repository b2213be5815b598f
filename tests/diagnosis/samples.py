"""Evidence of a healthy project, to be broken in one place at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from helpers.diagnosis.evidence import (
    KEY_ROLES,
    Address,
    Broadcast,
    Certificate,
    Clock,
    Column,
    Connection,
    Database,
    DatabaseHome,
    Evidence,
    Key,
    KeyKind,
    Live,
    Messages,
    OpenDefaults,
    Policy,
    PolicyTrial,
    Publication,
    Services,
    Slot,
    Step,
    Table,
    TableName,
    TableVerdict,
    TokenKind,
    Trial,
    Usage,
    UserToken,
    Wish,
)
from helpers.diagnosis.evidence.packages import NodeChoice, Package, Packages
from helpers.diagnosis.evidence.project import DatabaseUrl, Ledger, Migration, ModelTable, Project, ProjectDatabase
from helpers.diagnosis.evidence.watch import (
    Committed,
    Heartbeats,
    Second,
    Subscribed,
    TableSeen,
    Tally,
    TopicSeen,
    Watched,
)
from helpers.diagnosis.probes.project.migrations import effects_of
from helpers.diagnosis.probes.project.prisma_schema import parse_schema
from tests.diagnosis.scenarios.application import REALTIME, SCHEMA, TABLES

NOW = 1_800_000_000.0
CLAIMS = '{"role": "authenticated", "sub": "7d1f8c53-1b61-4b0c-8f55-2f4f14c5f6a1"}'


def step(name: str, *samples_ms: float, **changes: Any) -> Step:
    return replace(Step(name, 0.0, samples_ms[0] if samples_ms else 0.0, samples_ms=samples_ms), **changes)


def failed(name: str, fault: str, detail: str = "it failed") -> Step:
    return Step(name, detail=detail, fault=fault)


def connection(*broken: Step, **changes: Any) -> Connection:
    """The healthy way in, with some steps in place of the healthy ones."""
    steps = {name: step(name, 5.0, 6.0, 7.0) for name in ("DNS", "TCP", "TLS", "HTTP upgrade")}
    steps |= {each.name: each for each in broken}
    healthy = Connection(
        "abc.supabase.co",
        443,
        True,
        tuple(steps.values()),
        (Address("IPv4", "203.0.113.7"),),
        Certificate("TLSv1.3", "TLS_AES_256_GCM_SHA384", "An Authority", 60.0, 30.0, ("abc.supabase.co",), public=True),
        status=101,
    )
    return replace(healthy, **changes)


def live(*broken: Step, **changes: Any) -> Live:
    steps = {
        name: step(name, 1.0, 2.0, 3.0) for name in ("ping", "heartbeat", "join", "system ok", "broadcast", "change")
    }
    steps |= {each.name: each for each in broken}
    healthy = Live(
        tuple(steps.values()),
        system_message="Subscribed to PostgreSQL",
        table="public.events",
        write_ms=(0.5, 0.6, 0.7),
        change_bytes=600,
    )
    return replace(healthy, **changes)


def key(**changes: Any) -> Key:
    year = 365 * 86_400
    healthy = Key(
        KeyKind.JWT, "HS256", "anon", "supabase", "abc", NOW + year, NOW - year, now=NOW, host="abc.supabase.co"
    )
    return replace(healthy, **changes)


def token(**changes: Any) -> UserToken:
    """A user's token that Realtime has taken."""
    healthy = UserToken(
        TokenKind.JWT,
        algorithm="HS256",
        role="authenticated",
        subject="5a6b0a2e-6c62-4a7e-9a41-0d1c8d0f3b11",
        issuer="https://abc.supabase.co/auth/v1",
        expires_at=NOW + 3000,
        issued_at=NOW - 600,
        claims=("exp", "iat", "iss", "role", "sub"),
        now=NOW,
        origin="https://abc.supabase.co",
        host="abc.supabase.co",
        trial=Trial(True, took_ms=20.0),
    )
    return replace(healthy, **changes)


def column(name: str, kind: str = "text", **changes: Any) -> Column:
    return replace(Column(name, kind, readable_by=("authenticated",), average_bytes=20), **changes)


def table(**changes: Any) -> Table:
    """A table that gives no rule a reason to speak."""
    healthy = Table(
        TableName("public", "notes"),
        published=True,
        replica_identity="full",
        primary_key=("id",),
        columns=(column("id", "uuid"), column("user_id", "uuid"), column("body", can_be_large=True)),
        policies=(policy(),),
        select_roles=("authenticated",),
        owner="prisma",
        indexed=("id", "user_id"),
        rows=5000,
        rls=True,
        trials=(PolicyTrial("authenticated", CLAIMS, 0.1),),
    )
    return replace(healthy, **changes)


def policy(**changes: Any) -> Policy:
    """Rows for their owner."""
    healthy = Policy(
        "own",
        "SELECT",
        ("authenticated",),
        "(user_id = ( SELECT auth.uid() AS uid))",
        reads=((TableName("public", "notes"), "user_id"),),
    )
    return replace(healthy, **changes)


def broadcast(**changes: Any) -> Broadcast:
    definition = "CREATE TRIGGER told AFTER INSERT ON public.notes FOR EACH ROW EXECUTE FUNCTION public.told()"
    return replace(Broadcast("told", definition, '"public"."told"()', whole_rows=True, topic="room:"), **changes)


def messages(**changes: Any) -> Messages:
    """Members may read and write the rooms' channels."""
    rooms = "(( SELECT realtime.topic() AS topic) ~~ 'room:%'::text)"
    policies = (
        Policy("read rooms", "SELECT", ("authenticated",), rooms),
        Policy("write rooms", "INSERT", ("authenticated",), check=rooms),
    )
    healthy = Messages(True, policies, day="2026-11-22", select_roles=KEY_ROLES, insert_roles=KEY_ROLES)
    return replace(healthy, **changes)


def database(*tables: Table, **changes: Any) -> Database:
    told = table(name=TableName("public", "told"), published=False, broadcasts=(broadcast(),))
    healthy = Database(
        version="17.4",
        role="prisma",
        bypasses_rls=False,
        wal_level="logical",
        publication=Publication(
            True, False, ("insert", "update", "delete"), 1, owner="prisma", names=(TableName("public", "notes"),)
        ),
        tables=tables or (table(), told),
        slots=(Slot("supabase_realtime_messages_replication_slot", True, "reserved", 1000),),
        keep_bytes=4 << 30,
        replication_slots=Usage(2, 10),
        wal_senders=Usage(1, 10),
        connections=Usage(12, 60, 3),
        limited_roles=(("prisma", Usage(2, 20)),),
        messages=messages(),
        defaults=(OpenDefaults("prisma", "public", ("authenticated",)),),
    )
    return replace(healthy, **changes)


NOTES = TableName("clinic", "notes")


def project(**changes: Any) -> Project:
    """The application of the scenarios, with a database that fits it."""
    table = ModelTable(
        NOTES,
        exists=True,
        published=True,
        replica_identity="full",
        owner="postgres",
        rls=True,
        columns=(("id", "uuid"), ("user_id", "uuid"), ("body", "text"), ("kind", "kind")),
        select_roles=("authenticated",),
        policies=(Policy("own", "SELECT", ("authenticated",), "(user_id = ( SELECT auth.uid() AS uid))"),),
        enums=("kind",),
    )
    migrations = (
        Migration("1_notes", "prisma/migrations/1_notes/migration.sql", effects_of(TABLES)),
        Migration("2_realtime", "prisma/migrations/2_realtime/migration.sql", effects_of(REALTIME)),
    )
    resolved = [("npm", "@supabase/realtime-js", "2.119.1"), ("npm", "prisma", "6.2.1")]
    resolved += [("npm", "@prisma/client", "6.2.1"), ("npm", "@supabase/supabase-js", "2.119.1")]
    resolved += [("pypi", "realtime", "2.34.1")]
    healthy = Project(
        folder="application",
        home="clinic",
        schema=parse_schema(SCHEMA, "prisma/schema.prisma"),
        migrations=migrations,
        urls=(DatabaseUrl("url", "DATABASE_URL", ".env", port=54322, role="postgres", schema="clinic"),),
        packages=Packages(
            tuple(Package(*each, "a.lock") for each in resolved), node=(NodeChoice(".nvmrc", "24", 24, True),)
        ),
        database=ProjectDatabase((table,), Ledger(("1_notes", "2_realtime")), "postgres", names=(NOTES,)),
    )
    return replace(healthy, **changes)


def watched(**changes: Any) -> Watched:
    """A watch of a minute in which two changes came, and nothing was lost."""
    name = TableName("public", "notes")
    healthy = Watched(
        asked_s=60.0,
        lasted_s=60.5,
        taken_at="2027-01-15T08:00:00+00:00",
        heartbeats=Heartbeats(25.0, 2, 2, (12.0, 13.0), 25.0),
        role="authenticated",
        token_left_s=3000.0,
        subscriptions=(Subscribed("public.notes", name, 1, 1, 0, (4.0,)), Subscribed("room:1", None, 1, 1)),
        tables=(TableSeen(name, Tally(1, 1, 0)),),
        topics=(TopicSeen("room:1", 3, 3, committed=3, missed=0),),
        committed=(Committed(name, 2, 2, 0, (), Tally(1, 1, 0)),),
        timeline=tuple(Second(float(at), at == 5, at in (7, 8, 9)) for at in range(60)),
    )
    return replace(healthy, **changes)


def evidence(**changes: Any) -> Evidence:
    healthy = Evidence(
        connection=connection(),
        live=live(),
        key=key(),
        clock=Clock(0.2, 0.6),
        services=Services(200, True, 200, True),
        database=database(),
        subscriptions=(TableVerdict("public.notes", True, "Subscribed to PostgreSQL"),),
        project=project(),
        addresses=(Address("IPv4", "203.0.113.7"), Address("IPv6", "2001:db8::7")),
        token=token(),
        wish=Wish(),
        watched=watched(),
        database_home=DatabaseHome("abc", here=False, host="abc.supabase.co"),
    )
    return replace(healthy, **changes)
