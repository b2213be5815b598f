"""REST and Auth: @supabase/lite in a Node process of its own, on a unix socket in the lab's folder."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from helpers.errors import LabError
from helpers.lab.children import Children
from helpers.lab.server import Server
from helpers.lab.settings import LabSettings
from helpers.node import node_environment, node_executable

__all__ = ["Lite"]

#: Seconds from start to readiness: it reads some 10 MB of JavaScript, the first time from a cold disk.
START_LIMIT = 60.0
_TRIED = "starting the REST and Auth services"


class Lite:
    """The Node process, and the one HTTP session that speaks to it.

    Args:
        parts: the folder that holds `node_modules`.
    """

    def __init__(self, parts: Path) -> None:
        self._parts = parts
        self._process: subprocess.Popen[bytes] | None = None
        self._http: aiohttp.ClientSession | None = None

    @property
    def http(self) -> aiohttp.ClientSession:
        """Speaks to the process, whatever host a URL names."""
        assert self._http is not None
        return self._http

    def spawn(self, children: Children) -> None:
        """Start the process, which loads its modules and then waits for `configure`. Returns at once.

        Raises:
            NodeError: there is no Node.
        """
        environment = node_environment() | {"NODE_COMPILE_CACHE": str(self._parts / ".compile-cache")}
        self._process = children.spawn(
            "Node", [node_executable(), Path(__file__).with_name("lite.mjs"), self._parts],
            ending=signal.SIGKILL, environment=environment, stdin=subprocess.PIPE,
        )  # fmt: skip

    async def configure(self, socket: Path, settings: LabSettings, database: Server, jwt_secret: str) -> None:
        """Tell it where to listen and which database to serve, and wait until it has read the schema.

        Raises:
            LabError: it ended, or was not ready in time.
        """
        self._http = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(socket), limit=0),
            timeout=aiohttp.ClientTimeout(total=300.0, sock_connect=5.0),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        assert self._process is not None
        assert self._process.stdin is not None
        line = msgspec.json.encode(_configuration(socket, settings, database, jwt_secret)) + b"\n"
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line)
            self._process.stdin.flush()
        await self._wait_ready()

    async def _wait_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise LabError(_TRIED, "Node ended at once", "Read the lab's log for the reason")
            try:
                async with self.http.get("http://lite/lab/ready") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)
        raise LabError(_TRIED, f"not ready after {START_LIMIT:.0f} s", "Read the lab's log for the reason")

    async def hash_password(self, password: str) -> str:
        """A password as Auth keeps it."""
        async with self.http.post("http://lite/lab/password", data=password.encode()) as response:
            hashed: str = await response.json()
            return hashed

    async def stop(self, children: Children) -> None:
        """Close the session and end the process."""
        if self._http is not None:
            await self._http.close()
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            await asyncio.to_thread(children.end, self._process, signal.SIGTERM, 2.0)
            self._process = None


def _configuration(socket: Path, settings: LabSettings, database: Server, jwt_secret: str) -> dict[str, Any]:
    return {
        "socket": str(socket),
        "database": {"directory": str(database.sockets), "port": database.port},
        "jwt_secret": jwt_secret,
        "schemas": settings.exposed_schemas,
        "max_rows": settings.max_rows,
        "rest_connections": 10,
        "auth_connections": 5,
        "auth": {
            "jwt_expiry": settings.jwt_expiry_s,
            "email": {"enable_signup": True, "enable_confirmations": settings.email_confirmation},
        },
    }
