"""Joins that ask to be answered only when their changes are subscribed to (`postgres_changes_options`)."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import psycopg
import pytest

from helpers.wire.frames import Frame, Version
from tests.realtime.conftest import Serve
from tests.realtime.talker import Place, Talker
from tests.realtime.test_changes import BINDING, SUBSCRIBED, USER, database, write

__all__ = ["database"]

COLD_S = 0.4


async def join_waiting(talker: Talker, place: Place, *bindings: dict[str, Any], **options: Any) -> Any:
    token = place.lab.token(sub=USER)
    options = {"wait": True} | options
    return await talker.join("a", token=token, postgres_changes=list(bindings), postgres_changes_options=options)


@pytest.mark.parametrize("version", list(Version))
async def test_the_reply_waits(serve: Serve, database: psycopg.AsyncConnection, version: Version) -> None:
    """It comes when the changes do: first the reply, then that it is subscribed, then a row written at once."""
    place = await serve(cold_start_s=COLD_S)
    talker, began = await place.talker(version=version), time.monotonic()
    reply = await join_waiting(talker, place, BINDING)
    assert time.monotonic() - began >= COLD_S
    assert [binding["table"] for binding in reply["response"]["postgres_changes"]] == ["realtime_notes"]
    await write(database, USER, "at once")
    assert (await talker.hear_event("system")).payload == SUBSCRIBED
    change = await talker.hear_event("postgres_changes")
    assert change.payload["data"]["record"]["body"] == "at once"


@pytest.mark.parametrize(
    "options",
    [{"wait": False}, {"wait": "no"}, {"timeout": 1000}, {}, None, "wait", [True]],
)
async def test_who_does_not_ask_does_not_wait(serve: Serve, options: Any) -> None:
    """Anything but a true `wait` is as if there were no such option."""
    place = await serve(cold_start_s=60.0)  # longer than the talker has patience for
    talker = await place.talker()
    reply = await talker.join("a", postgres_changes=[BINDING], postgres_changes_options=options)
    assert reply["status"] == "ok"


async def test_without_bindings_nothing_is_waited_for(serve: Serve) -> None:
    """And nothing is said of a subscription."""
    place = await serve(cold_start_s=COLD_S)
    talker = await place.talker()
    assert (await join_waiting(talker, place))["status"] == "ok"
    await talker.hear_nothing()


async def test_a_bad_binding_refuses_the_join(place: Place, database: psycopg.AsyncConnection) -> None:
    """With what the system message would have said; and the topic is not joined."""
    talker = await place.talker()
    reply = await join_waiting(talker, place, BINDING, BINDING | {"table": "nosuch"})
    assert reply["status"] == "error"
    said = "RealtimeDisabledForConfiguration: Unable to subscribe to changes with given parameters."
    assert reply["response"]["reason"].startswith(said)
    assert (await talker.ask("realtime:a", "broadcast"))["response"] == {"reason": "unmatched topic"}
    await left_nothing(place)


@pytest.mark.parametrize(
    ("timeout", "limit_s", "waited_ms"), [(100, 20.0, 100), ("100", 20.0, 100), (60_000, 0.2, 200)]
)
async def test_a_wait_that_is_too_long(serve: Serve, timeout: Any, limit_s: float, waited_ms: int) -> None:
    """The client's limit holds, or the server's if it is lower; what is not subscribed by then refuses the join."""
    place = await serve(cold_start_s=10.0, changes_wait_limit_s=limit_s)
    reply = await join_waiting(await place.talker(), place, BINDING, timeout=timeout)
    assert reply["response"]["reason"] == (
        f"PostgresChangesSubscribeTimeout: Timed out after {waited_ms}ms waiting for the postgres_changes subscription"
    )
    await left_nothing(place)


@pytest.mark.parametrize("timeout", ["9" * 400, 10**30, 0, -5, True, 1e3, "soon", None])
async def test_a_timeout_that_is_no_time(place: Place, database: psycopg.AsyncConnection, timeout: Any) -> None:
    """The server's own limits hold then, and the join is answered."""
    reply = await join_waiting(await place.talker(), place, BINDING, timeout=timeout)
    assert reply["status"] == "ok"


async def test_the_reply_comes_before_what_came_meanwhile(serve: Serve, database: psycopg.AsyncConnection) -> None:
    """Messages for the socket wait for the join, those on the topic that is joined too."""
    place = await serve(cold_start_s=COLD_S)
    talker, sender = await place.talker(), await place.talker()
    await sender.join("a")
    await talker.join("b")
    await sender.join("b")
    waiting = asyncio.create_task(join_waiting(talker, place, BINDING))
    await asyncio.sleep(COLD_S / 2)
    for topic in ("a", "b"):
        await sender.broadcast(topic, "e", {})
    assert (await waiting)["status"] == "ok"  # or else the next message was not the reply
    heard = [await talker.hear() for _ in range(3)]
    assert [(message.topic, message.event) for message in heard if isinstance(message, Frame)] == [
        ("realtime:a", "broadcast"),
        ("realtime:b", "broadcast"),
        ("realtime:a", "system"),
    ]


async def test_who_goes_while_waiting_leaves_nothing(serve: Serve) -> None:
    """No topic, no subscription."""
    place = await serve(cold_start_s=COLD_S)
    talker = await place.talker()
    waiting = asyncio.create_task(join_waiting(talker, place, BINDING))
    await asyncio.sleep(COLD_S / 2)
    assert len(place.server.hub.topics) == 1
    waiting.cancel()
    await talker.socket.close()
    await left_nothing(place)
    await asyncio.sleep(COLD_S)
    await left_nothing(place)


async def left_nothing(place: Place) -> None:
    hub = place.server.hub
    async with asyncio.timeout(30):
        while len(hub.topics) or hub.changes.subscribers:  # noqa: ASYNC110 - of no use to anybody but a test
            await asyncio.sleep(0.01)
