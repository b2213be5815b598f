"""Order among messages of which some take time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

__all__ = ["Turnstile"]

T = TypeVar("T")


def _nothing() -> None:
    pass


class Turnstile(Generic[T]):
    """Hands messages to `handle` in their order; while work is done for one of them, the others wait.

    Args:
        handle: called for each message; it may call `halt`.
        closed: called when work begins, for example to stop reading from a socket.
        opened: called when the work is done, before the waiting messages pass.
    """

    __slots__ = ("_closed", "_handle", "_opened", "_task", "_waiting")

    def __init__(
        self,
        handle: Callable[[T], None],
        *,
        closed: Callable[[], None] = _nothing,
        opened: Callable[[], None] = _nothing,
    ) -> None:
        self._handle = handle
        self._closed = closed
        self._opened = opened
        self._waiting: deque[T] | None = None
        self._task: asyncio.Task[None] | None = None

    def push(self, message: T) -> None:
        """Handle a message now, or when its turn comes."""
        if self._waiting is None:
            self._handle(message)
        else:
            self._waiting.append(message)

    def halt(self, work: Coroutine[Any, Any, None], *, again: T | None = None) -> None:
        """Let further messages wait for `work`; `again` is a message to handle once more when it is done."""
        self._waiting = deque() if again is None else deque((again,))
        self._closed()
        self._task = asyncio.get_running_loop().create_task(self._do(work))
        self._task.add_done_callback(lambda _: work.close())  # which may not have begun when the socket ended

    def cancel(self) -> None:
        """Give up: no message passes any more."""
        self._waiting = deque(maxlen=0)
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def _do(self, work: Coroutine[Any, Any, None]) -> None:
        await work
        waiting, self._waiting = self._waiting or (), None
        self._opened()
        for message in waiting:
            self.push(message)
