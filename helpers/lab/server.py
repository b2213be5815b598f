"""One running PostgreSQL server: how it is set, started, asked and stopped."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import IO

from helpers.errors import LabError
from helpers.lab.children import Children
from helpers.lab.installation import Installation

__all__ = ["SUPERUSER", "Server", "Tuning"]

SUPERUSER = "supabase_admin"
#: Seconds from start to readiness; recovery of a kept database may take its time.
START_LIMIT = 60.0

TRIED = "starting PostgreSQL"

_COMMON = {
    # What Realtime needs: changes are decoded from the log, by one slot for each service and some to spare.
    "wal_level": "logical",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    "max_slot_wal_keep_size": "512MB",  # as on Supabase (supabase/postgres, pull request 2130): a slot left behind
    "max_connections": "200",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "jit": "off",
    "io_method": "sync",  # three processes fewer to start and to end
}
_DISPOSABLE = {
    # Nobody needs this database after a power failure, so nothing waits for the disk. Commits stay synchronous: the
    # log is decoded only as far as it is flushed, and an asynchronous commit flushes up to 200 ms later.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
}


class Tuning(Enum):
    """What a server is for."""

    TEMPLATE = "template"  # made, filled and copied
    DISPOSABLE = "disposable"  # gone with its lab
    DURABLE = "durable"  # kept, so a crash must not hurt it


@dataclass(slots=True)
class Server:
    """A PostgreSQL server on a socket in `sockets`, and for labs on 127.0.0.1:`port` too.

    The server holds `lock` as well: nobody may open its data until it has ended, even if the lab process was killed.
    """

    installation: Installation
    data: Path
    sockets: Path
    port: int
    tuning: Tuning
    lock: IO[str] | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def spawn(self, children: Children) -> None:
        """Start the process. Returns at once."""
        ending = signal.SIGQUIT  # PostgreSQL's immediate shutdown: it ends its own children and removes its files
        account = self.installation.account
        held = [self.lock.fileno()] if self.lock else []
        self.process = children.spawn("PostgreSQL", self._command(), ending=ending, account=account, keep_open=held)

    def wait_ready(self) -> None:
        """Wait until it takes connections. Blocking.

        Raises:
            LabError: it ended, or was not ready in time.
        """
        assert self.process is not None
        deadline = time.monotonic() + START_LIMIT
        while not self._answers():
            if self.process.poll() is not None:
                raise LabError(TRIED, "PostgreSQL ended at once", "Read the lab's log for the reason")
            if time.monotonic() > deadline:
                raise LabError(TRIED, f"not ready after {START_LIMIT:.0f} s", "Read the lab's log for the reason")
            time.sleep(0.005)

    def stop(self, children: Children) -> None:
        """Stop it: at once when nobody needs its data, else with a checkpoint. Blocking."""
        if self.process is not None:
            keep = self.tuning is not Tuning.DISPOSABLE
            children.end(self.process, signal.SIGINT if keep else signal.SIGQUIT, limit=3.0)
            self.process = None

    def conninfo(self, user: str) -> str:
        """How to connect through the socket, without a password."""
        return f"host={self.sockets} port={self.port} user={user} dbname=postgres connect_timeout=10"

    def _command(self) -> list[str | Path]:
        own = {
            "unix_socket_directories": str(self.sockets),
            "listen_addresses": "" if self.tuning is Tuning.TEMPLATE else "127.0.0.1",
            "port": str(self.port),
        }
        settings = _COMMON | own | ({} if self.tuning is Tuning.DURABLE else _DISPOSABLE)
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [self.installation.bin / "postgres", "-D", self.data, *options]

    def _answers(self) -> bool:
        """Whether the last line of its pid file says that it is ready, and somebody listens on the socket."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            if (self.data / "postmaster.pid").read_text().rstrip().endswith("\nready"):
                probe.settimeout(1.0)
                probe.connect(str(self.sockets / f".s.PGSQL.{self.port}"))
                return True
        return False
