"""The official JavaScript client behind the tests' form: any number of clients in one Node process."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers.node import node_environment, node_executable, npm_parts
from tests.official.clients import LIMIT_S, Change, Channel, Client, ClientError, Presence, Status, Wanted

__all__ = ["JavaScriptChannel", "JavaScriptClient", "NodeProcess"]

_SCRIPT = Path(__file__).with_name("javascript_client.mjs")
_names = itertools.count(1)


class NodeProcess:
    """One process that drives the official client; see the script for what is said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._channels: dict[str, JavaScriptChannel] = {}
        self.told: defaultdict[tuple[str, str], asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls) -> NodeProcess:
        """Start Node."""
        parts = await asyncio.to_thread(npm_parts)
        process = await asyncio.create_subprocess_exec(
            str(node_executable()), str(_SCRIPT), str(parts), limit=2**26,
            env=node_environment(), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return cls(process)

    async def stop(self) -> None:
        """End Node, which ends at the end of its input."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), LIMIT_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise
        await self._reading

    def listen(self, channel: JavaScriptChannel) -> None:
        """Hand what its callbacks are called with to a channel."""
        self._channels[channel.name] = channel

    async def ask(self, command: str, **given: Any) -> Any:
        """Run a command; returns its value. Raises ClientError."""
        assert self._process.stdin is not None
        number = next(_names)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "command": command, **given}
        self._process.stdin.write(json.dumps(message, default=_packed).encode() + b"\n")
        return await asyncio.wait_for(answer, LIMIT_S)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            message = json.loads(line, object_hook=_unpacked)
            if "to" in message:
                self._tell(message["to"], message["kind"], message["value"])
            else:
                self._answer(self._answers.pop(message["id"]), message)
        for answer in self._answers.values():
            answer.set_exception(ClientError("Node has ended; its last words are on stderr"))

    def _tell(self, to: str, kind: str, value: Any) -> None:
        if to in self._channels:
            self._channels[to].hear(kind, _READ[kind](value) if kind in _READ else value)
        else:
            self.told[to, kind].put_nowait(value)

    def _answer(self, answer: asyncio.Future[Any], message: dict[str, Any]) -> None:
        if answer.done():
            return
        if "error" in message:
            answer.set_exception(ClientError(message["error"]))
        else:
            answer.set_result(message["value"])


class JavaScriptClient(Client):
    """A `SupabaseClient` in the Node process."""

    def __init__(self, node: NodeProcess, name: str) -> None:
        self.node = node
        self.name = name

    @classmethod
    async def start(
        cls, node: NodeProcess, url: str, key: str, *, token: str | None = None, **realtime: Any
    ) -> JavaScriptClient:
        """A client that is not yet connected.

        Args:
            node: where it lives.
            url, key: of the project.
            token: what the client's `accessToken` returns; without it the client has a session's or none.
            realtime: options; where one is a function, see the script for what may be said in its place.
        """
        client = cls(node, f"client {next(_names)}")
        await client.ask("connect", url=url, key=key, realtime=realtime, token=token)
        return client

    async def ask(self, command: str, **given: Any) -> Any:
        """Run a command of this client."""
        return await self.node.ask(command, client=self.name, **given)

    async def told(self, kind: str) -> Any:
        """What the next call of a function among the options was given: "log", "heartbeat", "fetch" …"""
        return await asyncio.wait_for(self.node.told[self.name, kind].get(), LIMIT_S)

    async def realtime(self, method: str, *given: Any) -> Any:
        """Call a method of the client's RealtimeClient."""
        return await self.ask("onRealtime", method=method, given=given)

    async def stop(self) -> None:
        """Leave everything, whatever state it is in."""
        await self.ask("stop")

    async def _channel(self, topic: str, wanted: Wanted) -> Channel:
        channel = JavaScriptChannel(self.node, f"channel {next(_names)}")
        self.node.listen(channel)
        bindings = [
            {name: value for name, value in binding._asdict().items() if value is not None}
            for binding in wanted.changes
        ]
        plain = {
            "config": wanted.config, "changes": bindings, "broadcasts": wanted.broadcasts, "presence": wanted.presence
        }  # fmt: skip
        await self.ask("channel", channel=channel.name, topic=topic, wanted=plain)
        return channel

    async def set_auth(self, token: str | None) -> None:
        await self.ask("setAuth", token=token)

    async def topics(self) -> list[str]:
        topics: list[str] = await self.ask("topics")
        return topics

    async def is_connected(self) -> bool:
        return bool(await self.realtime("isConnected"))

    async def remove(self, channel: Channel) -> None:
        assert isinstance(channel, JavaScriptChannel)
        assert await self.ask("remove", channel=channel.name) == "ok"

    async def remove_all(self) -> None:
        assert set(await self.ask("removeAll")) <= {"ok"}

    async def sign_up(self, email: str, password: str) -> str:
        return str(await self.ask("signUp", email=email, password=password))

    async def insert(self, table: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        written: list[dict[str, Any]] = await self.ask("insert", table=table, rows=rows)
        return written


class JavaScriptChannel(Channel):
    """A `RealtimeChannel` with all its callbacks."""

    def __init__(self, node: NodeProcess, name: str) -> None:
        super().__init__()
        self._node = node
        self.name = name

    async def call(self, method: str, *given: Any) -> Any:
        """Call a method of the channel."""
        return await self._node.ask("onChannel", channel=self.name, method=method, given=given)

    async def _subscribe(self) -> None:
        await self._node.ask("subscribe", channel=self.name)

    async def subscribe_within(self, timeout_ms: int) -> Status:
        """As `subscribe`, with a limit of the client's own."""
        await self._node.ask("subscribe", channel=self.name, timeout=timeout_ms)
        status: Status = await self.next("status")
        return status

    async def send(self, event: str, payload: Any, **more: Any) -> str:
        return str(await self.call("send", {"type": "broadcast", "event": event, "payload": payload, **more}))

    async def http_send(self, event: str, payload: Any) -> None:
        assert await self.call("httpSend", event, payload) == {"success": True}

    async def track(self, meta: dict[str, Any]) -> None:
        answer = await self.call("track", meta)
        if answer != "ok":
            raise ClientError(answer)

    async def untrack(self) -> None:
        assert await self.call("untrack") == "ok"

    async def presence_state(self) -> dict[str, list[dict[str, Any]]]:
        state: dict[str, list[dict[str, Any]]] = await self.call("presenceState")
        return state

    async def leave(self) -> None:
        assert await self.call("unsubscribe") == "ok"


def _packed(value: Any) -> dict[str, str]:
    return {"$bytes": base64.b64encode(value).decode()}


def _unpacked(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["$bytes"]) if "$bytes" in value else value


def _change(value: dict[str, Any]) -> Change:
    return Change(value["binding"], value["eventType"], value["new"], value["old"])


def _presence(value: dict[str, Any]) -> Presence:
    if value["event"] == "sync":
        return Presence("sync")
    metas = value["newPresences"] if value["event"] == "join" else value["leftPresences"]
    return Presence(value["event"], value["key"], value["currentPresences"], metas)


#: How what a callback was called with becomes what the tests see.
_READ: dict[str, Callable[[Any], Any]] = {
    "change": _change,
    "presence": _presence,
    "status": lambda value: Status(*value),
}
