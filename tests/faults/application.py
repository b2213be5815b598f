"""The application of a trial, as whoever breaks it has it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from multiprocessing.context import ForkServerProcess
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any

from helpers.resilience import key_text
from helpers.target import Target
from tests.faults.application_process import Order, World, mirror
from tests.kills.process import end, start

__all__ = ["MirrorProcess"]

#: Of tokens that nobody has expire.
_LONG_S = 3_600.0

#: For the process to take a token.
_TOKEN_LIMIT_S = 10.0

#: A process that was killed leaves a file that the next to open it mends first.
_BUSY_S = 5.0


class MirrorProcess:
    """`async with MirrorProcess(scene.service) as application`: mirrors the messages, in a process of its own.

    See `helpers.lab.faults.Application` for what can be done to it.
    """

    def __init__(self, target: Target) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="workbook-mirror-"))
        self.world: World = RawValue(World)
        self.world.token_life_s = _LONG_S
        self._order = Order(target, self._home / "copy.db", self._home / "story", self.world)
        self._process: ForkServerProcess | None = None
        self._copy: sqlite3.Connection | None = None

    async def __aenter__(self) -> MirrorProcess:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        if self._copy is not None:
            self._copy.close()
        shutil.rmtree(self._home, ignore_errors=True)

    # What can happen to it

    async def stop(self) -> None:
        self._signal(signal.SIGSTOP)

    async def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    async def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await end(process)

    async def start(self) -> None:
        self._process = start(mirror, self._order)

    def set_clock(self, ahead_s: float) -> None:
        self.world.ahead_s = ahead_s

    def fill_disk(self) -> None:
        self.world.is_full = True

    def free_disk(self) -> None:
        self.world.is_full = False

    async def outlive_token(self, life_s: float) -> None:
        world, before = self.world, self.world.tokens_given
        world.token_life_s = life_s
        world.tokens_wanted += 1
        async with asyncio.timeout(_TOKEN_LIMIT_S):
            while world.tokens_given == before:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.01)
        world.tokens_withheld = True
        await asyncio.sleep(max(0.0, world.expires_at - time.time()))

    def give_tokens(self) -> None:
        self.world.token_life_s = _LONG_S
        self.world.tokens_withheld = False

    # What it has

    def has(self, body: str) -> bool:
        """Whether a row is in its copy. By its body: a server that took over may give a key again."""
        return bool(self._ask("select 1 from messages where body = ?", body))

    def rows(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Its copy, as SQLite holds it."""
        names = [name for (name,) in self._ask("select name from pragma_table_info('messages') order by cid")]
        rows = (dict(zip(names, row, strict=True)) for row in self._ask("select * from messages"))
        return {(row["id"],): row for row in rows}

    def counts(self) -> Counter[str]:
        """See `Witness`; and `lost`: changes that no stream brought."""
        found = Counter(dict(self._ask('select what, count from "_counts"')))
        found["lost"] = max(0, found["read"] - self.world.overtaken)
        return found

    def story_of(self, key: tuple[Any, ...]) -> list[str]:
        """What was applied to a row."""
        return [told for (told,) in self._ask('select told from "_story" where key = ?', key_text(key))]

    def story(self, since: float = 0.0) -> list[str]:
        """Its steps from a moment on, in seconds after it."""
        with contextlib.suppress(FileNotFoundError):
            lines = (line.split(" ", 1) for line in self._order.story.read_text().splitlines())
            return [f"{float(at) - since:8.3f} s {what}" for at, what in lines if float(at) >= since]
        return []

    def _ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Nothing while there is no file, or no such table in it yet."""
        with contextlib.suppress(sqlite3.OperationalError):
            if self._copy is None:
                self._copy = sqlite3.connect(f"file:{self._order.file}?mode=ro", uri=True, timeout=_BUSY_S)
            return self._copy.execute(query, values).fetchall()
        return []

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None and self._process.pid is not None, "it does not run"
        os.kill(self._process.pid, number)
