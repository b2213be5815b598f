"""Both directions of a connection, first HTTP and, once the server has granted it, WebSocket. Without I/O."""

from __future__ import annotations

from collections.abc import Iterator

from helpers.lab.network.splitter import Piece, Splitter

__all__ = ["Conversation"]

_GRANT = b"HTTP/1.1 101"
_END = b"\r\n\r\n"


class Conversation:
    """Takes what was read in either direction and gives it back in pieces: see `Splitter.feed`."""

    def __init__(self) -> None:
        self._to_server = Splitter()
        self._to_client = Splitter()
        self._response = bytearray()  # what may become the head of a grant
        self._response_begins = False

    def to_server(self, data: bytes, whole: bool = True) -> Iterator[Piece]:
        self._response_begins = True
        return self._to_server.feed(data, whole=whole)

    def to_client(self, data: bytes, whole: bool = True) -> Iterator[Piece]:
        if self._to_client.upgraded or not self._response_begins:
            yield from self._to_client.feed(data, whole=whole)
            return
        self._response += data
        if not (self._response.startswith(_GRANT) or _GRANT.startswith(self._response)):
            self._response_begins = False
            yield Piece(self._taken())
        elif _END in self._response:
            head, _, frames = self._taken().partition(_END)
            self._to_server.upgraded = self._to_client.upgraded = True
            yield Piece(head + _END)
            yield from self._to_client.feed(frames, whole=whole)

    def rest_to_server(self) -> bytes:
        """What was held back when the client ended its direction."""
        return self._to_server.rest()

    def rest_to_client(self) -> bytes:
        """What was held back when the server ended its direction."""
        return self._taken() + self._to_client.rest()

    def _taken(self) -> bytes:
        taken = bytes(self._response)
        self._response.clear()
        return taken
