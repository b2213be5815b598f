"""What a Dask worker does as a member of a fleet: called by name from afar, outside of Dask's task scheduling.

A reception runs in a thread with an event loop of its own, so that the worker goes on answering its scheduler. Each
function here is one question of the driver; a reception that nobody asks for any more ends by itself.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from concurrent.futures import Future
from typing import TypeVar

import msgspec

from helpers.errors import WorkbookError
from helpers.profiling.clocks import machine_id
from helpers.profiling.receiving.crew import Ready, Report, Start, settle_memory
from helpers.profiling.receiving.listener import Listening, listen
from helpers.results import versions

__all__ = ["Introduction", "attend", "begin", "clock", "dismiss", "introduce"]

A = TypeVar("A")

#: So long a reception waits for its start; whoever ordered it is gone after that.
START_LIMIT_S = 120.0


class Introduction(msgspec.Struct, frozen=True):
    """Who a worker is: which machine, in which process, with which versions."""

    machine: str
    pid: int
    versions: dict[str, str]


def introduce() -> Introduction:
    return Introduction(machine_id(), os.getpid(), versions())


def clock() -> float:
    """This machine's monotonic seconds."""
    return time.monotonic()


async def attend(key: str, order: Listening) -> Ready:
    """Join; the reception is known by that key from then on."""
    attendance = _attending[key] = _Attendance(order)
    return await asyncio.wrap_future(attendance.ready)


async def begin(key: str, start: Start) -> Report:
    """Receive, and forget the reception."""
    attendance = _attending[key]
    attendance.start.set_result(start)
    try:
        return await asyncio.wrap_future(attendance.report)
    finally:
        _attending.pop(key, None)


def dismiss(key: str) -> None:
    """End a reception, if there is one, at whatever point."""
    if (attendance := _attending.pop(key, None)) is not None:
        attendance.cancel()


class _Attendance:
    """One reception.

    Attributes:
        ready: its answer when all have joined. start: what it waits for then. report: its last answer.
    """

    def __init__(self, order: Listening) -> None:
        self.ready: Future[Ready] = Future()
        self.start: Future[Start] = Future()
        self.report: Future[Report] = Future()
        self._order = order
        self._task: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._live, name="reception of a fleet", daemon=True).start()

    def cancel(self) -> None:
        """From any thread."""
        self._loop.call_soon_threadsafe(lambda: self._task is not None and self._task.cancel())

    def _live(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._receive())
        gc.unfreeze()

    async def _receive(self) -> None:
        self._task = asyncio.current_task()
        error = "it was dismissed"
        try:
            self.report.set_result(Report(await listen(self._order, self._rendezvous)))
        except WorkbookError as failed:
            error = failed.happened
        except TimeoutError:
            error = f"nobody said within {START_LIMIT_S:g} s that it begins"
        except asyncio.CancelledError:
            pass
        finally:
            _answer(self.ready, Ready(error=error))
            _answer(self.report, Report(error=error))

    async def _rendezvous(self, joined: int) -> float:
        settle_memory()
        self.ready.set_result(Ready(joined, os.getpid()))
        async with asyncio.timeout(START_LIMIT_S):
            return (await asyncio.wrap_future(self.start)).at


#: The receptions of this worker.
_attending: dict[str, _Attendance] = {}


def _answer(question: Future[A], answer: A) -> None:
    """Unless there is an answer."""
    if not question.done():
        question.set_result(answer)
