"""What an operator can do over HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.realtime.conftest import Serve
from tests.realtime.talker import Place


@contextlib.asynccontextmanager
async def operator(place: Place, key: str = "service_role_key") -> AsyncIterator[ClientSession]:
    """A session at the project of a server whose HTTP endpoints are mounted."""
    application = web.Application()
    application.add_routes(place.server.routes())
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}/realtime/v1/api/tenants/"
    async with ClientSession(origin, headers={"Authorization": f"Bearer {place.lab.info[key]}"}) as session:
        yield session
    await runner.cleanup()


async def update(session: ClientSession, **wishes: Any) -> dict[str, Any]:
    async with session.put("here", json={"tenant": wishes}) as answer:
        assert answer.status == 200
        data: dict[str, Any] = (await answer.json())["data"]
        return data


async def test_limits_change(serve: Serve) -> None:
    """The project is shown with its new limits, they hold at once, and who is connected stays."""
    place = await serve()
    talker = await place.talker()
    await talker.join("a")
    async with operator(place) as session:
        project = await update(session, max_concurrent_users=1, max_channels_per_client=1, max_joins_per_second=7)
        assert (project["max_concurrent_users"], project["max_joins_per_second"]) == (1, 7)
        assert project["private_only"] is False
    assert (await talker.join("b"))["response"] == {"reason": "ChannelRateLimitReached: Too many channels"}
    with pytest.raises(InvalidStatus) as refusal:
        await connect(place.url(), proxy=None)
    assert refusal.value.response.status_code == 429


async def test_a_project_that_is_suspended(serve: Serve) -> None:
    """Everybody is disconnected, and nobody is let in until it is switched on again."""
    place = await serve()
    talker = await place.talker()
    await talker.join("a")
    async with operator(place) as session:
        await update(session, suspend=True)
        assert (await talker.hear_event("system")).payload["message"] == "Server requested disconnect"
        assert await talker.closed() == 1012
        with pytest.raises(InvalidStatus) as refusal:
            await connect(place.url(), proxy=None)
        assert refusal.value.response.status_code == 403
        assert refusal.value.response.body == b'{"error":"Realtime was disabled for this tenant"}'
        await update(session, suspend=False)
    await (await place.talker()).join("a")


async def test_a_project_of_private_channels_only(serve: Serve) -> None:
    """Public joins are refused from then on."""
    place = await serve()
    async with operator(place) as session:
        assert (await update(session, private_only=True))["private_only"] is True
    answer = await (await place.talker()).join("a")
    assert answer["response"] == {"reason": "PrivateOnly: This project only allows private channels"}


async def test_reload(serve: Serve) -> None:
    """Everybody is disconnected, and may come again at once."""
    place = await serve()
    talker = await place.talker()
    async with operator(place) as session:
        async with session.post("here/reload") as answer:
            assert answer.status == 204
        assert await talker.closed() == 1012
        await (await place.talker()).join("a")
        async with session.get("here/health") as answer:
            assert (await answer.json())["data"]["replication_connected"] is True


@pytest.mark.parametrize(
    "wish",
    [
        "{",
        "[]",
        "{}",
        '{"tenant":[1]}',
        '{"tenant":{"suspend":1}}',
        '{"tenant":{"max_joins_per_second":"5"}}',
        '{"tenant":{"max_concurrent_users":-1}}',
    ],
)
async def test_wishes_that_are_none(serve: Serve, wish: str) -> None:
    """A body that is not of the expected shape changes nothing."""
    place = await serve()
    before = place.server.hub.settings
    async with operator(place) as session, session.put("here", data=wish) as answer:
        assert answer.status == 422
    assert place.server.hub.settings == before


async def test_only_the_service_role_operates(serve: Serve) -> None:
    """Every other key is refused, and nothing happens."""
    place = await serve()
    talker = await place.talker()
    async with operator(place, "anon_key") as session, session.post("here/reload") as answer:
        assert answer.status == 401
    await talker.join("a")
