"""What leaves a socket: WebSocket frames, gathered and written once per turn of the event loop.

One write per frame and socket is what makes a fan-out slow; a frame that goes to a thousand sockets is built once, put
into a thousand outboxes, and each outbox becomes one write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["BINARY", "TEXT", "Mailroom", "Outbox", "ws_frame"]

TEXT, BINARY = 0x81, 0x82  # opcode with the bit that says "last fragment" (RFC 6455, 5.2)


def ws_frame(opcode: int, payload: bytes) -> bytes:
    """An unmasked WebSocket frame, as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 65_536:
        return bytes((opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((opcode, 127)) + size.to_bytes(8, "big") + payload


class Mailroom:
    """Empties the outboxes into which something was put, once per turn of the event loop.

    Attributes:
        written_bytes: so far, to all sockets.
    """

    __slots__ = ("_loop", "_waiting", "written_bytes")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Outbox] = []
        self.written_bytes = 0

    def notice(self, outbox: Outbox) -> None:
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(outbox)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for outbox in waiting:
            outbox.flush()


class Outbox:
    """The frames that wait for one socket.

    Args:
        transport: the TCP connection.
        mailroom: calls `flush` at the end of this turn.
        limit_bytes: of unread data, above which the reader is given up.
        on_overflow: called once when that happens.

    Invariant: an outbox with frames in it is either noticed by the mailroom or held.
    """

    __slots__ = ("_frames", "_held", "_held_bytes", "_limit_bytes", "_mailroom", "_on_overflow", "_transport")

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        mailroom: Mailroom,
        *,
        limit_bytes: int,
        on_overflow: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._mailroom = mailroom
        self._limit_bytes = limit_bytes
        self._on_overflow = on_overflow
        self._frames: list[bytes] = []
        self._held = False
        self._held_bytes = 0

    def put(self, frame: bytes) -> None:
        """Send a frame at the end of this turn."""
        frames = self._frames
        if self._held:
            self._held_bytes += len(frame)
            if self._held_bytes > self._limit_bytes:
                self._on_overflow()
                return
        elif not frames:
            self._mailroom.notice(self)
        frames.append(frame)

    def hold(self) -> None:
        """Let frames wait, as those of a socket that is busy joining."""
        self.flush()
        self._held, self._held_bytes = True, 0

    def release(self) -> None:
        """Let them go again."""
        self._held = False
        self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._held or not self._frames:
            return
        data = b"".join(self._frames)
        self._frames.clear()
        if self._transport.is_closing():
            return
        self._mailroom.written_bytes += len(data)
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > self._limit_bytes:
            self._on_overflow()
