"""A Dask worker as a member of a fleet, asked over its scheduler."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from helpers.profiling.clocks import Skew, machine_id, measure_skew
from helpers.profiling.receiving import attendance
from helpers.profiling.receiving.attendance import Introduction
from helpers.profiling.receiving.crew import Ready, Report, Start
from helpers.profiling.receiving.listener import Listening
from helpers.profiling.worker import WorkerGone
from helpers.results import versions

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["CLOSE_LIMIT_S", "CONNECT_LIMIT_S", "INTRODUCE_LIMIT_S", "Absent", "Remote", "words"]

#: To reach a scheduler, and for a worker to tell the time.
CONNECT_LIMIT_S = 10.0

#: For a worker to say who it is, for which it imports this package at first.
INTRODUCE_LIMIT_S = 30.0

#: For workers to end what they do, or themselves.
CLOSE_LIMIT_S = 5.0

#: How Dask begins what it says of a connection.
_CONNECTION = re.compile(r"^in <.*?>: ")

#: What of a worker's versions is compared with ours: our own must be equal, of the others a difference is told.
OURS = "supabase-realtime-workbook"
MEASURING = (OURS, "python", "picows", "msgspec")


class Remote:
    """A worker that is there."""

    def __init__(self, client: Client, address: str, name: str) -> None:
        self.name = f"{name} ({address})"
        self.notes: tuple[str, ...] = ()
        self._client = client
        self._address = address
        self._key = secrets.token_hex(8)
        self._stranger = ""
        self._is_here = False
        self._is_gone = False

    async def introduce(self) -> None:
        """Learn which machine it is on, and whether it has what is needed."""
        try:
            found: Introduction = await self._ask(INTRODUCE_LIMIT_S, attendance.introduce)
        except WorkerGone as gone:
            self._stranger = str(gone)
            return
        self._is_here = found.machine == machine_id()
        ours = versions()
        different = [name for name in MEASURING if found.versions.get(name) != ours.get(name)]
        said = ", ".join(f"{name} {found.versions.get(name, 'missing')} (here {ours[name]})" for name in different)
        if different[:1] == [OURS]:
            self._stranger = f"it is of another version: {said}"
        elif different:
            self.notes = (f"not all is as here: {said}",)

    async def skew(self) -> Skew:
        if self._stranger:
            raise WorkerGone(self._stranger)
        ask = partial(self._ask, CONNECT_LIMIT_S, attendance.clock)
        return (await measure_skew(ask)).or_one_clock(self._is_here)

    async def ready(self, order: Listening, limit_s: float) -> Ready:
        ready: Ready = await self._ask(limit_s, attendance.attend, self._key, order)
        return ready

    async def report(self, start: Start, limit_s: float) -> Report:
        report: Report = await self._ask(limit_s, attendance.begin, self._key, start)
        return report

    async def dismiss(self) -> None:
        """End what it may still do for this fleet."""
        if not self._is_gone:
            with contextlib.suppress(WorkerGone):
                await self._ask(CLOSE_LIMIT_S, attendance.dismiss, self._key)

    async def _ask(self, limit_s: float, question: Callable[..., Any], *arguments: object) -> Any:
        """Over the scheduler, as workers elsewhere may be reached by nobody else."""
        try:
            async with asyncio.timeout(limit_s):
                answers = await self._client.run(question, *arguments, workers=[self._address], on_error="return")
        except TimeoutError:
            raise WorkerGone(f"it did not answer within {limit_s:.0f} s") from None
        except OSError as error:
            raise WorkerGone(f"the scheduler is gone ({words(error)})") from None
        answer = answers.get(self._address)
        if isinstance(answer, OSError):  # Dask's errors of communication are such
            self._is_gone = True
            raise WorkerGone(f"it ended, or cannot be reached ({words(answer)})")
        if isinstance(answer, Exception):
            raise WorkerGone(f"it failed with {type(answer).__name__} ({words(answer)})")
        return answer


@dataclass(slots=True)
class Absent:
    """A worker that was asked for, and is not there."""

    name: str
    notes: tuple[str, ...] = ()

    async def skew(self) -> Skew:
        raise WorkerGone("the scheduler has fewer workers than were asked for")

    async def ready(self, order: Listening, limit_s: float) -> Ready:
        raise AssertionError("nobody asks who is gone")

    async def report(self, start: Start, limit_s: float) -> Report:
        raise AssertionError("nobody asks who is gone")


def words(error: BaseException) -> str:
    """The first line of what an error says, without the connection's description."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return _CONNECTION.sub("", line)
