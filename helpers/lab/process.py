"""The lab process: `python -m helpers.lab.process`, started by `Lab.start`.

*Start.* Reads one line of JSON from stdin (an `Order`), starts PostgreSQL and Node side by side, then Realtime, then
opens the front door, and prints one line of JSON: a `Ready`, or a `Failed` after which it ends with 1.

*Life.* Serves until stdin ends (its parent has let go, or died), its parent is another process than at the start (it
died, but a copy of the pipe lives on in some child of it), a signal asks for the end, or a service has died.

*End.* The front door closes, the services end, what is not kept is removed. Should this process be killed, its
children are ended by the kernel and by their leash.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import resource
import signal
import socket
import sys
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import psycopg.sql

from helpers import errors
from helpers.errors import LabError, SettingsError, WorkbookError
from helpers.lab.admin import Admin
from helpers.lab.changes.feed import ChangeFeed
from helpers.lab.children import Children
from helpers.lab.cluster import sql_text
from helpers.lab.door import Door
from helpers.lab.gateway import Gateway
from helpers.lab.home import Home, open_home
from helpers.lab.installation import Installation, disk_full, find_installation
from helpers.lab.listener import Listener
from helpers.lab.lite import Lite
from helpers.lab.realtime.server import RealtimeServer
from helpers.lab.realtime.settings import Secrets
from helpers.lab.server import SUPERUSER, TRIED, Server
from helpers.lab.settings import LabSettings

__all__ = ["Failed", "Order", "Ready"]

#: How often the parent and the children are looked at, in seconds.
_WATCH = 0.25
#: Files and sockets that the lab may hold open, where the system allows so many.
_FILES = 65_536
#: How often a free port for the database is looked for when others are quicker to take it.
_ATTEMPTS = 3

_log = logging.getLogger("helpers.lab")


@dataclass(frozen=True, slots=True)
class Order:
    """What the parent asks for: its settings, the folder of the npm parts, its process id, the log's path."""

    settings: dict[str, Any]
    parts: str
    parent: int
    log: str


@dataclass(frozen=True, slots=True)
class Ready:
    """What `Lab.info` holds."""

    info: dict[str, str]


@dataclass(frozen=True, slots=True)
class Failed:
    """A `WorkbookError`, to be raised in the parent."""

    kind: str
    tried: str
    happened: str
    advice: str

    def error(self) -> WorkbookError:
        """The error that it was."""
        kind: type[WorkbookError] = getattr(errors, self.kind, LabError)
        return kind(self.tried, self.happened, self.advice)


class LabProcess:
    """The parts of one lab, in the order in which they start; they end in the opposite order."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._ending = asyncio.Event()
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
                return await self._serve()
        except Exception as error:
            _say(self._failure(error))
            return 1
        finally:
            watching.cancel()

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

    async def _start(self, stack: contextlib.AsyncExitStack) -> Ready:
        settings = LabSettings.from_mapping(self._order.settings)
        listener = Listener()
        stack.push_async_callback(listener.close)
        port = listener.listen(settings.port)
        installation = await asyncio.to_thread(find_installation)

        lite = Lite(Path(self._order.parts))  # loads its modules while the database is made
        stack.push_async_callback(lite.stop, self._children)
        lite.spawn(self._children)

        home = await asyncio.to_thread(open_home, installation, self._children, settings.data_dir)
        stack.push_async_callback(asyncio.to_thread, home.close)
        database = await self._start_database(stack, installation, home, settings)
        await lite.configure(home.folder / "lite.sock", settings, database, home.keys.jwt_secret)

        feed = ChangeFeed(database.conninfo(SUPERUSER), settings.changes)
        await feed.start()
        stack.push_async_callback(feed.stop)
        secrets = Secrets(home.keys.jwt_secret, home.keys.publishable_key, home.keys.secret_key)
        realtime = RealtimeServer(settings.realtime, secrets, database.conninfo(SUPERUSER), feed)
        with contextlib.suppress(NotImplementedError):  # TODO: until the change feed is whole
            await realtime.start()
        stack.push_async_callback(realtime.stop)

        admin = Admin(database.conninfo("supabase_auth_admin"), lite.hash_password)
        routes = [*admin.routes(), *realtime.routes()]
        door = Door(Gateway(home.keys), lite, realtime.connection_factory(), routes)
        await door.open(listener)
        stack.push_async_callback(door.close)
        return Ready(_info(port, database, home))

    async def _start_database(
        self, stack: contextlib.AsyncExitStack, installation: Installation, home: Home, settings: LabSettings
    ) -> Server:
        for attempt in range(_ATTEMPTS):
            port = settings.db_port or free_port()
            if settings.db_port:
                check_free(port)
            database = Server(installation, home.data, home.folder, port, home.tuning)
            database.spawn(self._children)
            stack.push_async_callback(asyncio.to_thread, database.stop, self._children)
            try:
                await asyncio.to_thread(database.wait_ready)
                break
            except LabError:  # somebody may have taken the port since it was free
                if settings.db_port or attempt + 1 == _ATTEMPTS or "could not bind" not in self._log_text():
                    raise
        await asyncio.to_thread(_prepare, database, home, settings)
        return database

    def _failure(self, error: Exception) -> Failed:
        """The error as the parent is to raise it, with the reason that PostgreSQL logged."""
        if not isinstance(error, WorkbookError):
            _log.exception("the lab did not start")
            return Failed("LabError", "starting the lab", repr(error), "Read the lab's log for the whole story")
        happened, text = error.happened, self._log_text()
        if isinstance(error, LabError) and disk_full(text):
            happened, advice = "the disk is full", "Free some 100 MB, or set TMPDIR to a folder on another disk"
            return Failed("LabError", error.tried, happened, advice)
        if error.tried == TRIED:
            reasons = re.findall(r"(?:FATAL|PANIC): +(.+)", text)
            happened += f": {reasons[-1]}" if reasons else ""
        return Failed(type(error).__name__, error.tried, happened, error.advice)

    def _log_text(self) -> str:
        with contextlib.suppress(OSError):
            return Path(self._order.log).read_text(errors="replace")[-20_000:]
        return ""

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._ending.set)
        loop.add_reader(sys.stdin.fileno(), self._hear_parent)

    def _hear_parent(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._ending.set()

    async def _watch_parent(self) -> None:
        while os.getppid() == self._order.parent:
            await asyncio.sleep(_WATCH)  # noqa: ASYNC110 - no event tells of it
        self._ending.set()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def check_free(port: int) -> None:
    """Raise SettingsError unless that port can be listened on."""
    tried = f"opening port {port} of the lab's database"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            advice = "Choose another database port, or 0"
            raise SettingsError(tried, f"it cannot be taken: {error.strerror}", advice) from error


def _prepare(database: Server, home: Home, settings: LabSettings) -> None:
    """What differs from lab to lab and from day to day."""
    password = psycopg.sql.Literal(home.keys.database_password)
    with psycopg.connect(database.conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("alter role postgres password {}").format(password))
        connection.execute(sql_text(f"grants_{settings.default_grants}.sql").encode())
        connection.execute("select realtime.create_message_partitions(current_date - 1, current_date + 3)")


def _info(port: int, database: Server, home: Home) -> dict[str, str]:
    keys = home.keys
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
    """The first line of stdin, and not a byte more: what follows is its end."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(sys.stdin.fileno(), 65536)):
        line += byte
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
