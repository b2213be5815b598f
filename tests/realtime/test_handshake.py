"""Who gets a socket."""

from __future__ import annotations

import asyncio
import time

import jwt
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from helpers.lab.realtime.settings import Limits
from tests.realtime.conftest import Serve
from tests.realtime.talker import Place

LATER = 4_000_000_000


async def refusal(url: str, **headers: str) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(url, proxy=None, additional_headers=headers):
            pass
    response = caught.value.response
    return response.status_code, bytes(response.body or b"").decode()


def signed(place: Place, secret: str | None = None, algorithm: str = "HS256", **claims: object) -> str:
    return jwt.encode(claims, secret or place.lab.info["jwt_secret"], algorithm=algorithm)


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("", "The token provided is not a valid JWT"),
        ("abc", "The token provided is not a valid JWT"),
        ("a.b.c", "The token provided is not a valid JWT"),
        ("sb_publishable_unknown", "The token provided is not a valid JWT"),
    ],
)
async def test_a_key_that_is_no_token_is_refused(place: Place, key: str, sentence: str) -> None:
    """A key that is neither one of the project's keys nor a token is refused with 401."""
    assert await refusal(place.url(key)) == (401, f'{{"error":"{sentence}"}}')


async def test_a_missing_key_is_refused(place: Place) -> None:
    """Without a key, the server says that it is missing."""
    url = f"ws://127.0.0.1:{place.port}/realtime/v1/websocket?vsn=2.0.0"
    assert await refusal(url) == (401, '{"error":"API key is missing"}')


async def test_bad_tokens_are_refused_with_their_cause(place: Place) -> None:
    """Each fault of a token has its own sentence and status."""
    unsigned = jwt.encode({"role": "anon", "exp": LATER}, None, algorithm="none")
    causes = {
        signed(place, "another secret of enough length for HS256", role="anon", exp=LATER): (
            401,
            "Failed to validate JWT signature",
        ),
        signed(place, role="anon", exp=1): (401, "Token has expired"),
        signed(place, exp=LATER): (401, "Fields `role` and `exp` are required in JWT"),
        signed(place, role="anon"): (401, "Fields `role` and `exp` are required in JWT"),
        signed(place, role="anon", exp=str(LATER)): (500, "Error connecting to Realtime"),
        unsigned: (401, "Failed to generate JWT signer, check your JWT secret or JWKS configuration"),
    }
    for token, (status, sentence) in causes.items():
        assert await refusal(place.url(token)) == (status, f'{{"error":"{sentence}"}}')


async def test_good_keys_open_a_socket(place: Place) -> None:
    """Both JWT keys, both new keys, a token of any role, of HS512, or with a fractional exp are let in."""
    info = place.lab.info
    keys = [info[name] for name in ("anon_key", "service_role_key", "publishable_key", "secret_key")]
    keys += [
        signed(place, role="nosuchrole", exp=LATER),
        signed(place, role="anon", exp=LATER + 0.5),
        signed(place, algorithm="HS512", role="anon", exp=LATER),
    ]
    for key in keys:
        await (await place.talker(key)).hear_nothing()


async def test_the_key_may_come_in_a_header(place: Place) -> None:
    """`x-api-key` does as well as the query parameter."""
    url = f"ws://127.0.0.1:{place.port}/realtime/v1/websocket"
    async with connect(url, proxy=None, additional_headers={"x-api-key": place.lab.info["anon_key"]}) as socket:
        assert socket.response is not None
        assert socket.response.status_code == 101


@pytest.mark.parametrize("vsn", ["3.0.0", "2.1.0", "abc", ""])
async def test_an_unknown_version_is_refused_without_a_word(place: Place, vsn: str) -> None:
    """An unknown protocol version gets an empty 403."""
    assert await refusal(place.url(vsn=vsn)) == (403, "")


@pytest.mark.parametrize("vsn", [None, "1.0.0", "1.0.5"])
async def test_version_one_is_the_default(place: Place, vsn: str | None) -> None:
    """Without a version, and with any 1.0.x, messages are objects."""
    async with connect(place.url(vsn=vsn), proxy=None) as socket:
        await socket.send('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}')
        assert (await socket.recv())[:1] == "{"


async def test_compression_is_not_granted(place: Place) -> None:
    """permessage-deflate may be offered, but is not used."""
    async with connect(place.url(), proxy=None, compression="deflate") as socket:
        assert socket.response is not None
        assert "sec-websocket-extensions" not in socket.response.headers


async def test_another_path_is_not_found(place: Place) -> None:
    """Nothing else is served."""
    status, body = await refusal(place.url().replace("/realtime/v1/websocket", "/socket/nope"))
    assert (status, body) == (404, "Not Found")


async def test_a_refusal_comes_late(serve: Serve) -> None:
    """A refusal with a cause is answered after the delay, one for an unknown version at once."""
    place = await serve(handshake_error_delay_s=0.3)
    started = time.monotonic()
    await refusal(place.url("abc"))
    assert time.monotonic() - started >= 0.3
    started = time.monotonic()
    await refusal(place.url(vsn="3.0.0"))
    assert time.monotonic() - started < 0.3


async def test_too_many_users_are_refused(serve: Serve) -> None:
    """Sockets that joined something count as users; with the quota used up a new socket gets 429."""
    place = await serve(limits=Limits(users=1))
    idle, user = await place.talker(), await place.talker()
    await user.join("a")
    assert await refusal(place.url()) == (429, '{"error":"Too many connected users"}')
    reply = await idle.join("a")
    assert reply["response"]["reason"] == "ConnectionRateLimitReached: Too many connected users"
    await user.socket.close()
    await idle.hear_nothing()
    await (await place.talker()).hear_nothing()


async def test_a_head_in_pieces_is_put_together(place: Place) -> None:
    """The request may arrive byte by byte, and frames may follow it at once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    path = place.url().partition(str(place.port))[2]
    head = (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    heartbeat = b'[null,"1","phoenix","heartbeat",{}]'
    message = head.encode() + bytes((0x81, 0x80 | len(heartbeat), 0, 0, 0, 0)) + heartbeat
    for start in range(0, len(message), 50):
        writer.write(message[start : start + 50])
        await writer.drain()
        await asyncio.sleep(0)
    async with asyncio.timeout(30):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        assert b"phx_reply" in await reader.read(100)
    writer.close()


@pytest.mark.parametrize("head", [b"hello\r\n\r\n", b"GET / HTTP/2\r\n\r\n", b"x" * 20_000])
async def test_what_is_no_request_is_hung_up_on(place: Place, head: bytes) -> None:
    """Bytes that are no HTTP request, or no end of it, get an error and the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    writer.write(head)
    async with asyncio.timeout(30):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 4")
    writer.close()
