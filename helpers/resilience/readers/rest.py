"""The change log through PostgREST: for applications that have no connection to the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiohttp
import msgspec

from helpers.errors import ConnectionFailed
from helpers.resilience.change_log import LogPage
from helpers.target import Target

__all__ = ["RestLogReader"]

_TRIED = "reading the change log through the Data API"


class RestLogReader:
    """Reads by `/rest/v1/rpc`; the log's schema must be one that the Data API exposes.

    Args:
        target: with a secret key: the log holds all rows of its tables.
        token: instead of the secret key, of a user whose role is one of the log's readers.
    """

    def __init__(
        self, target: Target, *, token: str | None = None, schema: str = "public", timeout_s: float = 10.0
    ) -> None:
        key = target.secret_key or target.publishable_key
        self._url = f"{target.rest_url}/rpc/"
        self._headers = {"apikey": key, "Content-Profile": schema} | _bearer(token or key)
        self._use_proxy = not target.is_loopback
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def page(self, source: str, horizon: int, seen: Sequence[int], after: int, most: int) -> LogPage:
        """See `LogReader`. Raises ConnectionFailed."""
        body = {"source": source, "horizon": horizon, "seen": list(seen), "after": after, "most": most}
        return msgspec.convert(await self._ask("change_log_page", body), LogPage)

    async def now(self, source: str) -> tuple[int, Sequence[tuple[int, int]]]:
        """See `LogReader`. Raises ConnectionFailed."""
        found = await self._ask("change_log_now", {"source": source})
        return found["horizon"], [tuple(pair) for pair in found["visible"]]

    async def _ask(self, function: str, body: dict[str, Any]) -> Any:
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout, trust_env=self._use_proxy) as session,
                session.post(self._url + function, headers=self._headers, data=msgspec.json.encode(body)) as answer,
            ):
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._failed(f"{type(error).__name__}: {error}".rstrip(": ")) from None
        if answer.status != 200:
            raise self._failed(f"HTTP {answer.status}: {content[:300].decode(errors='replace')}", answer.status)
        try:
            return msgspec.json.decode(content)
        except msgspec.DecodeError:
            raise self._failed("the answer is no JSON") from None

    def _failed(self, happened: str, status: int | None = None) -> ConnectionFailed:
        advice = "Check that the project is up, that its Data API exposes the log's schema, and the key's role"
        return ConnectionFailed(_TRIED, happened, advice, status=status)


def _bearer(token: str) -> dict[str, str]:
    """Secret and publishable keys are no tokens: the gateway turns them into one."""
    headers = {"Content-Type": "application/json"}
    return headers if token.startswith("sb_") else headers | {"Authorization": f"Bearer {token}"}
