"""The HTTP session that speaks to the Node process behind the front door."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp

from helpers.errors import LabError
from helpers.lab.lite import Lite

__all__ = ["Upstream"]

#: Seconds from start to readiness: Node reads some 10 MB of JavaScript, the first time from a cold disk.
START_LIMIT = 60.0
_TRIED = "starting the REST and Auth services"


class Upstream:
    """Requests to lite, over its unix socket. Close it at the end."""

    def __init__(self, socket: Path) -> None:
        self.http = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(socket), limit=0),
            timeout=aiohttp.ClientTimeout(total=300.0, sock_connect=5.0),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def wait_ready(self, lite: Lite) -> None:
        """Wait until the process answers and has read the schema.

        Raises:
            LabError: it ended, or was not ready in time.
        """
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            if not lite.running:
                raise LabError(_TRIED, "Node ended at once", "Read the lab's log for the reason")
            try:
                async with self.http.get("http://lite/lab/ready") as response:
                    if response.status == 200:
                        return
                    await asyncio.sleep(0.1)
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)
        raise LabError(_TRIED, f"not ready after {START_LIMIT:.0f} s", "Read the lab's log for the reason")

    async def hash_password(self, password: str) -> str:
        """A password as Auth keeps it."""
        async with self.http.post("http://lite/lab/password", data=password.encode()) as response:
            hashed: str = await response.json()
            return hashed

    async def close(self) -> None:
        """Close the connections."""
        await self.http.close()
