"""Sends what waits in an outbox: in order, again until it is done, and past what cannot be done."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from helpers.errors import ConnectionFailed, RunError
from helpers.resilience import Backoff, BackoffSettings
from helpers.sync.outbox.failures import Rejected
from helpers.sync.outbox.outbox import Entry, Outbox
from helpers.sync.outbox.policies import Conflict
from helpers.sync.writes import Answer, Write

__all__ = ["Sender", "Told", "Writer"]

#: Attempts at a write that fails without it being known why, before it is set aside.
MOST_ATTEMPTS = 5


class Writer(Protocol):
    """Does writes, each once."""

    async def send(self, write: Write) -> Answer:
        """See `PrismaWriter.send`."""


@dataclass(frozen=True, slots=True)
class Told:
    """Whom to tell what became of writes."""

    done: Callable[[Write, Answer], None] = lambda write, answer: None
    refused: Callable[[Sequence[Entry]], None] = lambda entries: None
    asked: Callable[[Entry, Conflict], None] = lambda entry, conflict: None


class Sender:
    """One outbox's.

    Args:
        writers: by the tables they write to.
        told: whom to tell.
        backoff: between attempts while the server cannot be reached.

    Attributes:
        sent: writes done. trouble: why the last attempt failed; empty if it did not.
    """

    def __init__(
        self,
        outbox: Outbox,
        writers: Mapping[str, Writer],
        told: Told | None = None,
        backoff: BackoffSettings | None = None,
    ) -> None:
        self._outbox, self._writers, self._told = outbox, writers, told or Told()
        self._settings = backoff or BackoffSettings()
        self._backoff = Backoff(self._settings)
        self._hurry = asyncio.Event()
        self.sent = 0
        self.trouble = ""

    async def run(self) -> None:
        """Send until it is cancelled."""
        while True:
            self._outbox.added.clear()
            try:
                if await self.send_next():
                    continue
            except (ConnectionFailed, RunError) as error:  # no network, or a full disk: neither lasts
                self.trouble = error.happened
                await self._wait()
                continue
            await self._outbox.added.wait()

    async def send_next(self) -> bool:
        """Try the next one; False if there is none that could be sent.

        Raises:
            ConnectionFailed: the server cannot be reached. RunError: the outbox cannot be written.
        """
        entry = await self._outbox.next()
        if entry is None:
            return False
        try:
            answer = await self._writer(entry.write).send(entry.write)
        except Rejected as error:
            self._told.refused(await self._outbox.set_aside(entry, error.happened))
        except Conflict as conflict:
            await self._outbox.ask(entry, str(conflict), conflict.server)
            self._told.asked(entry, conflict)
        except ConnectionFailed as error:
            await self._outbox.failed(entry, error.happened)
            raise
        except Exception as error:  # a defect, or a rare state of the database
            await self._unknown(entry, error)
        else:
            await self._done(entry, answer)
        return True

    def hurry(self) -> None:
        """The server can be reached again, as somebody has noticed: do not wait for the next attempt."""
        self._backoff = Backoff(self._settings)
        self._hurry.set()

    async def _done(self, entry: Entry, answer: Answer) -> None:
        self._backoff, self.trouble = Backoff(self._settings), ""
        self._told.done(entry.write, answer)  # before the outbox forgets it: of a full disk nobody need know here
        await self._outbox.done(entry, answer)
        self.sent += 1

    async def _unknown(self, entry: Entry, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        if entry.attempts + 1 >= MOST_ATTEMPTS:
            self._told.refused(await self._outbox.set_aside(entry, reason))
            return
        await self._outbox.failed(entry, reason)
        self.trouble = reason
        await self._wait()

    async def _wait(self) -> None:
        self._hurry.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._backoff.delay_s()):
                await self._hurry.wait()

    def _writer(self, write: Write) -> Writer:
        if write.table in self._writers:
            return self._writers[write.table]
        raise Rejected("sending a write", f"nobody writes to {write.table!r}", "Add a writer for that table")
