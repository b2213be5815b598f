"""The official Python client behind the tests' form."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import supabase
from realtime import AsyncRealtimeChannel, RealtimeSubscribeStates
from realtime.exceptions import RealtimeHTTPError

from tests.official.clients import LIMIT_S, Change, Channel, Client, ClientError, Presence, Status, Wanted

__all__ = ["PythonClient"]


class PythonClient(Client):
    """A `supabase.AsyncClient`. Options of `realtime` go to `AsyncRealtimeClient`."""

    def __init__(self, client: supabase.AsyncClient) -> None:
        self.official = client

    @classmethod
    async def start(cls, url: str, key: str, **realtime: Any) -> PythonClient:
        """A client that is not yet connected."""
        given: Any = realtime or None
        options = supabase.AsyncClientOptions(realtime=given, auto_refresh_token=False)
        return cls(await supabase.acreate_client(url, key, options))

    async def stop(self) -> None:
        """Leave everything, whatever state it is in."""
        self.official.realtime.auto_reconnect = False
        async with asyncio.timeout(LIMIT_S):
            await self.official.remove_all_channels()

    async def _channel(self, topic: str, wanted: Wanted) -> Channel:
        params: Any = {"config": wanted.config}
        return PythonChannel(self.official.channel(topic, params), wanted)

    async def set_auth(self, token: str | None) -> None:
        await self.official.realtime.set_auth(token)

    async def topics(self) -> list[str]:
        return [channel.topic for channel in self.official.get_channels()]

    async def is_connected(self) -> bool:
        return self.official.realtime.is_connected

    async def remove(self, channel: Channel) -> None:
        assert isinstance(channel, PythonChannel)
        await self.official.remove_channel(channel.official)

    async def remove_all(self) -> None:
        await self.official.remove_all_channels()

    async def sign_up(self, email: str, password: str) -> str:
        user = (await self.official.auth.sign_up({"email": email, "password": password})).user
        assert user is not None
        return user.id

    async def insert(self, table: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        written: Any = await self.official.table(table).insert(rows).execute()
        return list(written.data)


class PythonChannel(Channel):
    """An `AsyncRealtimeChannel` with all its callbacks."""

    def __init__(self, channel: AsyncRealtimeChannel, wanted: Wanted) -> None:
        super().__init__()
        self.official = channel
        self._ack = (wanted.config.get("broadcast") or {}).get("ack", False)
        for number, binding in enumerate(wanted.changes):
            heard: Any = partial(self._hear_change, number)
            channel.on_postgres_changes(callback=heard, **{"event": binding.event, **_given(binding)})
        for event in wanted.broadcasts:
            channel.on_broadcast(event, lambda message: self.hear("broadcast", message))
        channel.on_system(lambda message: self.hear("system", message.model_dump()))
        if wanted.presence:
            channel.on_presence_sync(lambda: self.hear("presence", Presence("sync")))
            channel.on_presence_join(lambda *one: self.hear("presence", Presence("join", *one)))
            channel.on_presence_leave(lambda *one: self.hear("presence", Presence("leave", *one)))

    def _hear_change(self, binding: int, payload: Any) -> None:
        data = payload["data"]
        kind = getattr(data["type"], "value", data["type"])
        self.hear("change", Change(binding, kind, data.get("record") or {}, data.get("old_record") or {}))

    def _hear_status(self, state: RealtimeSubscribeStates, error: Exception | None) -> None:
        self.hear("status", Status(state.value, "" if error is None else str(error)))

    async def _subscribe(self) -> None:
        async with asyncio.timeout(LIMIT_S):
            await self.official.subscribe(self._hear_status)

    async def send(self, event: str, payload: Any) -> str:
        if not self._ack:
            await self.official.send_broadcast(event, payload)
            return "ok"
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        push = await self.official.push("broadcast", {"type": "broadcast", "event": event, "payload": payload})
        for word in ("ok", "error", "timeout"):
            push.receive(word, lambda *_, word=word: answer.set_result(word))  # type: ignore[call-overload]
        return (await asyncio.wait_for(answer, LIMIT_S)).replace("timeout", "timed out")

    async def http_send(self, event: str, payload: Any) -> None:
        try:
            await self.official.http_send(event, payload)
        except RealtimeHTTPError as error:
            raise ClientError(str(error)) from error

    async def track(self, meta: dict[str, Any]) -> None:
        await self.official.track(meta)

    async def untrack(self) -> None:
        await self.official.untrack()

    async def presence_state(self) -> dict[str, list[dict[str, Any]]]:
        state: dict[str, list[dict[str, Any]]] = json.loads(json.dumps(self.official.presence_state()))
        return state

    async def leave(self) -> None:
        await self.official.unsubscribe()


def _given(binding: Any) -> dict[str, Any]:
    return {name: value for name, value in binding._asdict().items() if value is not None and name != "event"}
