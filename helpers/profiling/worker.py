"""A process of ours that answers lines of JSON with lines of JSON, and never outlives its parent."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

import msgspec

__all__ = ["Worker", "WorkerGone"]

A = TypeVar("A")

#: The longest line that a process may answer with: a histogram is some 100 KB.
_LINE_BYTES = 1 << 24


class WorkerGone(Exception):  # noqa: N818 - it is an answer as well
    """The process ended, or did not answer in time."""


class Worker:
    """`async with Worker("package.module") as worker` starts it; leaving kills it.

    Secrets go through its stdin, because arguments can be read by every process of the machine. The module must end
    when its stdin does: that is how it ends when this process is killed.

    Args:
        module: a Python module, to be run as a program.
        command: what is run instead, if it is not Python; `module` is then only its name.
        environment: of that; by default our own.
    """

    def __init__(
        self, module: str, *, command: Sequence[str] | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        self._module = module
        self._command = command or (sys.executable, "-m", module)
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LINE_BYTES,
            start_new_session=True,  # Ctrl-C is for the parent
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    @property
    def pid(self) -> int | None:
        """Of the process; None before it was started, and after it was ended."""
        return None if self._process is None else self._process.pid

    async def ask(self, question: msgspec.Struct, answer: type[A], limit_s: float) -> A:
        """Send one line and wait for the one that answers it.

        A process whose answer nobody waited for is ended, as it would be taken for that of the next question.

        Raises:
            WorkerGone: there is no answer, with the reason.
        """
        assert self._process is not None and self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(question) + b"\n")
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), limit_s)
        except TimeoutError:
            self._end()
            raise WorkerGone(f"{self._module} did not answer within {limit_s:.0f} s") from None
        except BaseException:
            self._end()
            raise
        if not line:
            raise WorkerGone(f"{self._module} ended")
        return msgspec.json.decode(line, type=answer)

    def _end(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
