"""The database of a lab, from nothing to taking connections. All of it is blocking and meant for a thread."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from helpers.errors import LabError, SettingsError, WorkbookError
from helpers.lab.children import Children
from helpers.lab.home import Home, open_home
from helpers.lab.installation import disk_full, find_installation
from helpers.lab.lite import Lite
from helpers.lab.order import Order
from helpers.lab.server import TRIED, Server

__all__ = ["PREPARING", "Foundation", "explain", "lay_foundation"]

#: How often a free port for the database is looked for when others are quicker to take it.
_ATTEMPTS = 3

PREPARING = "preparing the lab's database"


@dataclass(frozen=True, slots=True)
class Foundation:
    """The lab's home, and the PostgreSQL server that runs in it."""

    home: Home
    database: Server


def lay_foundation(
    children: Children, undo: Callable[[Callable[[], None]], object], lite: Lite, order: Order
) -> Foundation:
    """Make or open the lab's data, start PostgreSQL, and tell Node when it takes connections.

    Args:
        children: who starts processes.
        undo: is given what to call at the end, the last first.
        lite: is configured as soon as there is a database.
    """
    settings = order.settings
    data_dir, db_port = settings["data_dir"], settings["db_port"]
    if db_port:
        _check_free(db_port)
    installation = find_installation()
    home = open_home(installation, children, Path(data_dir) if data_dir else None)
    undo(home.close)
    for attempt in range(_ATTEMPTS):
        database = Server(installation, home.data, home.folder, db_port or _free_port(), home.tuning, home.lock)
        database.spawn(children)
        undo(lambda database=database: database.stop(children))  # type: ignore[misc]
        try:
            database.wait_ready()
            break
        except LabError:  # somebody may have taken the port since it was free
            if db_port or attempt + 1 == _ATTEMPTS or "could not bind" not in _tail(Path(order.log)):
                raise
    lite.configure(home, database, settings)
    return Foundation(home, database)


def explain(error: WorkbookError, log: Path) -> WorkbookError:
    """The error with the reason that PostgreSQL wrote to the log, if that did not start or broke at once."""
    text = _tail(log)
    if isinstance(error, LabError) and disk_full(text):
        return LabError(error.tried, "the disk is full", "Free some 100 MB, or set TMPDIR to a folder on another disk")
    if error.tried not in (TRIED, PREPARING) or not text.strip():
        return error
    reasons = re.findall(r"(?:FATAL|PANIC): +(?! |the database system is )(.+)", text)
    return type(error)(error.tried, (reasons or text.strip().splitlines())[-1], error.advice)


def _tail(log: Path) -> str:
    with contextlib.suppress(OSError):
        return log.read_text(errors="replace")[-20_000:]
    return ""


def _free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            tried = f"opening port {port} of the lab's database"
            raise SettingsError(tried, f"it cannot be taken: {error.strerror}", "Choose another port, or 0") from error
