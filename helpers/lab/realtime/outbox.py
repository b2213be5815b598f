"""What leaves a socket: WebSocket frames, gathered and written once per turn of the event loop.

One write per frame and socket is what makes a fan-out slow, and after it one step per frame and socket. So the frames
that a turn brings for the same sockets make a `Run`: each outbox only follows it, and at the end of the turn those
that followed it from the same place write the same bytes, joined once.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

__all__ = ["BINARY", "TEXT", "Mailroom", "Outbox", "Run", "ws_frame", "ws_head"]

TEXT, BINARY = 0x81, 0x82  # opcode with the bit that says "last fragment" (RFC 6455, 5.2)
_SHORT, _MEDIUM, _LONG = struct.Struct(">BB").pack, struct.Struct(">BBH").pack, struct.Struct(">BBQ").pack


def ws_frame(opcode: int, payload: bytes) -> bytes:
    """An unmasked WebSocket frame, as a server sends it."""
    return ws_head(opcode, len(payload)) + payload


def ws_head(opcode: int, size: int) -> bytes:
    """What precedes a payload of so many bytes in its frame."""
    if size < 126:
        return _SHORT(opcode, size)
    if size < 65_536:
        return _MEDIUM(opcode, 126, size)
    return _LONG(opcode, 127, size)


class Mailroom:
    """Empties the outboxes into which something was put, once per turn of the event loop.

    Attributes:
        written_bytes: so far, to all sockets.
    """

    __slots__ = ("_closing", "_loop", "_waiting", "written_bytes")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Outbox] = []
        self._closing: list[Callable[[], None]] = []
        self.written_bytes = 0

    def notice(self, outbox: Outbox) -> None:
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(outbox)

    def at_end_of_turn(self, close: Callable[[], None]) -> None:
        """Call this before the outboxes are emptied; one of them must be noticed in the same turn."""
        self._closing.append(close)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        closing, self._closing = self._closing, []
        for close in closing:
            close()
        for outbox in waiting:
            outbox.flush()


class Run:
    """The frames that one turn brings for a group of outboxes.

    Attributes:
        frames: in their order.
        strays: outboxes of the group that do not follow at the moment, as something else came between for them.
    """

    __slots__ = ("_joined", "_joined_span", "frames", "strays")

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.strays: set[Outbox] = set()
        self._joined_span = (0, 0)
        self._joined = b""

    def since(self, start: int) -> bytes:
        """The frames from that place on as the same bytes for all who ask for the same."""
        span = (start, len(self.frames))
        if span != self._joined_span:
            self._joined = b"".join(self.frames[start:] if start else self.frames)
            self._joined_span = span
        return self._joined


class Outbox:
    """The frames that wait for one socket.

    Args:
        transport: the TCP connection.
        mailroom: calls `flush` at the end of this turn.
        limit_bytes: of unread data, above which the reader is given up.
        on_overflow: called once when that happens.

    Invariant: an outbox that has something to write, or follows a run, is noticed by the mailroom.
    """

    __slots__ = (
        "_held",
        "_held_bytes",
        "_limit_bytes",
        "_mailroom",
        "_noticed",
        "_on_overflow",
        "_parts",
        "_run",
        "_start",
        "_transport",
    )

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
        self._parts: list[bytes] = []
        self._run: Run | None = None
        self._start = 0
        self._noticed = False
        self._held: list[bytes] | None = None
        self._held_bytes = 0

    def put(self, frame: bytes) -> None:
        """Send a frame at the end of this turn."""
        if self._run is not None:
            self.stray()
        self._notice()
        self._parts.append(frame)

    def put_first(self, frame: bytes) -> None:
        """Send a frame, before those that have to wait."""
        if self._held is None:
            self.put(frame)
        else:
            self.stray()
            self._keep(self._held)
            self._held.insert(0, frame)
            self._held_bytes += len(frame)

    def follow(self, run: Run) -> None:
        """Send what will be added to `run` in this turn, after what is here already."""
        if self._run is not None:
            self.stray()
        self._notice()
        self._run, self._start = run, len(run.frames)

    def stray(self) -> None:
        """Follow the run no more; its frames so far stay here."""
        run = self._run
        if run is not None:
            self._take_run(run)
            run.strays.add(self)

    def hold(self) -> None:
        """Let frames wait, as those of a socket that is busy joining."""
        if self._held is None:
            self._write()
            self._held, self._held_bytes = [], 0

    def release(self) -> None:
        """Let them go again, and what was put since, at once."""
        held, self._held = self._held, None
        if held:
            self._parts[:0] = held
        self._write()

    def flush(self) -> None:
        """Write what waits. For the mailroom, at the end of the turn."""
        self._noticed = False
        if self._run is not None:
            self._take_run(self._run)
        if self._held is None:
            self._write()
        else:
            self._keep(self._held)

    def _notice(self) -> None:
        if not self._noticed:
            self._noticed = True
            self._mailroom.notice(self)

    def _take_run(self, run: Run) -> None:
        self._run = None
        if len(run.frames) > self._start:
            self._parts.append(run.since(self._start))

    def _keep(self, held: list[bytes]) -> None:
        parts, self._parts = self._parts, []
        self._held_bytes += sum(map(len, parts))
        if self._held_bytes <= self._limit_bytes:
            held += parts
        elif not self._transport.is_closing():
            self._on_overflow()

    def _write(self) -> None:
        self.stray()
        parts = self._parts
        if not parts:
            return
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        if self._transport.is_closing():
            return
        self._mailroom.written_bytes += len(data)
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > self._limit_bytes:
            self._on_overflow()
