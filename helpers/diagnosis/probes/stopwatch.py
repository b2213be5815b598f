"""Times the steps of one run, one after another, and names what went wrong in them."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from helpers.diagnosis.evidence import Step

__all__ = ["Note", "StepFailed", "Stopwatch"]

#: What the world may do to a step. Anything else is a defect of ours and is not swallowed.
WORLD = (OSError, EOFError, TimeoutError, InvalidHandshake, ConnectionClosed)


class StepFailed(Exception):  # noqa: N818 - it never leaves the probes
    """The step has been recorded with its fault; what follows on the same way cannot be done."""


class Note:
    """What a step wants to remember; set `detail` to one line."""

    detail = ""


class Stopwatch:
    """Collects the steps of one run. The first step's begin is the run's zero.

    Every name given is accounted for in `finished()`: a step that was not reached is there as skipped.
    """

    def __init__(self, *names: str) -> None:
        self._zero = time.monotonic()
        self._steps = {name: Step(name, skipped=True) for name in names}

    @asynccontextmanager
    async def step(self, name: str, limit_s: float) -> AsyncIterator[Note]:
        """Time the body; give up after `limit_s` seconds.

        Raises:
            StepFailed: after the step was recorded with what the world did.
        """
        note, started = Note(), time.monotonic()
        try:
            async with asyncio.timeout(limit_s):
                yield note
        except WORLD as error:
            fault, detail = describe(error, limit_s)
            self._record(Step(name, detail=note.detail or detail, fault=fault), started, time.monotonic())
            raise StepFailed(name) from error
        except Refused as error:
            self._record(Step(name, detail=str(error), fault="refused by the server"), started, time.monotonic())
            raise StepFailed(name) from error
        ended = time.monotonic()
        self._record(Step(name, detail=note.detail, samples_ms=((ended - started) * 1000,)), started, ended)

    def skip(self, name: str, detail: str) -> None:
        """Say why a step is not done at this moment of the run."""
        self._steps[name] = Step(name, started_ms=self._since(time.monotonic()), detail=detail, skipped=True)

    def finished(self) -> tuple[Step, ...]:
        return tuple(self._steps.values())

    def _since(self, moment: float) -> float:
        return (moment - self._zero) * 1000

    def _record(self, step: Step, started: float, ended: float) -> None:
        self._steps[step.name] = Step(
            step.name,
            self._since(started),
            (ended - started) * 1000,
            step.detail,
            step.fault,
            step.samples_ms,
        )


class Refused(Exception):  # noqa: N818
    """The server said no, in words."""


def describe(error: BaseException, limit_s: float) -> tuple[str, str]:
    """The fault's short name, and one line of detail."""
    match error:
        case TimeoutError():
            return "timeout", f"no answer within {limit_s:g} s"
        case socket.gaierror():
            return "unknown host", error.strerror or str(error)
        case ssl.SSLCertVerificationError():
            return "certificate", error.verify_message
        case ssl.SSLError():
            return "tls", error.reason or str(error)
        case ConnectionRefusedError():
            return "refused", "nothing listens there"
        case InvalidStatus():
            return "status", f"HTTP {error.response.status_code}"
        case ConnectionClosed() | EOFError() | ConnectionResetError():
            return "closed", "the server closed the connection"
        case OSError():
            return "unreachable", error.strerror or str(error)
        case _:
            return "not a WebSocket", str(error)
