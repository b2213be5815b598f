"""Broadcasts over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, web

from helpers.lab.realtime.settings import Limits
from helpers.wire.frames import BinaryBroadcast, Encoding
from tests.realtime.conftest import AMPLE, Serve
from tests.realtime.talker import Place, Talker

pytestmark = pytest.mark.usefixtures("policies")

MESSAGE = {"topic": "chat:h", "event": "e", "payload": {"n": 1}}


class Poster:
    """Posts to a server's endpoints with the anon key, unless told otherwise."""

    def __init__(self, place: Place, session: ClientSession, origin: str) -> None:
        self.place = place
        self._session = session
        self._origin = origin

    async def post(self, path: str = "", headers: dict[str, str] | None = None, **body: Any) -> tuple[int, str]:
        """The status and the text of the answer."""
        headers = {"apikey": self.place.lab.info["anon_key"]} if headers is None else headers
        url = f"{self._origin}/realtime/v1/api/broadcast{path}"
        async with self._session.post(url, headers=headers, **body) as response:
            return response.status, await response.text()

    async def send(self, *messages: Any, **headers: str) -> tuple[int, str]:
        return await self.post(headers=headers or None, json={"messages": list(messages)})


@pytest_asyncio.fixture
async def poster(serve: Serve) -> AsyncIterator[Poster]:
    """A server whose HTTP endpoints are mounted, with low limits of size."""
    place = await serve(limits=Limits(events_per_s=AMPLE.events_per_s, payload_bytes=1000, batch_messages=3))
    application = web.Application()
    application.add_routes(place.server.routes())
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with ClientSession() as session:
        port = runner.addresses[0][1]
        yield Poster(place, session, f"http://127.0.0.1:{port}")
    await runner.cleanup()


async def listener(poster: Poster, *, private: bool = False) -> Talker:
    talker = await poster.place.talker()
    await talker.join("chat:h", token=poster.place.lab.token(), private=private)
    return talker


async def test_a_batch_is_sent(poster: Poster) -> None:
    """Each message goes to its topic; an id comes as meta."""
    talker = await listener(poster)
    assert await poster.send(MESSAGE, MESSAGE | {"topic": "other"}, MESSAGE | {"id": "abc"}) == (202, "")
    plain, named = [(await talker.hear_event("broadcast")).payload for _ in range(2)]
    assert plain == {"event": "e", "payload": {"n": 1}, "type": "broadcast"}
    assert named == plain | {"meta": {"id": "abc"}}


async def test_keys_and_tokens_are_accepted(poster: Poster) -> None:
    """Any key as `apikey`, a user's token as bearer."""
    info = poster.place.lab.info
    for name in ("anon_key", "service_role_key", "publishable_key", "secret_key"):
        assert (await poster.send(MESSAGE, apikey=info[name]))[0] == 202
    assert (await poster.send(MESSAGE, Authorization=f"Bearer {poster.place.lab.token()}"))[0] == 202


@pytest.mark.parametrize("headers", [{"x": "y"}, {"apikey": "abc"}, {"Authorization": "Bearer abc"}])
async def test_without_a_good_key_it_is_refused(poster: Poster, headers: dict[str, str]) -> None:
    """401, whatever is wrong with it."""
    assert await poster.send(MESSAGE, **headers) == (401, '{"message":"Unauthorized"}')


async def test_a_private_message_needs_permission(poster: Poster) -> None:
    """Without it the message is dropped and the answer is 202 all the same."""
    talker = await listener(poster, private=True)
    assert await poster.send(MESSAGE | {"private": True}) == (202, "")
    await talker.hear_nothing()
    token = poster.place.lab.token()
    assert await poster.send(MESSAGE | {"private": True}, Authorization=f"Bearer {token}") == (202, "")
    await talker.hear_event("broadcast")
    assert await poster.send(MESSAGE) == (202, "")
    await talker.hear_nothing()


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"messages": []}, '["can\'t be blank"]'),
        ({}, '["can\'t be blank"]'),
        ({"messages": 5}, '["is invalid"]'),
        ({"messages": [{"event": "e", "payload": {}}]}, '[{"topic":["can\'t be blank"]}]'),
        ({"messages": [{"topic": "t", "payload": {}}]}, '[{"event":["can\'t be blank"]}]'),
        ({"messages": [MESSAGE, {"topic": "t", "event": "e"}]}, '[{},{"payload":["can\'t be blank"]}]'),
        ({"messages": [MESSAGE | {"payload": "s"}]}, '[{"payload":["is invalid"]}]'),
        (
            {"messages": [MESSAGE | {"payload": {"s": "x" * 1000}}]},
            '[{"payload":["Payload size exceeds tenant limit"]}]',
        ),
    ],
)
async def test_bad_messages_are_refused(poster: Poster, body: Any, errors: str) -> None:
    """422 with what is wrong, message by message."""
    assert await poster.post(json=body) == (422, f'{{"errors":{{"messages":{errors}}}}}')


async def test_a_batch_has_a_limit(poster: Poster) -> None:
    """More messages than that get 429."""
    sentence = "Too many messages to broadcast, please reduce the batch size"
    assert await poster.send(*[MESSAGE] * 4) == (429, f'{{"message":"{sentence}"}}')


async def test_a_body_that_is_no_json_is_refused(poster: Poster) -> None:
    """400 if it says that it is JSON, 422 if it says that it is something else."""
    headers = {"apikey": poster.place.lab.info["anon_key"], "Content-Type": "application/json"}
    assert await poster.post(headers=headers, data="{oops") == (400, "Bad Request")
    headers["Content-Type"] = "text/plain"
    assert (await poster.post(headers=headers, data="x"))[0] == 422


@pytest.mark.parametrize(
    ("body", "payload", "encoding"),
    [
        ({"json": {"n": 1}}, b'{"n":1}', Encoding.JSON),
        ({"json": [1, 2]}, b'{"_json":[1,2]}', Encoding.JSON),
        ({"data": b"\x00\xff"}, b"\x00\xff", Encoding.BINARY),
        ({}, b"", Encoding.BINARY),
    ],
)
@pytest.mark.parametrize("topic", ["chat:h", "chat%3Ah"])
async def test_one_event_is_sent(
    poster: Poster, topic: str, body: dict[str, Any], payload: bytes, encoding: Encoding
) -> None:
    """Its body, JSON or bytes, arrives as a binary broadcast."""
    talker = await listener(poster)
    assert await poster.post(f"/{topic}/events/ev", **body) == (202, "")
    assert await talker.hear() == BinaryBroadcast("realtime:chat:h", "ev", payload, encoding)


async def test_a_name_that_is_too_long_reaches_nobody(poster: Poster) -> None:
    """A binary frame has room for 255 bytes of a name; a longer event is accepted and lost."""
    talker = await listener(poster)
    assert await poster.post(f"/chat:h/events/{'e' * 256}", json={}) == (202, "")
    await talker.hear_nothing()


async def test_one_event_needs_permission(poster: Poster) -> None:
    """A private one that may not be sent gets 403."""
    talker = await listener(poster, private=True)
    path = "/chat:h/events/ev?private=true"
    assert await poster.post(path, json={}) == (403, '{"message":"Unauthorized"}')
    token = poster.place.lab.token()
    assert await poster.post(path, {"Authorization": f"Bearer {token}"}, json={"n": 1}) == (202, "")
    assert isinstance(await talker.hear(), BinaryBroadcast)


async def test_other_media_are_refused(poster: Poster) -> None:
    """One event is JSON or bytes."""
    headers = {"apikey": poster.place.lab.info["anon_key"], "Content-Type": "text/plain"}
    sentence = "Unsupported Media Type. Use application/json or application/octet-stream"
    assert await poster.post("/a/events/e", headers, data="hi") == (415, f'{{"error":"{sentence}"}}')
