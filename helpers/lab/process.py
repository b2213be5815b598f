"""The lab process: `python -m helpers.lab.process`, started by `Lab.start`.

*Start.* Reads one line of JSON from stdin (an `Order`) and starts Node and PostgreSQL. While those two get ready it
imports what the front door needs, which takes as long; so this module itself imports little. Then it opens the front
door and prints one line of JSON: a `Ready`, or a `Failed` after which it ends with 1.

*Life.* Serves until stdin ends (its parent has let go, or died), its parent is another process than at the start (it
died, but a copy of the pipe lives on in some child of it), a signal asks for the end, or a service has died.

*End.* The front door closes (after a signal at the genuine server's pace, without a parent at once), the services end,
what is not kept is removed. Should this process be killed, its children are ended by the kernel and by their leash.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from helpers.errors import WorkbookError
from helpers.lab.children import Children
from helpers.lab.foundation import Foundation, explain, lay_foundation
from helpers.lab.listener import Listener
from helpers.lab.lite import Lite
from helpers.lab.order import Failed, Order, Ready

__all__ = ["LabProcess", "main"]

#: How often the parent and the children are looked at, in seconds.
_WATCH = 0.25
#: Files and sockets that the lab may hold open, where the system allows so many.
_FILES = 65_536

_log = logging.getLogger("helpers.lab")


class LabProcess:
    """The parts of one lab, in the order in which they start; they end in the opposite order."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._ending = asyncio.Event()
        self._abandoned = False  # nobody is left to wait for a slow end
        self._children = Children()

    async def run(self) -> int:
        """Start, serve, end. Returns the exit code."""
        self._heed_signals()
        watching = asyncio.create_task(self._watch_parent())
        try:
            async with contextlib.AsyncExitStack() as stack:
                stack.push_async_callback(asyncio.to_thread, self._children.close)
                ready = await self._unless_ending(self._start(stack))
                if ready is None:
                    return 0
                _say(ready)
                gc.freeze()  # what is there now stays: no collection need look at it again
                return await self._serve()
        except Exception as error:
            _say(self._failure(error))
            return 1
        finally:
            watching.cancel()

    async def _start(self, stack: contextlib.AsyncExitStack) -> Ready:
        order = self._order
        listener = Listener()
        stack.push_async_callback(listener.close)
        port = listener.listen(order.settings["port"])
        lite = Lite(Path(order.node), Path(order.parts))
        lite.spawn(self._children)
        stack.push_async_callback(asyncio.to_thread, lite.stop, self._children)
        undo = _undo_in_thread(stack)
        laying = asyncio.create_task(asyncio.to_thread(lay_foundation, self._children, undo, lite, order))
        try:
            await asyncio.sleep(0)  # let it begin
            front = _import_front()
            foundation = await asyncio.shield(laying)
        except BaseException:
            self._children.abort()  # so that it ends soon
            await asyncio.wait((laying,))
            raise
        await front.open_front(stack, foundation, lite, listener, order.settings, lambda: self._abandoned)
        return Ready(_info(port, foundation))

    async def _unless_ending(self, starting: Coroutine[Any, Any, Ready]) -> Ready | None:
        """The result of starting, or None when the end was asked for meanwhile."""
        task = asyncio.ensure_future(starting)
        ending = asyncio.ensure_future(self._ending.wait())
        await asyncio.wait((task, ending), return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.wait((task,))
        return None

    async def _serve(self) -> int:
        """Until the end is asked for (0) or a service has died (1)."""
        while not self._ending.is_set():
            dead = self._children.first_dead()
            if dead:
                _log.error("%s ended by itself, so the lab ends", dead)
                return 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _WATCH)
        return 0

    def _failure(self, error: Exception) -> Failed:
        """The error as the parent is to raise it."""
        if not isinstance(error, WorkbookError):
            _log.error("the lab did not start", exc_info=error)
            return Failed("LabError", "starting the lab", repr(error), "Read the lab's log for the whole story")
        told = explain(error, Path(self._order.log))
        return Failed(type(told).__name__, told.tried, told.happened, told.advice)

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._ending.set)
        loop.add_reader(sys.stdin.fileno(), self._hear_parent)

    def _hear_parent(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._abandon()

    async def _watch_parent(self) -> None:
        while os.getppid() == self._order.parent:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(_WATCH)
        self._abandon()

    def _abandon(self) -> None:
        self._abandoned = True
        self._ending.set()


def _import_front() -> ModuleType:
    """What the front door needs, without what it rarely does: most tokens are signed with a shared secret (HS256), but
    PyJWT imports all of `cryptography` wherever it is installed, which takes 0.15 s. Who needs it imports it later."""
    sys.modules["cryptography"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("helpers.lab.front")
    finally:
        del sys.modules["cryptography"]


def _undo_in_thread(stack: contextlib.AsyncExitStack) -> Callable[[Callable[[], None]], object]:
    return lambda call: stack.push_async_callback(asyncio.to_thread, call)


def _info(port: int, foundation: Foundation) -> dict[str, str]:
    keys, database = foundation.home.keys, foundation.database
    return {
        "api_url": f"http://127.0.0.1:{port}",
        "anon_key": keys.anon_key,
        "service_role_key": keys.service_role_key,
        "publishable_key": keys.publishable_key,
        "secret_key": keys.secret_key,
        "jwt_secret": keys.jwt_secret,
        "database_url": f"postgresql://postgres:{keys.database_password}@127.0.0.1:{database.port}/postgres",
        "db_socket_dir": str(database.sockets),
    }


def _say(line: Ready | Failed) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
        sys.stdout.flush()


def _read_order() -> Order:
    """The first line of stdin; after it comes nothing but the end."""
    line = b""
    while not line.endswith(b"\n") and (piece := os.read(sys.stdin.fileno(), 65536)):
        line += piece
    return msgspec.json.decode(line, type=Order)


def main() -> int:
    """Run one lab to its end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, _FILES)), hard))
    return asyncio.run(LabProcess(_read_order()).run())


if __name__ == "__main__":
    sys.exit(main())
