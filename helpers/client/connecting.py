"""Words for a connection that could not be made."""

from __future__ import annotations

import socket
import ssl

import msgspec
from picows import WSError
from websockets.exceptions import InvalidProxy, InvalidStatus, ProxyError, WebSocketException

from helpers.errors import ConnectionFailed
from helpers.target import Target
from helpers.wire.refusals import handshake_advice

__all__ = ["CONNECT_ERRORS", "connection_failed", "refused"]

#: Everything that an attempt to connect may raise.
CONNECT_ERRORS = (OSError, WebSocketException, ValueError)


def connection_failed(error: BaseException, target: Target, timeout: float) -> ConnectionFailed:
    """The error to raise for what went wrong. It never holds the key, which is part of the URL."""
    if isinstance(error, InvalidStatus):
        return refused(error.response.status_code, bytes(error.response.body or b""), target)
    happened, advice = _explained(error, target, timeout)
    return ConnectionFailed(_tried(target), happened, advice)


def refused(status: int, body: bytes, target: Target) -> ConnectionFailed:
    """The error to raise for an answer that grants no WebSocket."""
    sentence = _sentence(body)
    happened = f"the server refused the WebSocket with HTTP status {status}" + (f": {sentence}" if sentence else "")
    return ConnectionFailed(_tried(target), happened, handshake_advice(status, sentence), status=status)


def _tried(target: Target) -> str:
    return f"connecting to Realtime of {target}"


def _sentence(body: bytes) -> str:
    """What `{"error": "…"}` says; empty for any other body."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""
    return str(found.get("error", "")) if isinstance(found, dict) else ""


def _explained(error: BaseException, target: Target, timeout: float) -> tuple[str, str]:
    match error:
        case TimeoutError():
            return (
                f"nothing answered within {timeout:g} s",
                "Check that the network lets WebSockets through to this address, and that the project is not paused",
            )
        case socket.gaierror():
            return f"the name {target.host} is not known", "Check the spelling of SUPABASE_URL, and the network's DNS"
        case ssl.SSLError():
            return (
                f"the TLS connection failed ({error.reason or error})",
                "Check this machine's clock and certificates, and whether a proxy breaks TLS open",
            )
        case InvalidProxy() | ProxyError():
            return "the proxy did not let the connection through", "Check HTTPS_PROXY and HTTP_PROXY, or unset them"
        case OSError():
            return (
                f"no connection could be made ({error.strerror or error})",
                "Check that a Supabase runs at this address, and that no firewall is in the way",
            )
        case WebSocketException() | WSError():
            return (
                "what answers at this address does not speak WebSocket",
                "Check that SUPABASE_URL is the address of a Supabase project",
            )
        case _:
            return "the address cannot be used", "Check SUPABASE_URL: it looks like https://<project>.supabase.co"
