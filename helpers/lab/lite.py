"""REST and Auth: the Node process that runs @supabase/lite, on a unix socket in the lab's folder."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from helpers.lab.children import Children
from helpers.lab.home import Home
from helpers.lab.server import Server
from helpers.node import node_environment

__all__ = ["SOCKET", "Lite"]

#: The name of its socket in the lab's folder.
SOCKET = "lite.sock"
#: Database connections; a small Supabase project's REST API has 10 too.
_REST_CONNECTIONS = 10
_AUTH_CONNECTIONS = 5


class Lite:
    """The process.

    Args:
        node: the Node to run.
        parts: the folder that holds `node_modules`.
    """

    def __init__(self, node: Path, parts: Path) -> None:
        self._node = node
        self._parts = parts
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def spawn(self, children: Children) -> None:
        """Start the process, which loads its modules and then waits for `configure`. Returns at once."""
        environment = node_environment() | {"NODE_COMPILE_CACHE": str(self._parts / ".compile-cache")}
        self._process = children.spawn(
            "Node", [self._node, Path(__file__).with_name("lite.mjs"), self._parts],
            ending=signal.SIGKILL, environment=environment, stdin=subprocess.PIPE,
        )  # fmt: skip

    def configure(self, home: Home, database: Server, settings: Mapping[str, Any]) -> None:
        """Tell it where to listen, which database to serve, and how. It does not listen before.

        Args:
            settings: a `LabSettings` as plain data.
        """
        line = {
            "socket": str(home.folder / SOCKET),
            "database": {"directory": str(database.sockets), "port": database.port},
            "jwt_secret": home.keys.jwt_secret,
            "schemas": settings["exposed_schemas"],
            "max_rows": settings["max_rows"],
            "rest_connections": _REST_CONNECTIONS,
            "auth_connections": _AUTH_CONNECTIONS,
            "auth": {
                "jwt_expiry": settings["jwt_expiry_s"],
                "email": {"enable_signup": True, "enable_confirmations": settings["email_confirmation"]},
            },
        }
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # whoever waits for its answer sees that it has ended
            self._process.stdin.write(msgspec.json.encode(line) + b"\n")
            self._process.stdin.flush()

    def stop(self, children: Children) -> None:
        """End the process. Blocking."""
        if self._process is not None:
            assert self._process.stdin is not None
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            children.end(self._process, signal.SIGTERM, 2.0)
            self._process = None
