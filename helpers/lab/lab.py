"""Starts and ends a lab from another process: a notebook, a test, `workbook lab`."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import itertools
import os
import selectors
import subprocess
import sys
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import msgspec

from helpers.errors import LabError
from helpers.lab.keys import Algorithm, mint
from helpers.lab.order import Failed, Order, Ready
from helpers.lab.settings import LabSettings
from helpers.node import node_executable, npm_parts
from helpers.places import cache_dir
from helpers.target import Target, TargetKind

__all__ = ["Lab"]

#: Seconds that a lab may take to start and to end; both take about one.
START_LIMIT = 120.0
STOP_LIMIT = 8.0
#: Logs of labs that failed are kept, this many.
_KEPT_LOGS = 20

_TRIED = "starting the lab"
_numbers = itertools.count(1)
_running: weakref.WeakSet[Lab] = weakref.WeakSet()


class Lab:
    """One embedded Supabase. Start it with `await Lab.start(settings)` or `async with Lab(settings) as lab`.

    It ends with `stop`, with the context, and with this process, however that ends.

    Attributes:
        info: URL, keys and database URL, as `workbook lab --json` prints them.
        log: the file that the lab's processes write to; it is kept if the lab fails.
    """

    def __init__(self, settings: LabSettings | None = None) -> None:
        self._settings = settings or LabSettings()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        self.info: dict[str, str] = {}
        self.log = Path()

    @classmethod
    async def start(cls, settings: LabSettings | None = None) -> Lab:
        """Start a lab and wait until it is ready.

        Raises:
            SettingsError: a port or a data folder cannot be used.
            LabError: it did not start; the message says why and where its log is.
            NodeError: the parts that run on Node are not to be had.
        """
        lab = cls(settings)
        await lab._start()
        return lab

    async def stop(self) -> None:
        """End the lab, and wait until nothing of it is left. To stop twice is fine."""
        process, self._process = self._process, None
        if process is not None:
            await asyncio.shield(asyncio.to_thread(self._end, process))

    async def __aenter__(self) -> Lab:
        await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def target(self) -> Target:
        """What the rest of the workbook needs to know of this Supabase."""
        return Target(
            kind=TargetKind.LAB,
            api_url=self.info["api_url"],
            publishable_key=self.info["publishable_key"],
            secret_key=self.info["secret_key"],
            database_url=self.info["database_url"],
            jwt_secret=self.info["jwt_secret"],
            schema="public",
            writes_allowed=True,
        )

    @property
    def running(self) -> bool:
        """Whether the lab's process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Of the lab process, whose children the services are."""
        return self._process.pid if self._process else None

    def token(
        self,
        role: str = "authenticated",
        sub: str | None = None,
        *,
        lifetime_s: float = 3600,
        algorithm: Algorithm = "HS256",
        **claims: Any,
    ) -> str:
        """An access token for a user who need not exist; `sub` is a uuid, by default a new one.

        With `algorithm="ES256"` it is signed with the lab's asymmetric key, whose public half is at
        /auth/v1/.well-known/jwks.json.
        """
        return mint(self.info["jwt_secret"], role, sub=sub, lifetime_s=lifetime_s, algorithm=algorithm, **claims)

    async def _start(self) -> None:
        order = await asyncio.to_thread(self._order)
        self._process = self._spawn(order)
        _running.add(self)
        try:
            await asyncio.to_thread(self._wait_ready, self._process)
        except BaseException:
            await self.stop()
            raise

    def _order(self) -> Order:
        """What to say to the lab process. Blocking, as the first time it installs what runs on Node."""
        try:
            self.log = _new_log()
        except OSError as error:
            advice = "Set WORKBOOK_CACHE_DIR to a folder of your own"
            raise LabError("opening the lab's log", f"{error.filename}: {error.strerror}", advice) from error
        return Order(
            settings=self._settings.to_mapping(),
            node=str(node_executable()),
            parts=str(npm_parts()),
            log=str(self.log),
            parent=os.getpid(),
        )

    def _spawn(self, order: Order) -> subprocess.Popen[bytes]:
        """The lab process: in a session of its own, so that Ctrl-C reaches only us, who then end it in order."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "helpers.lab.process"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log, start_new_session=True, cwd="/", env=_environment(),
            )  # fmt: skip
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(msgspec.json.encode(order) + b"\n")
            process.stdin.flush()
        return process

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Read the process's one line. Blocking."""
        line = _read_line(process, START_LIMIT)
        if not line:
            raise LabError(_TRIED, "the lab process ended without a word", f"Read its log: {self.log}")
        said = msgspec.json.decode(line)
        if "info" not in said:
            raise self._with_log(msgspec.convert(said, Failed))
        self.info = msgspec.convert(said, Ready).info

    def _with_log(self, failed: Failed) -> Exception:
        error = failed.error()
        if not isinstance(error, LabError):
            return error
        return LabError(error.tried, error.happened, f"{error.advice} (the lab's log is {self.log})")

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Ask the process to end, and wait for it; after a limit kill it. Blocking."""
        for end in (process.terminate, process.kill):
            end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_LIMIT)
                break
        for pipe in (process.stdin, process.stdout):
            _close(pipe)
        _running.discard(self)
        if process.returncode == 0:
            self.log.unlink(missing_ok=True)


def _read_line(process: subprocess.Popen[bytes], limit: float) -> bytes:
    """The first line of its output; empty if it ends before. Raises LabError when neither happens in time."""
    assert process.stdout is not None
    line, deadline = b"", time.monotonic() + limit
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                advice = "Try again when the machine is less busy"
                raise LabError(_TRIED, f"it was not ready after {limit:.0f} s", advice)
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                return b""
            line += piece
    return line


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is not None:
        with contextlib.suppress(OSError):
            pipe.close()


def _environment() -> dict[str, str]:
    """Ours, with the folder this package was imported from on the path, wherever the lab process starts.

    Variables of PostgreSQL's clients are about another database than the lab's. The lab speaks no TLS; told that
    there are no certificates, it spends no 50 ms on loading them.
    """
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH")) if part)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return inherited | {"PYTHONPATH": path, "SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}


def _new_log() -> Path:
    folder = cache_dir() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("lab-*.log"), key=lambda file: file.name)[:-_KEPT_LOGS]:
        if not _is_in_use(old):
            old.unlink(missing_ok=True)
    return folder / f"lab-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}-{next(_numbers)}.log"


def _is_in_use(log: Path) -> bool:
    """Whether the process that started that lab, and is named in the file's name, still lives."""
    try:
        os.kill(int(log.stem.split("-")[2]), 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError, ValueError, IndexError):
        return False
    return True


@atexit.register
def _end_all() -> None:
    """For an interpreter that ends while a lab runs; not for a fork of the one that started it."""
    for lab in [lab for lab in _running if lab._owner == os.getpid()]:
        process, lab._process = lab._process, None
        if process is not None:
            lab._end(process)
