"""Broadcasts over HTTP: a batch of messages, or one event with a JSON or binary body."""

from __future__ import annotations

import math
from typing import Any

from aiohttp import web

from helpers.lab.realtime.broadcast import Envelope, JsonBroadcast, UserBroadcast, payload_of
from helpers.lab.realtime.hub import Hub
from helpers.lab.realtime.joins import TOPIC_PREFIX
from helpers.lab.realtime.tokens import Identity, TokenError
from helpers.wire.frames import Encoding, MalformedFrame, decode_json, encode_json

__all__ = ["HttpEndpoints"]

_PREFIX = "/realtime/v1/api"
_LIMITED = {"message": "You have exceeded your rate limit"}
_BLANK, _INVALID, _TOO_BIG = ["can't be blank"], ["is invalid"], ["Payload size exceeds tenant limit"]


class HttpEndpoints:
    """The handlers; they share the hub with the sockets."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[web.RouteDef]:
        """All endpoints with their paths."""
        return [
            web.post(f"{_PREFIX}/broadcast", self.broadcast_batch),
            web.post(_PREFIX + "/broadcast/{topic}/events/{event}", self.broadcast_event),
            web.get(f"{_PREFIX}/ping", self.ping),
            web.get("/realtime/v1/healthcheck", self.healthcheck),
            web.get("/auth/v1/.well-known/jwks.json", self.jwks),
        ]

    async def ping(self, _request: web.Request) -> web.Response:
        """Say that the server is there."""
        return _json(200, {"message": "Success"})

    async def healthcheck(self, _request: web.Request) -> web.Response:
        """Say so to a load balancer."""
        return web.Response(text="ok")

    async def jwks(self, _request: web.Request) -> web.Response:
        """The public keys with which tokens are checked; it is Auth's address, where clients look for them."""
        return _json(200, self._hub.keys.jwks)

    async def broadcast_batch(self, request: web.Request) -> web.Response:
        """Send messages to topics. One that its sender may not send is dropped; the answer is 202 all the same."""
        try:
            body = await _json_body(request)
        except MalformedFrame:
            return web.Response(status=400, text="Bad Request", content_type="text/html")
        identity = self._identify(request)
        if identity is None:
            return self._answer(401, {"message": "Unauthorized"})
        if self._hub.events.exceeded:
            return self._answer(429, _LIMITED)
        messages: Any = body.get("messages")
        errors = self._errors(messages)
        if errors is not None:
            return self._answer(422, {"errors": {"messages": errors}})
        if len(messages) > self._hub.settings.limits.batch_messages:
            return self._answer(429, {"message": "Too many messages to broadcast, please reduce the batch size"})
        for message in messages:
            await self._send(identity, message)
        return self._answer(202)

    async def broadcast_event(self, request: web.Request) -> web.Response:
        """Send the body as one event to one topic."""
        topic, event = request.match_info["topic"], request.match_info["event"]
        private = request.query.get("private") == "true"
        try:
            payload, encoding = await _event_body(request)
        except MalformedFrame:
            return web.Response(status=400, text="Bad Request", content_type="text/html")
        except LookupError:
            return _json(415, {"error": "Unsupported Media Type. Use application/json or application/octet-stream"})
        identity = self._identify(request)
        if identity is None or (private and not await self._may_write(identity, topic)):
            return self._answer(401 if identity is None else 403, {"message": "Unauthorized"})
        if self._hub.events.exceeded:
            return self._answer(429, _LIMITED)
        if len(payload) > self._hub.settings.limits.payload_bytes:
            return self._answer(422, {"errors": {"payload": _TOO_BIG}})
        name = TOPIC_PREFIX + topic
        self._hub.publish_to(name, UserBroadcast(name, event, payload, encoding), private=private)
        return self._answer(202)

    async def _send(self, identity: Identity, message: dict[str, Any]) -> None:
        topic, private = message["topic"], message.get("private") is True
        if private and not await self._may_write(identity, topic):
            return
        name = TOPIC_PREFIX + topic
        payload = payload_of(message["event"], message["payload"], message.get("id"))
        self._hub.publish_to(name, JsonBroadcast(Envelope(name), payload), private=private)

    async def _may_write(self, identity: Identity, topic: str) -> bool:
        return await self._hub.policies.may_write(identity, topic, "broadcast")

    def _identify(self, request: web.Request) -> Identity | None:
        """Who sends: the user's token if there is one, else the key."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        key = request.headers.get("apikey") or request.query.get("apikey")
        if scheme.lower() == "bearer" and not token.startswith("sb_"):
            key = token.strip()
        try:
            return self._hub.keys.identify(key) if key else None
        except TokenError:
            return None

    def _errors(self, messages: Any) -> list[Any] | None:
        """What is wrong with the list of messages, in the form of the server's validation; None when nothing is."""
        if messages is None or messages == []:
            return _BLANK
        if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
            return _INVALID
        errors = [self._message_errors(message) for message in messages]
        return errors if any(errors) else None

    def _message_errors(self, message: dict[str, Any]) -> dict[str, list[str]]:
        errors: dict[str, list[str]] = {}
        for name, kind in (("topic", str), ("event", str), ("payload", dict)):
            value = message.get(name)
            if value is None or value == "":
                errors[name] = _BLANK
            elif not isinstance(value, kind):
                errors[name] = _INVALID
        if not errors and len(encode_json(message["payload"])) > self._hub.settings.limits.payload_bytes:
            errors["payload"] = _TOO_BIG
        return errors

    def _answer(self, status: int, body: dict[str, Any] | None = None) -> web.Response:
        """A response with the rate of events in its headers."""
        limit, rolling = int(self._hub.settings.limits.events_per_s), math.ceil(self._hub.events.mean_per_s)
        response = web.Response(status=status) if body is None else _json(status, body)
        response.headers["x-rate-limit"] = str(limit)
        response.headers["x-rate-rolling"] = str(rolling)
        response.headers["x-rate-limit-remaining"] = str(max(limit - rolling, 0))
        response.headers["Cache-Control"] = "max-age=0, private, must-revalidate"
        return response


def _json(status: int, body: dict[str, Any]) -> web.Response:
    return web.Response(status=status, body=encode_json(body), content_type="application/json", charset="utf-8")


async def _json_body(request: web.Request) -> dict[str, Any]:
    """The body's object; an empty one when the body is of another type."""
    data = await request.read()
    if request.content_type != "application/json" or not data:
        return {}
    body = decode_json(data)
    return body if isinstance(body, dict) else {"_json": body}


async def _event_body(request: web.Request) -> tuple[bytes, Encoding]:
    """The payload of a single event; JSON that is no object is wrapped as ``{"_json": …}``.

    Raises:
        LookupError: the body is neither JSON nor bytes.
        MalformedFrame: it says it is JSON and is none.
    """
    data = await request.read()
    if not data or request.content_type == "application/octet-stream":
        return data, Encoding.BINARY
    if request.content_type != "application/json":
        raise LookupError(request.content_type)
    return encode_json(await _json_body(request)), Encoding.JSON
