"""A join from the client's message to the reply: at once if the topic is public, else after asking the database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from helpers.lab.realtime.channel import Channel
from helpers.lab.realtime.counts import timed
from helpers.lab.realtime.joins import JoinRefused, JoinRequest
from helpers.lab.realtime.outbox import BINARY, ws_frame
from helpers.lab.realtime.policies import Permissions
from helpers.lab.realtime.replay import PastBroadcast, check_replay, replayed
from helpers.lab.realtime.tokens import Identity, TokenError
from helpers.wire.frames import Frame, MalformedFrame, Version, decode_json, encode_binary

if TYPE_CHECKING:
    from helpers.lab.realtime.socket import Socket

__all__ = ["Joining"]

_GOING_AWAY = 1001


class Joining:
    """One `phx_join` on one socket.

    A join is answered before anything else on its socket happens; one that is refused is answered after the server's
    delay, and holds the whole socket up for so long.
    """

    def __init__(self, socket: Socket, push: Frame) -> None:
        self._socket = socket
        self._hub = socket.hub
        self._push = push
        self._replaced: Channel | None = None

    def begin(self, *, replaced: Channel | None = None) -> None:
        """Join. A channel that this socket has on the topic already is `replaced`, whatever comes of the join."""
        if replaced is not None:
            replaced.close()
            self._replaced = replaced
        try:
            request = JoinRequest.parse(self._push.topic, self._payload())
            self._hub.admit_join(self._socket, request)
            identity = self._identify(request)
            check_replay(request)
        except JoinRefused as refused:
            self._socket.halt(self._refuse(refused))
            return
        if request.private or self._waits_for_changes(request):
            self._socket.halt(self._ask_then_enter(request, identity))
        else:
            self._enter(self._channel(request, identity, Permissions.public()))

    @staticmethod
    def _waits_for_changes(request: JoinRequest) -> bool:
        return request.changes_wait_s is not None and bool(request.bindings)

    def _payload(self) -> object:
        try:
            return decode_json(self._push.payload)
        except MalformedFrame:
            return None

    def _identify(self, request: JoinRequest) -> Identity:
        """The token of the join, or that of the socket, which may have expired since."""
        if request.token is None and self._hub.keys.knows(self._socket.identity.token):
            return self._socket.identity
        token = self._socket.identity.token if request.token is None else request.token
        try:
            return self._hub.keys.verify(token)
        except TokenError as error:
            raise JoinRefused(error.code, error.sentence) from error

    async def _ask_then_enter(self, request: JoinRequest, identity: Identity) -> None:
        try:
            permissions = Permissions.public()
            if request.private:
                permissions = await self._hub.policies.read(identity, request.channel_name)
            past = await self._past(request)
            channel = self._channel(request, identity, permissions)
            if self._waits_for_changes(request):
                await self._subscribe(channel, request)
        except JoinRefused as refused:
            await self._refuse(refused)
        else:
            self._enter(channel, past)

    async def _past(self, request: JoinRequest) -> list[PastBroadcast]:
        if request.replay is None:
            return []
        with timed(self._hub.counts.replay_ms):
            return await replayed(self._hub.database, request.channel_name, request.replay)

    def _channel(self, request: JoinRequest, identity: Identity, permissions: Permissions) -> Channel:
        return Channel(self._hub, self._socket, request, self._push.join_ref, identity, permissions)

    async def _subscribe(self, channel: Channel, request: JoinRequest) -> None:
        assert request.changes_wait_s is not None
        try:
            await channel.subscribe(min(request.changes_wait_s, self._hub.settings.changes_wait_limit_s))
        except BaseException:  # the socket may end meanwhile, and knows nothing of the channel yet
            channel.close()
            raise

    def _enter(self, channel: Channel, past: Sequence[PastBroadcast] = ()) -> None:
        self._socket.enter(channel)
        self._hub.counts.joins["ok"] += 1
        channel.accept(self._push.ref)
        self._close_replaced()
        for row in past:
            self._send_past(row)
        channel.open()

    async def _refuse(self, refused: JoinRefused) -> None:
        self._hub.counts.joins["error"] += 1
        self._hub.counts.errors[refused.code] += 1
        await asyncio.sleep(self._hub.settings.join_error_delay_s)
        payload = {"status": "error", "response": {"reason": refused.reason}}
        self._socket.send(Frame(self._push.topic, "phx_reply", payload, self._push.ref, self._push.join_ref))
        self._close_replaced()
        if refused.closes_socket:
            self._socket.close(_GOING_AWAY)

    def _close_replaced(self) -> None:
        if self._replaced is not None:
            self._replaced.say_closed()

    def _send_past(self, row: PastBroadcast) -> None:
        message = row.message(self._push.topic, self._push.join_ref)
        if isinstance(message, Frame):
            self._socket.send(message)
        elif self._socket.version is Version.V2:
            self._socket.outbox.put(ws_frame(BINARY, encode_binary(message)))
