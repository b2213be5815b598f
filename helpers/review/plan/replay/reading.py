"""Lists that are read by REST, as a page reads them."""

from __future__ import annotations

import asyncio

import aiohttp

from helpers.target import Target

__all__ = ["Reader"]

#: A browser opens six connections to one host (Chromium, `client_socket_pool_manager.cc`).
AT_ONCE = 6
ANSWER_LIMIT_S = 30.0


class Reader:
    """One user's.

    Attributes:
        requests: that were answered. failures: that were not. bytes: heads and bodies of answers.
    """

    def __init__(self, session: aiohttp.ClientSession, target: Target, token: str) -> None:
        self.requests = self.failures = self.bytes = 0
        self._session, self._target = session, target
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._headers = {
            "apikey": target.publishable_key,
            "Authorization": f"Bearer {token}",
            "Accept-Profile": target.schema,
        }
        self._timeout = aiohttp.ClientTimeout(total=ANSWER_LIMIT_S)

    async def read(self, url: str) -> None:
        """Read a list; what fails is counted, as a page that fails to read goes on."""
        async with self._gate:
            try:
                async with self._session.get(
                    f"{self._target.rest_url}/{url}", headers=self._headers, timeout=self._timeout
                ) as response:
                    body = await response.read()
            except (aiohttp.ClientError, TimeoutError):
                self.failures += 1
                return
        self.requests += 1
        self.failures += not response.ok
        self.bytes += len(body) + _head_bytes(response)

    def forget(self) -> None:
        """Count anew."""
        self.requests = self.failures = self.bytes = 0


def _head_bytes(response: aiohttp.ClientResponse) -> int:
    """Status line and headers, as they travel."""
    line = len(f"HTTP/1.1 {response.status} {response.reason}\r\n\r\n")
    return line + sum(len(name) + len(value) + 4 for name, value in response.raw_headers)
