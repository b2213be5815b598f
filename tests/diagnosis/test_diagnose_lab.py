"""The whole diagnosis against the running lab: healthy, refused, and with a database that cannot be used."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import urlsplit

import msgspec
import psycopg
import pytest

from helpers.diagnosis import Diagnosis, Status, diagnose
from helpers.lab import Lab
from helpers.lab.keys import mint
from helpers.lab.network import BAD_GATEWAY, CAPTIVE_PAGE, PROXY_PASSWORD, STRIPPED_UPGRADE, Conditions, network
from helpers.target import Target

WAY = ["DNS", "TCP", "TLS", "HTTP upgrade", "ping", "heartbeat", "join", "system ok", "broadcast", "change"]


async def test_a_healthy_lab_has_no_failure(patient: Target) -> None:
    """With the workbook's tables nothing fails, nearly everything is checked, and every layer has its time."""
    diagnosis = await diagnose(patient)
    assert [(check.id, check.cause) for check in diagnosis.failures] == []
    assert sum(check.status is not Status.SKIPPED for check in diagnosis.checks) >= 30
    assert [layer.name for layer in diagnosis.layers] == WAY
    assert [layer.name for layer in diagnosis.layers if layer.status is Status.SKIPPED] == ["TLS"]
    assert {len(layer.samples_ms) for layer in diagnosis.layers if layer.name != "TLS"} == {3}
    assert [check.id for check in diagnosis.checks if check.status is not Status.SKIPPED and not check.took_ms] == []
    starts = [layer.started_ms for layer in diagnosis.layers]
    assert starts == sorted(starts)


async def test_progress_is_told_in_lines(patient: Target) -> None:
    """Each part announces itself, the runs with their number."""
    lines: list[str] = []
    await diagnose(patient, repeats=2, progress=lines.append)
    assert [line for line in lines if "of 2" in line] == [
        "Going from DNS to the first change, 1 of 2",
        "Going from DNS to the first change, 2 of 2",
    ]


async def test_the_rows_that_were_written_are_gone(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """The marked rows are deleted, and no other."""
    before = await (await surgeon.execute("select count(*) from public.events")).fetchone()
    diagnosis = await diagnose(patient)
    assert diagnosis.check("change_delivered").status is Status.OK
    assert await (await surgeon.execute("select count(*) from public.events")).fetchone() == before


#: Whatever a definition could be changed in; `pg_class` by what is not statistics.
CATALOGS = (
    *("pg_attribute", "pg_constraint", "pg_index", "pg_namespace", "pg_policy", "pg_proc", "pg_publication"),
    *("pg_publication_rel", "pg_roles", "pg_trigger", "pg_type"),
    "(select oid, relname, relowner, relacl, relreplident, relrowsecurity, relfilenode from pg_class)",
)


async def snapshot(connection: psycopg.AsyncConnection) -> dict[str, object]:
    """All rows, sequences and definitions, but for the subscriptions that the server itself keeps."""
    tables = await connection.execute(
        "select format('%I.%I', schemaname, relname) from pg_stat_user_tables"
        " where (schemaname, relname) <> ('realtime', 'subscription') order by 1"
    )
    names = [row[0] for row in await tables.fetchall()]
    rows = {
        name: await (
            await connection.execute(f"select count(*), md5(string_agg(t::text, '' order by t::text)) from {name} t")
        ).fetchone()  # type: ignore[arg-type]
        for name in names
    }
    catalogs = {
        name: await (
            await connection.execute(f"select md5(string_agg(c::text, '' order by c::text)) from {name} c")
        ).fetchone()  # type: ignore[arg-type]
        for name in CATALOGS
    }
    sequences = await (
        await connection.execute("select schemaname, sequencename, last_value from pg_sequences")
    ).fetchall()
    tuples = await (
        await connection.execute(
            "select schemaname, relname, n_tup_ins, n_tup_upd, n_tup_del from pg_stat_user_tables"
            " where (schemaname, relname) <> ('realtime', 'subscription')"
        )
    ).fetchall()
    return {"rows": rows, "catalogs": catalogs, "sequences": sorted(sequences), "tuples": sorted(tuples)}


async def test_nothing_is_written_where_writing_is_not_allowed(
    patient: Target, surgeon: psycopg.AsyncConnection
) -> None:
    """Without leave the database is the same afterwards, and the change's layer says what to set."""
    before = await snapshot(surgeon)
    diagnosis = await diagnose(replace(patient, writes_allowed=False))
    assert await snapshot(surgeon) == before
    change = diagnosis.layers[-1]
    assert change.status is Status.SKIPPED
    assert "WORKBOOK_ALLOW_WRITES=yes" in change.detail
    assert "WORKBOOK_ALLOW_WRITES=yes" in diagnosis.check("change_delivered").evidence


async def test_a_key_of_another_project(patient: Target, clinic: Lab) -> None:
    """A key that was signed with another secret is refused by Realtime, and the first line says why."""
    diagnosis = await diagnose(replace(patient, publishable_key=mint("x" * 40, "anon")))
    assert str(diagnosis).startswith("The server refuses the key: its signature does not fit")
    assert [check.id for check in diagnosis.failures] == ["token_signature"]


async def test_an_expired_key(patient: Target, clinic: Lab) -> None:
    """The key itself tells when it ended; that the server refuses it follows from that."""
    diagnosis = await diagnose(replace(patient, publishable_key=clinic.token("anon", lifetime_s=-60)))
    assert str(diagnosis).startswith("The key expired 6")
    assert [check.id for check in diagnosis.failures] == ["key_life"]
    assert "HTTP 401" in diagnosis.check("realtime_answers").evidence


async def test_an_expired_user_token(patient: Target, clinic: Lab) -> None:
    """The first line is about the token, and what the server says to it is what was expected."""
    token = clinic.token(lifetime_s=-7200)
    diagnosis = await diagnose(replace(patient, user_token=token), repeats=1)
    assert str(diagnosis).startswith("The user's token expired 2 hours ago")
    assert [check.id for check in diagnosis.failures] == ["token_life"]
    assert "InvalidJWTToken" in diagnosis.check("token_expired").evidence


async def test_a_good_user_token_is_taken(patient: Target, clinic: Lab) -> None:
    """Signed with the shared secret or with the project's own key, it joins, as was expected of it."""
    for algorithm in ("HS256", "ES256"):
        token = clinic.token(algorithm=algorithm)  # type: ignore[arg-type]
        diagnosis = await diagnose(replace(patient, user_token=token), repeats=1)
        assert diagnosis.findings == ()
        assert diagnosis.check("token_answer").evidence.startswith("joined with it, as expected")


@pytest.mark.parametrize(
    "text", ["hello there", "a.b.c", "eyJhbGciOi", "ß.ß.ß", "." * 400, "eyJhbGciOiJIUzI1NiJ9.W10.x"]
)
async def test_a_text_that_is_no_token_is_a_finding(patient: Target, text: str) -> None:
    """Whatever is given in a token's place, the diagnosis goes on, says so, and sends it nowhere."""
    diagnosis = await diagnose(replace(patient, user_token=text), repeats=1)
    assert [check.id for check in diagnosis.findings] == ["token_readable"]
    assert "was not sent anywhere" in diagnosis.check("token_readable").evidence


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        (STRIPPED_UPGRADE, "A proxy on the way strips the header Upgrade"),
        (PROXY_PASSWORD, "A proxy on the way asks for a password (Server: squid/6.13)"),
        (CAPTIVE_PAGE, "A page of the network stands in the way (a captive portal)"),
        (BAD_GATEWAY, "The gateway answers HTTP 502"),
    ],
    ids=str,
)
async def test_what_is_on_the_way_is_named_first(patient: Target, conditions: Conditions, words: str) -> None:
    """The first line names the fault of the network, and it is the only failure."""
    async with network(patient, conditions) as via:
        diagnosis = await diagnose(via.target)
    assert str(diagnosis).startswith(words)
    assert len(diagnosis.failures) == 1


async def test_a_refused_handshake_is_waited_for(lab: Lab) -> None:
    """A server that refuses after its two seconds is heard to the end."""
    diagnosis = await diagnose(replace(lab.target, publishable_key=mint("x" * 40, "anon")), repeats=1)
    assert [check.id for check in diagnosis.failures] == ["token_signature"]


async def test_a_refused_join_is_waited_for(lab: Lab) -> None:
    """A server that refuses a join after its five seconds is heard to the end."""
    foreign = mint("x" * 40, "authenticated")
    bare = replace(lab.target, database_url=None, writes_allowed=False, user_token=foreign)
    diagnosis = await diagnose(bare, repeats=1)
    assert [check.id for check in diagnosis.failures] == ["token_signature"]


async def test_a_sentence_from_a_log_is_explained(patient: Target) -> None:
    """What a client has logged is judged beside what is measured."""
    diagnosis = await diagnose(patient, repeats=1, heard=["ChannelRateLimitReached: Too many channels"])
    assert [check.id for check in diagnosis.failures] == ["too_many_channels"]


async def test_a_configuration_is_read_as_the_server_reads_it(patient: Target) -> None:
    """A typo that opens a channel to everybody is found without joining."""
    diagnosis = await diagnose(patient, repeats=1, join={"config": {"private": "yes"}})
    assert diagnosis.check("join_as_meant").fix == '{"config": {"private": true}}'


async def test_an_older_anon_key_is_as_good(patient: Target, clinic: Lab) -> None:
    """The JSON Web Token of the role anon goes all the way too."""
    diagnosis = await diagnose(replace(patient, publishable_key=clinic.info["anon_key"]), repeats=1)
    assert diagnosis.healthy
    assert "role anon" in diagnosis.check("key_role").evidence


async def test_the_servers_key_in_the_clients_place(patient: Target, clinic: Lab) -> None:
    """It works, which is the danger."""
    diagnosis = await diagnose(replace(patient, publishable_key=clinic.info["service_role_key"]), repeats=1)
    assert [check.id for check in diagnosis.failures] == ["key_role"]


async def test_without_a_database_url_the_rest_goes_on(patient: Target) -> None:
    """What needs the catalogs is not checked, and says what to set; what the server itself answers is checked."""
    diagnosis = await diagnose(replace(patient, database_url=None), tables=["messages", "nosuch"])
    assert diagnosis.check("tables_published").evidence == "not checked, because DATABASE_URL is not set"
    assert diagnosis.check("broadcast_returns").status is Status.OK
    assert [check.id for check in diagnosis.failures] == ["unsubscribable"]
    assert "public.nosuch" in diagnosis.check("unsubscribable").cause


@pytest.mark.parametrize("wrong", ["password", "port", "text"])
async def test_a_database_url_that_does_not_work(patient: Target, wrong: str) -> None:
    """The database's check fails with the reason; the way to the broadcast is measured all the same."""
    assert patient.database_url is not None
    parts = urlsplit(patient.database_url)
    url = {
        "password": patient.database_url.replace(str(parts.password), "wrong-password"),
        "port": patient.database_url.replace(f":{parts.port}", ":1"),
        "text": "postgres//no url at all",
    }[wrong]
    diagnosis = await diagnose(replace(patient, database_url=url), repeats=1)
    assert [check.id for check in diagnosis.failures] == ["database_readable"]
    assert diagnosis.check("wal_level").status is Status.SKIPPED
    assert diagnosis.check("broadcast_returns").status is Status.OK
    assert "wrong-password" not in text_of(diagnosis)


def text_of(diagnosis: Diagnosis) -> str:
    """Everything that a diagnosis can show or be saved as."""
    return "\n".join(
        [
            str(diagnosis),
            repr(diagnosis),
            diagnosis._repr_html_(),
            msgspec.json.encode(diagnosis).decode(),
            json.dumps(diagnosis.to_frame().to_dict()),
        ]
    )


@pytest.mark.parametrize("case", ["healthy", "refused", "named", "token", "quoted token"])
async def test_no_secret_is_in_any_form_of_the_result(patient: Target, clinic: Lab, case: str) -> None:
    """Keys, passwords and the JWT secret are in no text, table, page or file, also when a server echoes them."""
    target = patient
    if case == "refused":
        target = replace(patient, publishable_key=mint("x" * 40, "anon"))
    if case == "named":
        target = replace(patient, secret_key=clinic.info["service_role_key"])
    if "token" in case:
        token = clinic.token(lifetime_s=-60, kid="x")
        target = replace(patient, user_token=f'"Bearer {token}"' if "quoted" in case else token)
    secret = patient.publishable_key
    diagnosis = await diagnose(target, tables=[secret] if case == "named" else None, repeats=1)
    password = urlsplit(patient.database_url or "").password
    secrets = [target.publishable_key, target.secret_key, target.database_url, target.jwt_secret, password]
    secrets += [target.user_token, (target.user_token or "").strip('"').removeprefix("Bearer ")]
    shown = text_of(diagnosis)
    assert [value for value in secrets if value and value in shown] == []


async def test_a_project_without_published_tables_is_not_broken(lab: Lab) -> None:
    """Broadcast and Presence need no publication: that nothing is published is a warning, and the rest is measured."""
    bare = replace(lab.target, database_url=None, writes_allowed=False)
    diagnosis = await diagnose(bare)
    assert diagnosis.failures == ()
    assert diagnosis.repeats == 3
    assert diagnosis.check("broadcast_returns").status is Status.OK
