"""Every rule both ways: silent on a healthy project, and speaking, with cause and fix, on the one thing it is for."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from helpers.diagnosis.evidence import (
    Address,
    Clock,
    DatabaseHome,
    Evidence,
    KeyKind,
    Misreading,
    Missing,
    Policy,
    PolicyTrial,
    Publication,
    Services,
    Slot,
    TableName,
    TableVerdict,
    TokenKind,
    Trial,
    Usage,
    Wish,
)
from helpers.diagnosis.probes import probe_database_home
from helpers.diagnosis.results import Check, Status
from helpers.diagnosis.rules import (
    RULES,
    broadcasts,
    capacity,
    grants,
    identity,
    judge,
    policies,
    policy_calls,
    policy_costs,
    policy_trials,
    publication,
    server,
    slots,
    types,
)
from helpers.diagnosis.rules import messages as messages_rules
from helpers.diagnosis.rules import tables as rules_of_tables
from helpers.target import Target, TargetKind
from tests.diagnosis.samples import (
    CLAIMS,
    NOW,
    column,
    connection,
    database,
    evidence,
    failed,
    key,
    live,
    messages,
    step,
    table,
    token,
)
from tests.diagnosis.scenarios import SCENARIOS
from tests.diagnosis.sentences import SENTENCES

DATABASE_RULES = (
    server,
    slots,
    capacity,
    publication,
    rules_of_tables,
    identity,
    grants,
    policies,
    policy_calls,
    policy_trials,
    policy_costs,
    types,
    messages_rules,
    broadcasts,
)
FAILURE, WARNING, NOTE = Status.FAILURE, Status.WARNING, Status.NOTE
QUOTED = TableName("public", 'we"ird')
BARE = Policy("own", "ALL", ("authenticated",), "(user_id = auth.uid())", "(user_id = auth.uid())")


def check(rule_id: str, given: Evidence) -> Check:
    return next(each for each in judge(given) if each.id == rule_id)


def tables(*changed: object) -> Evidence:
    return evidence(database=database(*changed))  # type: ignore[arg-type]


STRANGER = Services(404, False, 404, False)


def refused(
    status: int, body: str = "", headers: tuple[tuple[str, str], ...] = (), services: Services | None = None
) -> Evidence:
    """The upgrade was answered, and not granted."""
    upgrade = failed("HTTP upgrade", "status", f"HTTP {status} {body}")
    unopened = Missing("the connection was not opened")
    answered = connection(upgrade, status=status, body=body, headers=headers)
    seen = evidence(connection=answered, live=unopened, subscriptions=unopened)
    return replace(seen, services=services) if services else seen


def portal(status: int, body: str = "", location: str = "") -> Evidence:
    """A page in the place of Supabase."""
    headers = (("content-type", "text/html"), *((("location", location),) if location else ()))
    return refused(status, body, headers, STRANGER)


def shown(**changes: Any) -> Evidence:
    """A certificate that is accepted."""
    healthy = connection()
    assert healthy.certificate is not None
    return evidence(connection=replace(healthy, certificate=replace(healthy.certificate, **changes)))


def untrusted(said: str, **changes: Any) -> Evidence:
    """A certificate that is refused with these words of OpenSSL."""
    seen = connection(failed("TLS", "certificate", said), status=None)
    assert seen.certificate is not None
    lost = Missing("the connection was not opened")
    certificate = replace(seen.certificate, **changes)
    return evidence(connection=replace(seen, certificate=certificate), live=lost, subscriptions=lost)


#: rule, evidence in which exactly this is broken, verdict, words of the cause, words of the fix
BROKEN = [
    (
        "host_found",
        evidence(connection=connection(failed("DNS", "unknown host"))),
        FAILURE,
        "no host abc",
        "SUPABASE_URL",
    ),
    ("host_found", evidence(connection=connection(failed("DNS", "timeout"))), FAILURE, "resolver did not", "network"),
    (
        "port_open",
        evidence(connection=connection(failed("TCP", "refused"))),
        FAILURE,
        "Nothing listens",
        "supabase start",
    ),
    ("port_open", evidence(connection=connection(failed("TCP", "timeout"))), FAILURE, "cannot be reached", "port 443"),
    (
        "encrypted",
        evidence(connection=connection(secure=False, addresses=(Address("IPv4", "192.0.2.1"),))),
        WARNING,
        "unencrypted",
        "https://abc",
    ),
    ("tls_agreed", evidence(connection=connection(failed("TLS", "tls"))), FAILURE, "not complete TLS", "https"),
    (
        "tls_agreed",
        evidence(connection=connection(failed("TLS", "tls", "WRONG_VERSION_NUMBER"))),
        FAILURE,
        "not in TLS",
        "mostly 443",
    ),
    (
        "tls_agreed",
        evidence(connection=connection(failed("TLS", "tls", "TLSV1_ALERT_PROTOCOL_VERSION"))),
        FAILURE,
        "too old",
        "TLSv1.3",
    ),
    (
        "certificate_valid",
        untrusted("certificate has expired", days_left=-3.0),
        FAILURE,
        "abc.supabase.co has expired 3.0 days ago",
        "renew",
    ),
    ("certificate_valid", untrusted("certificate is not yet valid", days_old=-1.0), FAILURE, "not yet valid", "ntp"),
    ("certificate_valid", shown(days_left=3.0), WARNING, "ends soon", "renew"),
    (
        "certificate_name",
        untrusted("Hostname mismatch, certificate is not valid for 'abc'.", names=("*.elsewhere.test",)),
        FAILURE,
        "not for abc.supabase.co, but for *.elsewhere.test",
        "https://elsewhere.test",
    ),
    (
        "certificate_trusted",
        untrusted("unable to get local issuer certificate", issuer="Company"),
        FAILURE,
        "“Company”",
        "NODE_EXTRA_CA_CERTS",
    ),
    ("signed_publicly", shown(public=False, issuer="Inspector"), NOTE, "private authority (Inspector)", "NODE_EXTRA"),
    (
        "both_families",
        evidence(addresses=(Address("IPv4", "203.0.113.7"), Address("IPv6", "2001:db8::7", "no answer", 2500.0))),
        WARNING,
        "IPv6: 2001:db8::7",
        "Mend IPv6",
    ),
    (
        "both_families",
        evidence(
            connection=connection(host="localhost", port=54321, secure=False),
            addresses=(Address("IPv6", "::1", "Connection refused"), Address("IPv4", "127.0.0.1")),
        ),
        WARNING,
        "IPv6: ::1",
        "SUPABASE_URL=http://127.0.0.1:54321",
    ),
    (
        "answer_comes",
        evidence(connection=connection(failed("HTTP upgrade", "timeout"), status=None)),
        FAILURE,
        "never answers",
        "SUPABASE_URL",
    ),
    ("proxy_lets_through", refused(407, headers=(("server", "squid"),)), FAILURE, "Server: squid", "HTTPS_PROXY"),
    ("no_captive_portal", portal(511), FAILURE, "captive portal", "in a browser"),
    ("no_captive_portal", portal(200, body="Welcome to our Wi-Fi"), FAILURE, "captive portal", "in a browser"),
    ("no_captive_portal", portal(302, location="http://login.test/"), FAILURE, "captive portal", "http://login.test/"),
    ("upgrade_passed", refused(426), FAILURE, "strips the header Upgrade", "proxy_set_header Upgrade $http_upgrade"),
    (
        "upgrade_passed",
        refused(400, "No WebSocket UPGRADE header", headers=(("via", "1.1 proxy"),)),
        FAILURE,
        "Via: 1.1 proxy",
        "proxy_http_version 1.1",
    ),
    ("gateway_finds_realtime", refused(503), FAILURE, "down or the project is paused", "status"),
    (
        "realtime_answers",
        evidence(connection=connection(failed("HTTP upgrade", "not a WebSocket"), status=None)),
        FAILURE,
        "not Supabase",
        "SUPABASE_URL",
    ),
    ("realtime_answers", refused(404), FAILURE, "no Realtime at", "Enable"),
    ("realtime_answers", refused(404, services=STRANGER), FAILURE, "is not Supabase", "SUPABASE_URL"),
    ("key_accepted", refused(401, "nothing known"), FAILURE, "HTTP 401", "API Keys"),
    (
        "frames_uncompressed",
        evidence(connection=connection(headers=(("sec-websocket-extensions", "permessage-deflate"),))),
        NOTE,
        "accepts permessage-deflate",
        "memory",
    ),
    (
        "connect_time",
        evidence(connection=connection(step("TLS", 90.0, 95.0, 99.0))),
        WARNING,
        "TLS takes 84%",
        "one connection",
    ),
    ("key_role", evidence(key=key(kind=KeyKind.SECRET)), FAILURE, "The key is the server's", "revoke"),
    ("key_role", evidence(key=key(role="service_role")), FAILURE, "The key is the server's", "revoke"),
    ("key_role", evidence(key=key(kind=KeyKind.UNKNOWN)), FAILURE, "malformed", "publishable"),
    ("key_role", evidence(key=key(role="", expires_at=None)), FAILURE, "role and exp", "`role`"),
    ("key_life", evidence(key=key(expires_at=NOW - 7200)), FAILURE, "expired 2 hours ago", "publishable"),
    ("key_life", evidence(key=key(expires_at=NOW + 600)), WARNING, "ends in 10 minutes", "setAuth"),
    ("key_life", evidence(key=key(expires_at=-1e15)), FAILURE, "The key expired", "publishable"),
    ("key_project", evidence(key=key(project="other")), FAILURE, "project other", "Use both of one project"),
    ("key_project", evidence(key=key(issuer="supabase-demo")), FAILURE, "demo key", "Never"),
    (
        "database_project",
        evidence(database_home=DatabaseHome("xyz", here=False, host="abc.supabase.co")),
        FAILURE,
        "of the project xyz, SUPABASE_URL of abc",
        "project/abc",
    ),
    (
        "database_project",
        evidence(database_home=DatabaseHome("xyz", here=False, host="localhost")),
        FAILURE,
        "of the local stack",
        "https://xyz.supabase.co",
    ),
    (
        "database_project",
        evidence(database_home=DatabaseHome("", here=True, host="abc.supabase.co")),
        WARNING,
        "leads to this machine",
        "project/abc",
    ),
    ("clocks_agree", evidence(clock=Clock(-3600.0, 0.6)), FAILURE, "clocks differ", "set-ntp"),
    ("clocks_agree", evidence(clock=Clock(20.0, 0.6)), WARNING, "clocks differ", "set-ntp"),
    (
        "token_readable",
        evidence(token=token(kind=TokenKind.KEY, trial=Missing("it is not sent"))),
        FAILURE,
        "is an API key",
        "session.access_token",
    ),
    ("token_readable", evidence(token=token(kind=TokenKind.WRAPPED)), FAILURE, "`Bearer` around it", "access_token"),
    ("token_readable", evidence(token=token(kind=TokenKind.OTHER)), FAILURE, "not a JSON Web Token", "access_token"),
    ("token_signing", evidence(token=token(algorithm="none")), FAILURE, "signed with “none”", "HS256"),
    ("token_signing", evidence(token=token(algorithm="ES256")), FAILURE, "does not name its key", '"kid"'),
    (
        "token_signing",
        evidence(token=token(algorithm="ES256", key_id="new", key_ids=("old",))),
        FAILURE,
        "the key new, which abc.supabase.co does not have",
        "lists old",
    ),
    ("token_role", evidence(token=token(role="")), FAILURE, "lacks the claim role", '"role": "authenticated"'),
    ("token_role", evidence(token=token(role="service_role")), FAILURE, "is the server's", "revoke"),
    ("token_role", evidence(token=token(role="anon")), NOTE, "acts as anon", "session"),
    ("token_role", evidence(token=token(role='a"b')), WARNING, 'as the role a"b', 'grant authenticated to "a""b"'),
    ("token_life", evidence(token=token(expires_at=NOW - 7200)), FAILURE, "token expired 2 hours ago", "setAuth"),
    ("token_life", evidence(token=token(expires_at=NOW + 60)), WARNING, "ends in 60 seconds", "setAuth"),
    ("token_life", evidence(token=token(expires_at=-1e15)), FAILURE, "token expired", "setAuth"),
    ("token_life", evidence(token=token(expires_at=NOW * 1000)), WARNING, "in milliseconds", "/ 1000"),
    ("token_life", evidence(token=token(expires_at=None)), FAILURE, "exp is not a number", "since 1970"),
    ("token_life", evidence(token=token(expires_at=None, claims=())), FAILURE, "exp is missing", "since 1970"),
    ("token_begun", evidence(token=token(not_before=NOW + 300)), WARNING, "in 5 minutes (nbf)", "set-ntp"),
    (
        "token_issuer",
        evidence(token=token(issuer="https://other.supabase.co/auth/v1")),
        FAILURE,
        "issued by other.supabase.co",
        "Sign in on https://abc.supabase.co",
    ),
    (
        "token_issuer",
        evidence(token=token(issuer="https://other.supabase.co/auth/v1", host="localhost")),
        FAILURE,
        "this is the local stack",
        "Sign in on",
    ),
    ("token_issuer", evidence(token=token(issuer="https://x.clerk.dev")), NOTE, "not by Supabase Auth", "Third-Party"),
    ("token_subject", evidence(token=token(subject="user_2abc")), FAILURE, "not a uuid", "auth.jwt()"),
    ("token_subject", evidence(token=token(subject="")), WARNING, "auth.uid() is null", '"sub"'),
    ("token_answer", evidence(token=token(predicted="MalformedJWT: x")), WARNING, "should refuse", "gateway"),
    (
        "token_answer",
        evidence(token=token(trial=Trial(False, "Something new"))),
        FAILURE,
        "refuses the user's token: Something new",
        "logs",
    ),
    (
        "join_as_meant",
        evidence(wish=Wish((Misreading("config.privat", "true", "nothing"),), '{"config": {"private": true}}')),
        FAILURE,
        "public, though it is meant to be private",
        '"private": true',
    ),
    (
        "join_as_meant",
        evidence(wish=Wish((Misreading("config.broadcast.ack", '"maybe"', "false"),), "{}")),
        WARNING,
        "as it was meant",
        "{}",
    ),
    (
        "database_readable",
        evidence(database=Missing("the database cannot be read: wrong password", tried=True)),
        FAILURE,
        "wrong password",
        "DATABASE_URL",
    ),
    (
        "database_readable",
        evidence(database=database(errors=("slots: permission denied",))),
        WARNING,
        "Some catalogs",
        "prisma may not",
    ),
    (
        "publication_there",
        evidence(database=database(publication=Publication(False))),
        FAILURE,
        "no publication",
        'create publication supabase_realtime for table "public"."notes"',
    ),
    (
        "publication_operations",
        evidence(database=database(publication=Publication(True, False, ("insert",), 3))),
        WARNING,
        "leaves out update, delete",
        "set (publish",
    ),
    (
        "publication_filled",
        evidence(database=database(publication=Publication(True, False, ("insert", "update", "delete"), 0))),
        WARNING,
        "is empty",
        "add table",
    ),
    ("wal_level", evidence(database=database(wal_level="replica")), FAILURE, "is replica", "wal_level = logical"),
    (
        "slot_lost",
        evidence(database=database(slots=(Slot("it's", False, "lost", 0),))),
        FAILURE,
        "has lost WAL",
        "pg_drop_replication_slot('it''s')",
    ),
    (
        "slot_lag",
        evidence(database=database(slots=(Slot("old", False, "extended", 3 << 30),))),
        WARNING,
        "nobody reads",
        "pg_drop_replication_slot('old')",
    ),
    (
        "slot_lag",
        evidence(database=database(slots=(Slot("old", True, "reserved", 2 << 30),), keep_bytes=-1)),
        WARNING,
        "nobody reads",
        "stop what reads it",
    ),
    (
        "replication_headroom",
        evidence(database=database(replication_slots=Usage(10, 10))),
        FAILURE,
        "max_replication_slots is used up",
        "max_replication_slots=20",
    ),
    (
        "connection_headroom",
        evidence(database=database(connections=Usage(55, 60))),
        WARNING,
        "nearly",
        "max_connections=120",
    ),
    (
        "connection_headroom",
        evidence(database=database(connections=Usage(57, 60, kept=3))),
        FAILURE,
        "used up",
        "alter system set max_connections = 120;",
    ),
    (
        "policies_cheap",
        tables(table(trials=(PolicyTrial("authenticated", CLAIMS, error="canceling statement", code="57014"),))),
        WARNING,
        "more than the limit",
        "see EXPLAIN",
    ),
    (
        "policies_evaluate",
        tables(table(trials=(PolicyTrial("authenticated", CLAIMS, error="division by zero", code="22012"),))),
        FAILURE,
        "division by zero",
        "“own” on public.notes",
    ),
    (
        "policies_end",
        tables(table(trials=(PolicyTrial("authenticated", CLAIMS, error="infinite recursion", code="42P17"),))),
        FAILURE,
        "leads back to itself",
        "SECURITY DEFINER",
    ),
    (
        "private_channels",
        evidence(database=database(messages=messages(policies=()))),
        NOTE,
        "every join",
        "on realtime.messages",
    ),
    ("role_obeys_rls", evidence(database=database(bypasses_rls=True)), NOTE, "policies then keep", "set local role"),
    ("tables_exist", tables(table(), table(name=QUOTED, exists=False)), FAILURE, "no table", "found: public.notes"),
    (
        "tables_published",
        tables(table(name=QUOTED, published=False)),
        FAILURE,
        "not in the publication",
        'alter publication supabase_realtime add table "public"."we""ird";',
    ),
    (
        "tables_with_primary_key",
        tables(table(primary_key=())),
        FAILURE,
        "no primary key",
        'alter table "public"."notes" add column id',
    ),
    (
        "replica_identity",
        tables(table(replica_identity="default")),
        NOTE,
        "filter on another column",
        'alter table "public"."notes" replica identity full;',
    ),
    (
        "replica_identity",
        tables(table(replica_identity="nothing")),
        FAILURE,
        "refused by PostgreSQL",
        'alter table "public"."notes" replica identity full;',
    ),
    (
        "select_granted",
        tables(table(select_roles=())),
        FAILURE,
        "Error 401",
        'grant select on table "public"."notes" to authenticated;',
    ),
    ("rls_with_policy", tables(table(policies=())), FAILURE, "No policy lets", 'on "public"."notes" for select'),
    (
        "rls_with_policy",
        tables(table(policies=(Policy("w", "INSERT", ("authenticated",)), Policy("r", "SELECT", ("app",))))),
        FAILURE,
        "No policy lets",
        "for select to authenticated",
    ),
    (
        "rls_enabled",
        tables(table(rls=False, policies=(), select_roles=("anon",))),
        WARNING,
        "Everybody who has",
        'alter table "public"."notes" enable row level security;',
    ),
    (
        "policies_wrapped",
        tables(table(policies=(BARE,))),
        WARNING,
        "once for each row",
        'alter policy "own" on "public"."notes"\n  using ((user_id = (select auth.uid())))\n'
        "  with check ((user_id = (select auth.uid())));",
    ),
    (
        "exact_numbers",
        tables(table(columns=(column("price", "numeric"),))),
        NOTE,
        "JavaScript rounds",
        'add column "price_text" text generated always as ("price"::text) stored;',
    ),
    (
        "enum_names",
        tables(table(columns=(column("kind", "MessageKind", type_schema="public", labels=("A", "B")),))),
        WARNING,
        "capitals",
        'alter type "public"."MessageKind" rename to "message_kind";',
    ),
    (
        "row_size",
        tables(table(columns=(column("body", "text", average_bytes=5000),))),
        WARNING,
        "the whole row of public.notes",
        "select",
    ),
    ("ping_answered", evidence(live=live(failed("ping", "timeout"))), WARNING, "swallows", "ping_interval=None"),
    ("heartbeat_answered", evidence(live=live(failed("heartbeat", "timeout"))), FAILURE, "open but dead", "proxy"),
    (
        "join_accepted",
        evidence(live=live(failed("join", "refused"), join_reason="Something new")),
        FAILURE,
        "Something new",
        "error codes",
    ),
    ("join_accepted", evidence(live=live(failed("join", "timeout"))), FAILURE, "did not answer", "logs"),
    (
        "changes_ready",
        evidence(live=live(failed("system ok", "refused"), system_message="Unable to do it")),
        FAILURE,
        "Unable to do it",
        "publication",
    ),
    (
        "changes_ready",
        evidence(live=live(failed("system ok", "refused"), system_message="Unable to subscribe", table="")),
        WARNING,
        "no table in the schema public",
        "tables=",
    ),
    (
        "changes_ready",
        evidence(live=live(step("system ok", 2500.0, 4.0))),
        WARNING,
        "is not delivered",
        "status === 'ok'",
    ),
    ("broadcast_returns", evidence(live=live(failed("broadcast", "timeout"))), FAILURE, "does not return", "limits"),
    ("change_delivered", evidence(live=live(failed("change", "timeout"))), FAILURE, "did not arrive", "policies"),
    ("delivery_time", evidence(live=live(step("change", 260.0, 480.0, 90.0))), NOTE, "0–500 ms", "on public.events"),
    ("payload_size", evidence(live=live(change_bytes=4000)), WARNING, "whole row", "select"),
    (
        "tables_subscribed",
        evidence(subscriptions=(TableVerdict("public.x", False, "Unable to subscribe"),)),
        FAILURE,
        "refuses changes of public.x",
        "system",
    ),
    (
        "tables_subscribed",
        evidence(subscriptions=(TableVerdict("public.x", None, "no answer"),)),
        WARNING,
        "has not said",
        "again",
    ),
]


#: Whichever replica identity a table with policies has, one of its two sides is worth knowing.
ALWAYS_NOTED = {"old_rows_kept"}


@pytest.mark.parametrize("rule_id", [rule.id for rule in RULES if rule.id not in ALWAYS_NOTED])
def test_a_healthy_project_gives_no_finding(rule_id: str) -> None:
    """On a healthy project every rule is ok, says what it saw, and names neither cause nor fix."""
    healthy = check(rule_id, evidence())
    assert (healthy.status, healthy.cause, healthy.fix) == (Status.OK, "", "")
    assert healthy.evidence


@pytest.mark.parametrize(
    ("rule_id", "given", "status", "cause", "fix"), BROKEN, ids=[f"{row[0]}-{row[3]}" for row in BROKEN]
)
def test_a_rule_names_cause_and_fix(rule_id: str, given: Evidence, status: Status, cause: str, fix: str) -> None:
    """What is broken is found by its rule, with the cause in words and the fix for these very names."""
    found = check(rule_id, given)
    assert found.status is status
    assert cause in found.cause
    assert fix in found.fix
    assert found.evidence


def test_every_rule_is_shown_broken() -> None:
    """No rule exists that was never seen to fire, here on data or in a scenario of a lab."""
    shown = {row[0] for row in (*BROKEN, *SENTENCES)} | {scenario.rule for scenario in SCENARIOS}
    assert {rule.id for rule in RULES} == shown


def test_every_rule_of_the_database_fills_its_page() -> None:
    """What you will see, why, what to do and how to verify: no page is left empty."""
    empty = [
        rule.id
        for module in DATABASE_RULES
        for rule in module.RULES
        if not (rule.symptom and rule.why and rule.remedy and rule.verify)
    ]
    assert empty == []


def test_rules_have_distinct_names_and_a_source() -> None:
    """A rule is known by its id, and says where it comes from."""
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert [rule.id for rule in RULES if not rule.source or not rule.title] == []


def test_nothing_gathered_is_nothing_judged() -> None:
    """Without any evidence every check is skipped, and each says because of what."""
    missing = Missing("of the test")
    nothing = Evidence(**{field.name: missing for field in fields(Evidence)})
    checks = judge(nothing)
    assert {each.status for each in checks} == {Status.SKIPPED}
    assert {each.evidence for each in checks} == {"not checked, because of the test"}


def test_what_follows_a_failure_is_skipped_not_failed() -> None:
    """When the name cannot be resolved, that is the only failure: the rest of the way was not looked at."""
    lost = Missing("the connection was not opened")
    given = evidence(connection=connection(failed("DNS", "unknown host"), status=None), live=lost, subscriptions=lost)
    checks = {each.id: each for each in judge(given)}
    assert [each.id for each in checks.values() if each.status is FAILURE] == ["host_found"]
    assert checks["port_open"].evidence == "not checked, because DNS failed (it failed)"
    assert checks["key_role"].status is Status.OK


def test_a_refused_key_is_not_a_missing_realtime() -> None:
    """HTTP 401 comes from Realtime itself: it answers, and refuses the key."""
    given = refused(401, "Failed to validate JWT signature")
    assert check("realtime_answers", given).status is Status.OK
    assert [each.id for each in judge(given) if each.status is FAILURE] == ["token_signature"]


def test_plain_http_on_loopback_is_no_finding() -> None:
    """The lab speaks plain HTTP to this machine only."""
    local = connection(secure=False, addresses=(Address("IPv4", "127.0.0.1"), Address("IPv6", "::1")))
    assert check("encrypted", evidence(connection=local)).status is Status.OK


@pytest.mark.parametrize(
    "expression",
    [
        "(user_id = ( SELECT auth.uid() AS uid))",
        "(org = (( SELECT (auth.jwt() ->> 'org'::text)))::uuid)",
        "(x = ( SELECT current_setting('app.x'::text, true) AS current_setting))",
        "true",
    ],
)
def test_a_wrapped_call_is_no_finding(expression: str) -> None:
    """PostgreSQL prints a wrapped call as a SELECT of it; that one is evaluated once."""
    given = tables(table(policies=(Policy("p", "SELECT", ("public",), expression),)))
    assert check("policies_wrapped", given).status is Status.OK


def test_a_call_that_is_wrapped_once_and_bare_once_is_found() -> None:
    """The fix wraps the bare call and leaves the wrapped one."""
    using = "((a = ( SELECT auth.uid() AS uid)) OR (b = auth.uid()))"
    found = check("policies_wrapped", tables(table(policies=(Policy("p", "SELECT", ("public",), using),))))
    assert found.fix.endswith("((a = ( SELECT auth.uid() AS uid)) OR (b = (select auth.uid()))));")


def test_only_published_tables_are_judged_by_what_they_publish() -> None:
    """A table that is not published has one finding, that it is not, and no other."""
    given = tables(table(published=False, primary_key=(), select_roles=(), policies=()))
    assert [each.id for each in judge(given) if each.status is FAILURE] == ["tables_published"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("messages", TableName("public", "messages")),
        ("chat.messages", TableName("chat", "messages")),
        ('"my.table"', TableName("public", "my.table")),
        ('"We""ird"."T"', TableName('We"ird', "T")),
    ],
)
def test_a_tables_name_is_read_as_sql_reads_it(text: str, name: TableName) -> None:
    """Schema and table are split at the dot, and double quotes protect what they enclose."""
    assert TableName.parse(text, "public") == name


@pytest.mark.parametrize("host", ["127.0.0.1", "192.168.1.5", "kong", "host.docker.internal", "laptop.local"])
def test_the_demo_key_is_at_home_on_a_local_stack(host: str) -> None:
    """Phones and containers reach `supabase start` by other names than localhost."""
    assert check("key_project", evidence(key=key(issuer="supabase-demo", host=host))).status is Status.OK


@pytest.mark.parametrize("issuer", ["http://[bad", "clerk", "http://127.0.0.1:54321/auth/v1"])
def test_any_text_may_be_an_issuer(issuer: str) -> None:
    """On a local stack: one that is no address, one without a host, and the same machine under its other name."""
    given = evidence(token=token(issuer=issuer, host="localhost", origin="http://localhost:54321"))
    assert check("token_issuer", given).status is Status.OK


@pytest.mark.parametrize(
    ("url", "home"),
    [
        ("postgresql://postgres.xyz:p@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?pgbouncer=true", "xyz"),
        ("postgresql://prisma.xyz:p@aws-1-us-east-1.pooler.supabase.com:5432/postgres", "xyz"),
        ("postgresql://postgres:p@db.xyz.supabase.co:5432/postgres", "xyz"),
        ("postgresql://postgres.tenant:p@pooler.example.com:6543/postgres", ""),
        ("postgresql://postgres:p@127.0.0.1:54322/postgres", ""),
    ],
)
def test_a_databases_address_names_its_project(url: str, home: str) -> None:
    """The pooler's role or the host of its own; others name none."""
    found = probe_database_home(Target(TargetKind.HOSTED, "https://xyz.supabase.co", "sb_publishable_x", None, url))
    assert isinstance(found, DatabaseHome)
    assert (found.project, found.here) == (home, "127.0.0.1" in url)


def test_a_custom_domain_may_be_any_project() -> None:
    """Its name does not tell which one."""
    home = DatabaseHome("xyz", here=False, host="api.example.com")
    assert check("database_project", evidence(database_home=home)).status is Status.OK
