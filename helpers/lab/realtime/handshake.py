"""Who may open a socket: the request's head, its key and protocol version, and the refusals of the genuine server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, unquote_plus, urlsplit

import msgspec

from helpers.lab.realtime.tokens import Identity, KeyRing, TokenError
from helpers.wire.frames import Version

__all__ = ["MAX_HEAD_BYTES", "SOCKET_PATH", "Admission", "Refusal", "RequestHead", "admit"]

SOCKET_PATH = "/realtime/v1/websocket"
MAX_HEAD_BYTES = 16_384


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """A handshake that gets no socket. `late` ones are answered after the server's delay against guessing."""

    def __init__(self, status: int, body: bytes, *, content_type: str = "", late: bool = False) -> None:
        super().__init__(status)
        self.status = HTTPStatus(status)
        self.body = body
        self.content_type = content_type
        self.late = late

    @classmethod
    def json(cls, status: int, sentence: str) -> Refusal:
        """A refusal with a reason, which only tools see: browsers hide it."""
        body = msgspec.json.encode({"error": sentence})
        return cls(status, body, content_type="application/json; charset=utf-8", late=True)

    def response(self) -> bytes:
        """The HTTP response, after which the connection ends."""
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}"]
        if self.content_type:
            lines.append(f"content-type: {self.content_type}")
        lines += [f"content-length: {len(self.body)}", "connection: close", "", ""]
        return "\r\n".join(lines).encode() + self.body


@dataclass(frozen=True, slots=True)
class RequestHead:
    """The first line and the headers (names in lower case) of an HTTP request."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @classmethod
    def parse(cls, head: bytes) -> RequestHead:
        """Read a head up to and without its empty line.

        Raises:
            Refusal: it is no HTTP/1 request.
        """
        first, *rest = head.decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise Refusal(400, b"Bad Request", content_type="text/html; charset=utf-8")
        try:
            target = urlsplit(words[1])
            query = parse_qs(target.query, keep_blank_values=True)
        except ValueError:
            raise Refusal(400, b"Bad Request", content_type="text/html; charset=utf-8") from None
        headers = (line.partition(":") for line in rest)
        return cls(
            method=words[0],
            path=unquote_plus(target.path),
            query={name: values[-1] for name, values in query.items()},
            headers={name.strip().lower(): value.strip() for name, _, value in headers},
        )


@dataclass(frozen=True, slots=True)
class Admission:
    """What a granted socket starts with."""

    version: Version
    identity: Identity


def admit(request: RequestHead, keys: KeyRing) -> Admission:
    """Let a client in.

    Raises:
        Refusal: with the genuine server's status and body.
    """
    if request.path.rstrip("/") != SOCKET_PATH or request.method != "GET":
        raise Refusal(404, b"Not Found", content_type="text/html; charset=utf-8")
    version = _version(request.query.get("vsn", Version.V1.value))
    key = request.headers.get("x-api-key", request.query.get("apikey"))
    if key is None:
        raise Refusal.json(401, "API key is missing")
    try:
        return Admission(version, keys.identify(key))
    except TokenError as error:
        raise Refusal.json(error.status, error.handshake) from error


def _version(text: str) -> Version:
    """The serializer for `vsn`: the server has one for ~> 1.0.0 and one for ~> 2.0.0."""
    major_minor, _, patch = text.rpartition(".")
    if patch.isascii() and patch.isdigit():
        for version in Version:
            if version.value.rpartition(".")[0] == major_minor:
                return version
    raise Refusal(403, b"")
