"""The front door over HTTP: keys, browsers, and what passes through."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import pytest_asyncio
from websockets.client import ClientProtocol
from websockets.protocol import State
from websockets.uri import parse_uri

from helpers.lab import Lab


@pytest_asyncio.fixture
async def http(lab: Lab) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the lab's origin that sends no key by itself."""
    async with httpx.AsyncClient(base_url=lab.info["api_url"], timeout=30.0) as client:
        yield client


async def whoami(http: httpx.AsyncClient, **headers: str) -> httpx.Response:
    """The role and the user that the database sees."""
    return await http.post("/rest/v1/rpc/whoami", headers=headers, json={})


@pytest.fixture(scope="module", autouse=True)
def _function(lab: Lab) -> None:
    """A function that says as whom it is called."""
    with psycopg.connect(lab.info["database_url"], autocommit=True) as connection:
        connection.execute(
            """
            create or replace function whoami() returns json language sql stable as $$
              select json_build_object('role', auth.role(), 'sub', auth.uid(), 'user', current_user,
                                       'session', session_user, 'claims', auth.jwt())
            $$
            """
        )


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("anon_key", "anon"),
        ("publishable_key", "anon"),
        ("service_role_key", "service_role"),
        ("secret_key", "service_role"),
    ],
)
async def test_each_key_is_its_role(lab: Lab, http: httpx.AsyncClient, name: str, role: str) -> None:
    """Every key alone, and in both headers as clients send it, is its role; the session is the authenticator's."""
    key = lab.info[name]
    for headers in ({"apikey": key}, {"apikey": key, "Authorization": f"Bearer {key}"}):
        said = (await whoami(http, **headers)).json()
        assert (said["role"], said["user"], said["session"]) == (role, role, "authenticator")


async def test_users_token_beats_the_key(lab: Lab, http: httpx.AsyncClient) -> None:
    """With a user's token in Authorization the database sees that user, whichever key came along."""
    user = "11111111-1111-4111-8111-111111111111"
    token = lab.token(sub=user, app_metadata={"plan": "pro"})
    for name in ("anon_key", "publishable_key", "service_role_key", "secret_key"):
        said = (await whoami(http, apikey=lab.info[name], Authorization=f"Bearer {token}")).json()
        assert (said["role"], said["sub"], said["user"]) == ("authenticated", user, "authenticated")
        assert said["claims"]["app_metadata"] == {"plan": "pro"}


async def test_service_token_beats_the_anon_key(lab: Lab, http: httpx.AsyncClient) -> None:
    """The service role's key in Authorization counts, beside an anon key."""
    headers = {"apikey": lab.info["anon_key"], "Authorization": f"Bearer {lab.info['service_role_key']}"}
    assert (await whoami(http, **headers)).json()["role"] == "service_role"


async def test_key_in_the_query(lab: Lab, http: httpx.AsyncClient, notes: str) -> None:
    """A key may come in the query, and REST does not take it for a column."""
    key = lab.info["publishable_key"]
    token = {"Authorization": f"Bearer {lab.token()}"}
    answer = await http.get(f"/rest/v1/{notes}?select=id&apikey={key}&room=eq.1", headers=token)
    assert (answer.status_code, answer.json()) == (200, [])


async def test_refusals_of_the_gateway(lab: Lab, http: httpx.AsyncClient) -> None:
    """No key and a wrong key are answered with 401, in the gateway's words."""
    missing = await http.get("/rest/v1/anything")
    assert (missing.status_code, missing.json()["message"]) == (401, "No API key found in request")
    for wrong in ("sb_publishable_wrong", "eyJhbGciOi.e30.x", lab.token()):
        answer = await http.get("/rest/v1/anything", headers={"apikey": wrong})
        assert (answer.status_code, answer.json()["message"]) == (401, "Invalid API key")


@pytest.mark.parametrize(
    ("token", "code"), [("expired", "PGRST303"), ("of another project", "PGRST301"), ("garbage", "PGRST301")]
)
async def test_bad_tokens(lab: Lab, http: httpx.AsyncClient, token: str, code: str) -> None:
    """An expired, a foreign and a malformed token are refused by REST as PostgREST does."""
    foreign = lab.token()[:-8] + "AAAAAAAA"
    text = {"expired": lab.token(lifetime_s=-60), "of another project": foreign, "garbage": "a.b.c"}[token]
    answer = await whoami(http, apikey=lab.info["anon_key"], Authorization=f"Bearer {text}")
    assert (answer.status_code, answer.json()["code"]) == (401, code)


async def test_preflight(http: httpx.AsyncClient) -> None:
    """A browser may ask from any origin, without a key, and gets back what it asked for."""
    for path in ("/rest/v1/notes", "/auth/v1/token", "/realtime/v1/api/broadcast", "/auth/v1/admin/users"):
        asked = {
            "Origin": "https://example.com",
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "apikey,authorization,x-client-info",
        }
        answer = await http.options(path, headers=asked)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
        assert answer.headers["Access-Control-Allow-Headers"] == "apikey,authorization,x-client-info"


async def test_every_answer_is_open_to_browsers(lab: Lab, http: httpx.AsyncClient) -> None:
    """Answers, refusals among them, carry the headers without which a browser hides them."""
    key = {"apikey": lab.info["publishable_key"], "Origin": "https://example.com"}
    for path in ("/auth/v1/health", "/rest/v1/nowhere", "/nowhere"):
        assert (await http.get(path, headers=key)).headers["Access-Control-Allow-Origin"] == "*"
    assert (await http.get("/rest/v1/x")).headers["Access-Control-Allow-Origin"] == "*"


async def test_paths_of_official_clients(lab: Lab, http: httpx.AsyncClient) -> None:
    """Health, settings and the root of REST answer; a path that nobody serves is the gateway's 404."""
    key = {"apikey": lab.info["publishable_key"]}
    assert (await http.get("/auth/v1/health", headers=key)).json()["name"] == "GoTrue"
    assert (await http.get("/auth/v1/settings", headers=key)).json()["external"]["email"] is True
    assert (await http.get("/rest/v1/", headers=key)).json()["swagger"] == "2.0"
    nowhere = await http.get("/storage/v1/bucket", headers=key)
    assert (nowhere.status_code, nowhere.json()["message"]) == (404, "no Route matched with those values")


async def test_new_table_is_served_at_once(lab: Lab, http: httpx.AsyncClient) -> None:
    """A table is served as soon as it is committed, and its new column too; a dropped one no longer."""
    key = {"apikey": lab.info["secret_key"]}
    async with await psycopg.AsyncConnection.connect(lab.info["database_url"], autocommit=True) as connection:
        for number in range(5):
            name = f"fresh_{number}"
            await connection.execute(f"create table {name} (a int); grant all on {name} to service_role".encode())
            assert (await http.post(f"/rest/v1/{name}", headers=key, json={"a": 1})).status_code == 201
            await connection.execute(f"drop table {name}".encode())
        assert (await http.get("/rest/v1/fresh_0", headers=key)).status_code == 404


async def test_rows_are_hidden_from_the_first_policy_on() -> None:
    """RLS holds for a table that gets it after REST has already served others without."""
    async with Lab() as lab, httpx.AsyncClient(base_url=lab.info["api_url"]) as http:
        key = {"apikey": lab.info["publishable_key"]}
        async with await psycopg.AsyncConnection.connect(lab.info["database_url"], autocommit=True) as connection:
            await connection.execute("create table t (a int); insert into t values (1)")
            assert (await http.get("/rest/v1/t", headers=key)).json()["code"] == "42501", "no grant, no access"
            await connection.execute("grant select on t to anon")
            assert (await http.get("/rest/v1/t", headers=key)).json() == [{"a": 1}]
            await connection.execute("alter table t enable row level security")
            assert (await http.get("/rest/v1/t", headers=key)).json() == []
            grants = await connection.execute("select count(*) from information_schema.table_privileges"
                                              " where table_name = 't' and grantee = 'authenticated'")  # fmt: skip
            assert await grants.fetchone() == (0,), "to serve a request must not grant anything"


async def test_large_body_and_answer(lab: Lab, http: httpx.AsyncClient, notes: str) -> None:
    """Bodies of several megabytes pass in both directions."""
    headers = {"apikey": lab.info["anon_key"], "Authorization": f"Bearer {lab.token()}"}
    rows = [{"room": number, "body": "x" * 10_000} for number in range(500)]
    written = await http.post(f"/rest/v1/{notes}", headers=headers, json=rows)
    assert written.status_code == 201
    read = await http.get(f"/rest/v1/{notes}?order=room", headers=headers)
    assert [row["room"] for row in read.json()] == list(range(500))


async def test_many_requests_at_once(lab: Lab, http: httpx.AsyncClient, notes: str) -> None:
    """Concurrent requests of different users do not mix."""

    async def one(number: int) -> bool:
        user = f"00000000-0000-4000-8000-{number:012d}"
        headers = {"apikey": lab.info["anon_key"], "Authorization": f"Bearer {lab.token(sub=user)}"}
        await http.post(f"/rest/v1/{notes}", headers=headers, json={"room": number, "body": "mine"})
        seen = (await http.get(f"/rest/v1/{notes}", headers=headers)).json()
        return [(row["owner"], row["room"]) for row in seen] == [(user, number)]

    assert all(await asyncio.gather(*(one(number) for number in range(100))))


async def test_json_columns_keep_their_types(lab: Lab, http: httpx.AsyncClient, notes: str) -> None:
    """A jsonb column holds what was sent: objects as objects, strings as strings."""
    headers = {"apikey": lab.info["anon_key"], "Authorization": f"Bearer {lab.token()}"}
    headers["Prefer"] = "return=representation"
    for value in ({"a": [1, 2]}, "text", "", 3, [1], [{"b": None}], None):
        row = {"room": 1, "body": "x", "meta": value}
        assert (await http.post(f"/rest/v1/{notes}", headers=headers, json=row)).json()[0]["meta"] == value


async def test_values_as_postgrest_writes_them(lab: Lab, http: httpx.AsyncClient) -> None:
    """Times and bytes look as PostgreSQL's JSON has them, and as Realtime delivers them."""
    async with await psycopg.AsyncConnection.connect(lab.info["database_url"], autocommit=True) as connection:
        await connection.execute(
            "create table looks (a timestamptz, b timestamp, c bytea, d date, e uuid, f numeric);"
            "grant all on looks to service_role"
        )
        row = {
            "a": "2026-11-22T08:43:50.151+00:00", "b": "2026-11-22T08:43:50.5", "c": "\\x6162", "d": "2026-11-22",
            "e": "11111111-1111-4111-8111-111111111111", "f": 1.25,
        }  # fmt: skip
        headers = {"apikey": lab.info["secret_key"], "Prefer": "return=representation"}
        assert (await http.post("/rest/v1/looks", headers=headers, json=row)).json() == [row]
        assert (await http.get("/rest/v1/looks?a=eq.2026-11-22T08:43:50.151Z", headers=headers)).json() == [row]
        kept = await (await connection.execute("select to_json(looks) from looks")).fetchone()
        await connection.execute("drop table looks")
    assert kept == (row,)


async def test_sign_up_keeps_objects(lab: Lab, http: httpx.AsyncClient, email: str) -> None:
    """What a user says of himself is kept as an object, in which a trigger finds a name."""
    body = {"email": email, "password": "correct horse", "data": {"name": "Ada"}}
    answer = await http.post("/auth/v1/signup", headers={"apikey": lab.info["anon_key"]}, json=body)
    assert answer.status_code == 200
    with psycopg.connect(lab.info["database_url"]) as connection:
        row = connection.execute(
            "select u.raw_user_meta_data ->> 'name', i.email from auth.users u join auth.identities i"
            " on i.user_id = u.id where u.email = %s", (email,),
        ).fetchone()  # fmt: skip
    assert row == ("Ada", email)


async def test_times_of_auth(lab: Lab, http: httpx.AsyncClient, email: str) -> None:
    """Every time in Auth's answers is RFC 3339."""
    body = {"email": email, "password": "correct horse"}
    answer = await http.post("/auth/v1/signup", headers={"apikey": lab.info["anon_key"]}, json=body)
    user = answer.json()["user"]
    times = [user[name] for name in ("created_at", "updated_at", "email_confirmed_at")]
    times += [user["identities"][0][name] for name in ("created_at", "updated_at")]
    for text in times:
        assert text[10] == "T", text
        assert text.endswith(("Z", "+00:00")), text


@pytest.mark.parametrize("pieces", [1, 3, 26, 27, 40])
async def test_request_that_arrives_in_pieces(lab: Lab, pieces: int) -> None:
    """The front door waits for the rest of a request line, wherever it was cut."""
    port = urlsplit(lab.info["api_url"]).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = b"GET /realtime/v1/api/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    for start in range(0, len(request), pieces):
        writer.write(request[start : start + pieces])
        await writer.drain()
        await asyncio.sleep(0.001)
    answer = await asyncio.wait_for(reader.read(), 10.0)
    assert answer.startswith(b"HTTP/1.1 200")
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"message": "Success"}
    writer.close()


async def test_silent_connections_do_not_block(lab: Lab, http: httpx.AsyncClient) -> None:
    """Connections that say nothing leave the door open for others."""
    port = urlsplit(lab.info["api_url"]).port
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
    answer = await http.get("/auth/v1/health", headers={"apikey": lab.info["anon_key"]})
    assert answer.status_code == 200
    for _, writer in silent:
        writer.close()


async def test_websocket_on_a_kept_connection(lab: Lab) -> None:
    """A connection that has served HTTP becomes a WebSocket when its client asks, as Node does."""
    url = urlsplit(lab.info["api_url"])
    key = f"apikey={lab.info['publishable_key']}"
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write(f"GET /auth/v1/health?{key} HTTP/1.1\r\nHost: lab\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))  # type: ignore[index]
        stream = ClientProtocol(parse_uri(f"ws://lab/realtime/v1/websocket?{key}&vsn=2.0.0"))
        stream.send_request(stream.connect())
        writer.writelines(stream.data_to_send())
        stream.receive_data(await reader.readuntil(b"\r\n\r\n"))
        stream.send_text(b'[null,"1","phoenix","heartbeat",{}]')
        writer.writelines(stream.data_to_send())
        stream.receive_data(await reader.read(1000))
    assert stream.state is State.OPEN
    assert json.loads(list(stream.events_received())[-1].data)[4]["status"] == "ok"  # type: ignore[union-attr]
    writer.close()


@pytest.mark.parametrize("kept", [False, True])
async def test_a_websocket_client_that_is_ahead(lab: Lab, kept: bool) -> None:
    """What a client says together with its request is heard, on a new connection and on one that has served HTTP."""
    url = urlsplit(lab.info["api_url"])
    key = f"apikey={lab.info['publishable_key']}"
    request = (
        f"GET /realtime/v1/websocket?{key}&vsn=2.0.0 HTTP/1.1\r\nHost: lab\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()
    said = b'[null,"1","phoenix","heartbeat",{}]'
    frame = bytes((0x81, 0x80 | len(said), 0, 0, 0, 0)) + said  # masked with zeros
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        if kept:
            writer.write(b"GET /realtime/v1/api/ping HTTP/1.1\r\nHost: lab\r\n\r\n")
            await reader.readuntil(b'"Success"}')
        writer.write(request + frame)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        assert b'"status":"ok"' in await reader.read(1000)
    writer.close()
