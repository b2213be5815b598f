"""Private channels: the policies on realtime.messages decide who reads and who writes."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from helpers.lab.realtime.settings import RealtimeSettings
from helpers.wire.frames import Version
from tests.realtime.talker import Place, Talker

pytestmark = pytest.mark.usefixtures("policies")

OK = {"status": "ok", "response": {}}
JOINED = {"status": "ok", "response": {"postgres_changes": []}}


async def joined(place: Place, topic: str, token: str | None = None, **config: Any) -> Talker:
    talker = await place.talker()
    reply = await talker.join(topic, token=token or place.lab.token(), private=True, **config)
    assert reply == JOINED
    return talker


def denied(topic: str) -> dict[str, Any]:
    reason = f"Unauthorized: You do not have permissions to read from this Channel topic: {topic}"
    return {"status": "error", "response": {"reason": reason}}


async def test_who_may_read_joins(place: Place) -> None:
    """And hears what others who may write send."""
    first, second = await joined(place, "chat:1"), await joined(place, "chat:1", broadcast={"ack": True})
    await second.broadcast("chat:1", "e", {"n": 1})
    assert (await first.hear_event("broadcast")).payload["payload"] == {"n": 1}
    assert (await second.hear_event("phx_reply")).payload == OK


@pytest.mark.parametrize("topic", ["secret", "box:1"])
async def test_who_may_not_read_is_refused(place: Place, topic: str) -> None:
    """Permission to write is not enough."""
    reply = await (await place.talker()).join(topic, token=place.lab.token(), private=True)
    assert reply == denied(topic)


@pytest.mark.parametrize("role", ["anon", "nosuchrole", "postgres'; drop table realtime.messages; --"])
async def test_another_role_is_refused(place: Place, role: str) -> None:
    """So is one that does not exist."""
    reply = await (await place.talker()).join("chat:1", token=place.lab.token(role), private=True)
    assert reply == denied("chat:1")


async def test_a_private_and_a_public_channel_of_one_name_are_two(place: Place) -> None:
    """Neither hears the other."""
    private, public = await joined(place, "chat:1"), await place.talker()
    await public.join("chat:1")
    await private.broadcast("chat:1", "e", {})
    await private.hear_nothing()
    await public.hear_nothing()
    await public.broadcast("chat:1", "e", {})
    await public.hear_nothing()
    await private.hear_nothing()


async def test_who_may_not_write_is_dropped_without_a_word(place: Place) -> None:
    """Even with `ack` there is no reply."""
    reader = await joined(place, "news:1")
    writer = await joined(place, "news:1", broadcast={"ack": True, "self": True})
    await writer.broadcast("news:1", "e", {})
    await writer.hear_nothing()
    await writer.broadcast("news:1", "e", {})
    await writer.hear_nothing()
    await reader.hear_nothing()


@pytest.mark.parametrize("key", ["service_role_key", "secret_key"])
async def test_the_service_role_may_everything(place: Place, key: str) -> None:
    """Its role bypasses the policies."""
    talker = await place.talker(place.lab.info[key])
    assert await talker.join("secret", private=True, broadcast={"ack": True}) == JOINED
    await talker.broadcast("secret", "e", {})
    assert (await talker.hear_event("phx_reply")).payload == OK


async def test_broadcasts_keep_their_order_while_the_policies_are_read(place: Place) -> None:
    """The first one asks the database; those behind it wait."""
    listener, talker = await joined(place, "chat:1"), await joined(place, "chat:1")
    for number in range(20):
        await talker.broadcast("chat:1", "e", number)
    assert [(await listener.hear_event("broadcast")).payload["payload"] for _ in range(20)] == list(range(20))


async def test_presence_needs_permission_to_write(place: Place) -> None:
    """Where it may only read, a track is answered with an error."""
    talker = await joined(place, "news:1", presence={"enabled": True})
    assert (await talker.hear_event("presence_state")).payload == {}
    track = {"event": "track", "payload": {}}
    assert await talker.ask("realtime:news:1", "presence", track) == {"status": "error", "response": {}}


async def test_private_presence(place: Place) -> None:
    """Where it may write, the others hear of it."""
    other = await joined(place, "chat:1", presence={"enabled": True, "key": "b"})
    await other.hear_event("presence_state")
    talker = await joined(place, "chat:1", presence={"enabled": True, "key": "a"})
    await talker.hear_event("presence_state")
    await talker.say("realtime:chat:1", "presence", {"event": "track", "payload": {"n": 1}})
    assert (await other.hear_event("presence_diff")).payload["joins"]["a"]["metas"][0]["n"] == 1


async def test_a_token_without_permission_closes_the_channel(place: Place) -> None:
    """The policies are read again with the new token."""
    talker = await joined(place, "chat:1")
    await talker.say("realtime:chat:1", "access_token", {"access_token": place.lab.info["anon_key"]})
    message = (await talker.hear_event("system")).payload["message"]
    assert message == "You do not have permissions to read from this Channel topic: chat:1"
    await talker.hear_event("phx_close")


async def test_a_token_with_permission_goes_on(place: Place) -> None:
    """Also for writing, which is asked anew."""
    talker = await joined(place, "chat:1", broadcast={"ack": True})
    await talker.broadcast("chat:1", "e", {})
    await talker.hear_event("phx_reply")
    await talker.say("realtime:chat:1", "access_token", {"access_token": place.lab.token()})
    await talker.broadcast("chat:1", "e", {})
    assert (await talker.hear_event("phx_reply")).payload == OK


async def test_asking_leaves_nothing_behind(place: Place, superuser: str) -> None:
    """The rows with which permissions are tried out are rolled back, and not broadcast."""
    talker = await joined(place, "chat:traces", broadcast={"ack": True})
    await talker.broadcast("chat:traces", "e", {})
    await talker.hear_event("phx_reply")
    async with await psycopg.AsyncConnection.connect(superuser) as connection:
        found = await connection.execute("select count(*) from realtime.messages where topic = 'chat:traces'")
        assert await found.fetchone() == (0,)
    await talker.hear_nothing()


async def test_more_joins_than_connections_wait_their_turn(place: Place) -> None:
    """All are answered, over a few database connections."""
    count = RealtimeSettings().authorization_connections * 3
    talkers = [await place.talker() for _ in range(count)]
    for talker in talkers:
        await talker.say(
            "realtime:chat:1", "phx_join", {"config": {"private": True}, "access_token": place.lab.token()}
        )
    for talker in talkers:
        assert (await talker.hear_event("phx_reply")).payload == JOINED


@pytest.mark.parametrize("version", list(Version))
async def test_broadcasts_from_the_database(place: Place, superuser: str, version: Version) -> None:
    """`realtime.send` reaches private or public channels as the genuine server's form of that version."""
    talker, public = await place.talker(version=version), await place.talker(version=version)
    await talker.join("chat:db", token=place.lab.token(), private=True)
    await public.join("chat:db")
    async with await psycopg.AsyncConnection.connect(superuser, autocommit=True) as connection:
        await connection.execute("""select realtime.send('{"n": 1}', 'greet', 'chat:db', true)""")
        message: Any = await talker.hear()
        if version is Version.V1:
            identifier = message.payload["meta"]["id"]
            assert message.payload["payload"] == {"n": 1, "id": identifier}
            assert (message.payload["event"], message.payload["type"]) == ("greet", "broadcast")
        else:
            identifier = message.metadata["id"]
            assert message.event == "greet"
            assert message.payload.decode() == f'{{"n": 1, "id": "{identifier}"}}'
        await public.hear_nothing()
        await connection.execute("""select realtime.send('{"n": 2}', 'greet', 'chat:db', false)""")
        await public.hear()
        await talker.hear_nothing()


async def test_bytes_from_the_database_reach_only_version_two(place: Place, superuser: str) -> None:
    """`realtime.send_binary` has no form in version 1.0.0."""
    first, second = await place.talker(version=Version.V1), await joined(place, "chat:db")
    await first.join("chat:db", token=place.lab.token(), private=True)
    async with await psycopg.AsyncConnection.connect(superuser, autocommit=True) as connection:
        await connection.execute(r"select realtime.send_binary('\x00ff10', 'bin', 'chat:db', true)")
    message: Any = await second.hear()
    assert (message.event, message.payload) == ("bin", b"\x00\xff\x10")
    await first.hear_nothing()


async def test_replication_ready(place: Place) -> None:
    """A join that asks is told when broadcasts from the database will arrive."""
    talker = await joined(place, "chat:1", broadcast={"replication_ready": True})
    system = await talker.hear_event("system")
    assert system.payload == {
        "message": "Replication connection established",
        "status": "ok",
        "extension": "system",
        "channel": "chat:1",
    }


async def test_replay(place: Place, superuser: str) -> None:
    """A join may ask for the newest broadcasts of the database; they come after the reply, oldest first."""
    async with await psycopg.AsyncConnection.connect(superuser, autocommit=True) as connection:
        for number in range(4):
            body = f'{{"n": {number}, "id": "11111111-1111-4111-8111-00000000000{number}"}}'
            await connection.execute("select realtime.send(%s, 'e', 'chat:replay', true)", (body,))
    talker = await joined(place, "chat:replay", broadcast={"replay": {"since": 1, "limit": 3}})
    past = [await talker.hear_event("broadcast") for _ in range(3)]
    assert [message.payload["payload"]["n"] for message in past] == [1, 2, 3]
    assert all(message.payload["meta"]["replayed"] is True for message in past)
    assert {message.join_ref for message in past} == {"1"}
    await talker.hear_nothing()


@pytest.mark.parametrize(
    ("private", "replay", "sentence"),
    [
        (False, {"since": 1, "limit": 3}, "Replay is not allowed for public channels"),
        (True, {"since": "x", "limit": 3}, "Replay params are not valid"),
        (True, {"since": 1, "limit": 26}, "Replay params are not valid"),
        (True, {"since": 10**15, "limit": 3}, "Replay params are not valid"),
    ],
)
async def test_a_replay_that_cannot_be_is_refused(
    place: Place, private: bool, replay: dict[str, Any], sentence: str
) -> None:
    """With the cause."""
    talker = await place.talker()
    config = {"private": private, "broadcast": {"replay": replay}}
    reply = await talker.join("chat:1", token=place.lab.token(), **config)
    assert reply["response"] == {"reason": f"UnableToReplayMessages: {sentence}"}
