"""The Chrome DevTools Protocol over two pipes: JSON messages, each ended by a zero byte.

Source of the framing and of the descriptors 3 and 4: Chromium, `content/browser/devtools/devtools_pipe_handler.cc`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from helpers.errors import FailureError

__all__ = ["DevTools", "Event"]

#: What a session sent on its own: the name of the event, and its parameters.
Event = Callable[[str, Mapping[str, Any]], None]

#: A command that Chromium answers at once may take this long on a machine that is busy.
ANSWER_LIMIT_S = 30.0
#: A heap or a page's log in one message; there is no limit in the protocol.
_PIECE_BYTES = 1 << 16


class DevTools:
    """Commands to Chromium, answered in any order; every tab is a *session* of the one connection."""

    def __init__(self, reader: asyncio.StreamReader, sending: int, on_end: Callable[[], Awaitable[str]]) -> None:
        """
        Args:
            sending: the descriptor that commands are written to; it stays the caller's.
            on_end: tells why Chromium has gone, for whoever waits for an answer then.
        """
        self._reader, self._sending, self._on_end = reader, sending, on_end
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listeners: dict[str, Event] = {}
        self._gone = ""
        self._turn = asyncio.Lock()
        self._hearing = asyncio.create_task(self._hear())

    def listen(self, session: str, event: Event) -> None:
        """Have the events of a session told; they come from the event loop."""
        self._listeners[session] = event

    async def ask(
        self,
        method: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        session: str | None = None,
        limit_s: float = ANSWER_LIMIT_S,
    ) -> dict[str, Any]:
        """One command, and its result.

        Raises:
            FailureError: Chromium refused it, has gone, or did not answer in time.
        """
        if self._gone:
            raise self._failure(method, self._gone)
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": dict(parameters or {})}
        try:
            await self._send(message | ({"sessionId": session} if session else {}))
            answer = await asyncio.wait_for(self._waiting[number], limit_s)
        except TimeoutError:
            raise self._failure(method, f"no answer within {limit_s:g} s") from None
        except OSError as error:
            raise self._failure(method, f"its pipe is closed ({error.strerror})") from None
        finally:
            del self._waiting[number]
        if "error" in answer:
            raise self._failure(method, str(answer["error"].get("message")))
        return dict(answer["result"])

    async def close(self) -> None:
        """Stop to listen."""
        self._hearing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._hearing

    async def _send(self, message: Mapping[str, Any]) -> None:
        """One after another, and in a thread: nobody promises that a pipe takes a command at once."""
        data = json.dumps(message).encode() + b"\0"
        async with self._turn:
            await asyncio.to_thread(_write_all, self._sending, data)

    async def _hear(self) -> None:
        buffer = bytearray()
        while piece := await self._reader.read(_PIECE_BYTES):
            *whole, rest = (buffer + piece).split(b"\0") if b"\0" in piece else (buffer + piece,)
            for message in whole:
                self._take(json.loads(message))
            buffer = rest
        self._gone = await self._on_end()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result({"error": {"message": self._gone}})

    def _take(self, message: dict[str, Any]) -> None:
        waiting = self._waiting.get(message.get("id", 0))
        if waiting is not None and not waiting.done():
            waiting.set_result(message)
        elif (listener := self._listeners.get(message.get("sessionId", ""))) and "method" in message:
            listener(message["method"], message["params"])

    def _failure(self, method: str, happened: str) -> FailureError:
        return FailureError(f"asking Chromium for {method}", happened, "Try again; if it stays so, update the browser")


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
