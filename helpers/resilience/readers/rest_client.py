"""One question to PostgREST, and its answer or what went wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec

from helpers.errors import ConnectionFailed
from helpers.target import Target

__all__ = ["RestClient"]


class RestClient:
    """Asks the Data API of a target.

    Args:
        key: publishable or secret. token: of a user, instead of the key's role.
        tried, advice: of the errors.
    """

    def __init__(
        self, target: Target, key: str, *, token: str | None, schema: str, timeout_s: float, tried: str, advice: str
    ) -> None:
        self._url = f"{target.rest_url}/"
        self._headers = {"apikey": key, "Accept-Profile": schema, "Content-Profile": schema} | _bearer(token or key)
        self._use_proxy = not target.is_loopback
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._tried, self._advice = tried, advice

    async def post(self, path: str, body: Any) -> Any:
        """Raises ConnectionFailed."""
        return await self._ask("POST", path, data=msgspec.json.encode(body))

    async def get(self, path: str, query: Mapping[str, str]) -> Any:
        """Raises ConnectionFailed."""
        return await self._ask("GET", path, params=query)

    async def _ask(self, method: str, path: str, **options: Any) -> Any:
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout, trust_env=self._use_proxy) as session,
                session.request(method, self._url + path, headers=self._headers, **options) as answer,
            ):
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._failed(f"{type(error).__name__}: {error}".rstrip(": ")) from None
        if answer.status not in (200, 206):
            raise self._failed(f"HTTP {answer.status}: {content[:300].decode(errors='replace')}", answer.status)
        try:
            return json.loads(content, parse_float=Decimal)
        except ValueError:
            raise self._failed("the answer is no JSON") from None

    def _failed(self, happened: str, status: int | None = None) -> ConnectionFailed:
        return ConnectionFailed(self._tried, happened, self._advice, status=status)


def _bearer(token: str) -> dict[str, str]:
    """Secret and publishable keys are no tokens: the gateway turns them into one."""
    headers = {"Content-Type": "application/json"}
    return headers if token.startswith("sb_") else headers | {"Authorization": f"Bearer {token}"}
