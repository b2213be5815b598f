"""A joined channel: one topic on one socket, from its join to its close."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

from helpers.lab.realtime.broadcast import Broadcast, JsonBroadcast, OpaqueBroadcast, UserBroadcast
from helpers.lab.realtime.changes_link import ChangesLink
from helpers.lab.realtime.channel_presence import ChannelPresence
from helpers.lab.realtime.hub import Hub
from helpers.lab.realtime.inbox import Push
from helpers.lab.realtime.joins import JoinRefused, JoinRequest
from helpers.lab.realtime.policies import Extension, Permissions
from helpers.lab.realtime.tokens import Identity, TokenError
from helpers.lab.realtime.turnstile import Turnstile
from helpers.wire.frames import BinaryPush, Frame, MalformedFrame, Version, decode_json

if TYPE_CHECKING:
    from helpers.lab.realtime.socket import Socket

__all__ = ["Channel"]

_BRACE = ord("{")
_CHANGING = re.compile(r'\d+|(?<=topic: ).*|".*"', re.DOTALL)  # in what a channel that is closed is told
_V2 = Version.V2  # looked up once, as this is done for every broadcast
_RECHECK_TOKEN_S = 300.0  # realtime_channel.ex: a token is looked at again at its end, or after this


class Channel:
    """Handles what a client sends on its topic, and speaks for the topic to the client.

    Replies carry the `join_ref` of the join, whatever the client's message said.
    """

    def __init__(
        self,
        hub: Hub,
        socket: Socket,
        request: JoinRequest,
        join_ref: Any,
        identity: Identity,
        permissions: Permissions,
    ) -> None:
        self.hub = hub
        self.identity = identity
        self.permissions = permissions
        self.closed = False
        self.version = socket.version
        self.outbox = socket.outbox
        self.hears_broadcasts = permissions.reads_broadcast
        self._socket = socket
        self._request = request
        self._join_ref = join_ref
        self._expiry: asyncio.TimerHandle | None = None
        self._turnstile: Turnstile[Push] = Turnstile(self._dispatch)
        self.topic = hub.topics.enter(request.topic, self, private=request.private)
        self.presence = ChannelPresence(self, request)
        self._changes = ChangesLink(self, request.bindings, legacy=request.legacy) if request.bindings else None

    async def subscribe(self, limit_s: float) -> None:
        """Subscribe to changes before the join is answered.

        Raises:
            JoinRefused: they cannot be subscribed to, or not in time.
        """
        if self._changes is not None:
            await self._changes.establish(limit_s)

    def accept(self, ref: Any) -> None:
        """Answer the join, before anything else that came meanwhile for its socket."""
        response = {"postgres_changes": self._request.accepted_bindings}
        payload = {"status": "ok", "response": response}
        self._socket.send(Frame(self.topic.name, "phx_reply", payload, ref, self._join_ref), first=True)

    def open(self) -> None:
        """Begin, after the join was answered."""
        self._watch_expiry()
        if self._request.replication_ready and self.hub.broadcasts.ready:
            self.tell("Replication connection established", status="ok")
        self.presence.open()
        if self._changes is not None:
            self._changes.open()

    def handle(self, push: Push) -> None:
        """Handle a message on this topic, in order."""
        self._turnstile.push(push)

    def close(self) -> None:
        """Leave the topic. Nothing is said to the client."""
        if self.closed:
            return
        self.closed = True
        self._turnstile.cancel()
        if self._expiry is not None:
            self._expiry.cancel()
        if self._changes is not None:
            self._changes.close()
        self.hub.topics.leave(self.topic, self)
        self.presence.close()
        self._socket.forget(self)

    def shut(self, message: str) -> None:
        """Close because of a fault that the client is told."""
        if not self.closed:
            self.hub.counts.shut[_CHANGING.sub("…", message)] += 1
            self.tell(message, status="error")
            self.close()
            self.say_closed()

    def say_closed(self) -> None:
        """Tell the client that this join is over."""
        self.push("phx_close", {}, ref=self._join_ref)

    def tell(self, message: str, *, status: str, extension: str = "system") -> None:
        """Send a `system` message."""
        name = self._request.channel_name
        self.push("system", {"message": message, "status": status, "extension": extension, "channel": name})

    def push(self, event: str, payload: Any, *, ref: Any = None) -> None:
        """Send a message that belongs to this join."""
        self._socket.send(Frame(self.topic.name, event, payload, ref, self._join_ref))

    def reply(self, ref: Any, response: Any = None, *, status: str = "ok") -> None:
        """Answer a message of the client."""
        payload = {"status": status, "response": {} if response is None else response}
        self._socket.send(Frame(self.topic.name, "phx_reply", payload, ref, self._join_ref))

    def may_write(self, extension: Extension, push: Push) -> bool | None:
        """Whether this channel may send; None on the first question: the database is asked, then `push` comes again."""
        allowed = self.permissions.write.get(extension)
        if allowed is None:
            self._turnstile.halt(self._ask(extension), again=push)
        return allowed

    async def _ask(self, extension: Extension) -> None:
        name = self._request.channel_name
        self.permissions.write[extension] = await self.hub.policies.may_write(self.identity, name, extension)

    def _dispatch(self, push: Push) -> None:
        if isinstance(push, Frame) and push.event == "broadcast":  # nearly all of them, so these are asked for first
            self._broadcast(push)
        elif isinstance(push, BinaryPush):
            self._send(UserBroadcast.from_push(push), push)
        elif push.event == "phx_leave":
            self.reply(push.ref)
            self.close()
            self.say_closed()
        elif push.event == "presence":
            self.presence.handle(push, _decoded(push.payload))
        elif push.event == "access_token":
            self._take_token(_decoded(push.payload))
        else:
            self.hub.events.add()  # other events are counted and passed over

    def _broadcast(self, push: Frame) -> None:
        if isinstance(push.payload, bytes):
            self._send(OpaqueBroadcast(self.topic.name, push.payload), push)
            return
        payload = bytes(push.payload)
        if self.version is _V2 and payload[0] != _BRACE:
            self._crash()
        else:
            self._send(JsonBroadcast(self.topic.envelope, payload), push)

    def _send(self, broadcast: Broadcast, push: Push) -> None:
        if not self.may_write("broadcast", push):
            return
        request = self._request
        if broadcast.size_bytes > self.hub.settings.limits.payload_bytes:
            if request.ack:
                self.reply(push.ref, "payload_size_exceeded", status="error")
            return
        self.hub.publish(self.topic, broadcast, None if request.receives_own else self)
        if request.ack and not self.closed:
            self.reply(push.ref)

    def _crash(self) -> None:
        """What the genuine server's channel does on a text broadcast of version 2.0.0 that is no object."""
        self.close()
        self.push("phx_error", {"reason": "channel_crash"}, ref=self._join_ref)

    def _take_token(self, payload: Any) -> None:
        """Go on with a new token. Keys, nothing, and the token that is there already are passed over."""
        token = payload.get("access_token") if isinstance(payload, dict) else None
        if not isinstance(token, str) or token.startswith("sb_") or token == self.identity.token:
            return
        try:
            identity = self.hub.keys.verify(token)
        except TokenError as error:
            self.shut(error.system)
            return
        if self._request.private:
            self._turnstile.halt(self._reauthorize(identity))
        else:
            self._continue_as(identity, self.permissions)

    async def _reauthorize(self, identity: Identity) -> None:
        try:
            permissions = await self.hub.policies.read(identity, self._request.channel_name)
        except JoinRefused as refused:
            self.shut(refused.sentence)
        else:
            self._continue_as(identity, permissions)

    def _continue_as(self, identity: Identity, permissions: Permissions) -> None:
        self.identity, self.permissions = identity, permissions
        if permissions.reads_broadcast != self.hears_broadcasts:
            self.topic.leave(self)
            self.hears_broadcasts = permissions.reads_broadcast
            self.topic.enter(self)
        self._watch_expiry()
        if self._changes is not None:
            self._changes.renew()

    def _watch_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        left_s = int(self.identity.expires_at) - int(time.time())
        loop = asyncio.get_running_loop()
        self._expiry = loop.call_later(min(max(left_s, 0), _RECHECK_TOKEN_S), self._check_expiry)

    def _check_expiry(self) -> None:
        late_s = int(time.time()) - int(self.identity.expires_at)
        if late_s >= 0:
            self.shut(f"Token has expired {late_s} seconds ago")
        else:
            self._watch_expiry()


def _decoded(payload: Any) -> Any:
    """The payload of a message that is not passed on as it came; None if it is not JSON."""
    try:
        return decode_json(payload)
    except MalformedFrame:
        return None
