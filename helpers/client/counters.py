"""What a client has counted."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Counters"]


@dataclass(slots=True)
class Counters:
    """Sums since the connection was opened.

    Attributes:
        frames_in, frames_out: WebSocket messages that were received and sent.
        bytes_in, bytes_out: their sizes, without WebSocket headers.
        wire_bytes_in: all bytes that arrived after the handshake, with headers, before TLS.
        malformed: received messages that are no frame of the protocol.
        stale: received messages for an earlier life of a channel, or for one that was left.
        unmatched: received messages of topics that no channel of this client has.
    """

    frames_in: int = 0
    frames_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    wire_bytes_in: int = 0
    malformed: int = 0
    stale: int = 0
    unmatched: int = 0
