"""A user's token that is fresh whenever it is needed."""

from __future__ import annotations

import asyncio
import base64
import binascii
import math
import time
from collections.abc import Awaitable, Callable

import msgspec

from helpers.errors import ConnectionFailed, WorkbookError

__all__ = ["TokenSource", "Tokens", "expires_at"]

#: For a source to give a token.
LIMIT_S = 30.0

#: How long a fresh token is used that has expired by this machine's clock: the clock may be wrong. If the token is, the
#: server says so.
DOUBTFUL_S = 30.0

#: Gets a fresh token, for example from Auth with a refresh token.
TokenSource = Callable[[], Awaitable[str]]


class _Claims(msgspec.Struct):
    exp: float | None = None


def expires_at(token: str) -> float:
    """When a JSON Web Token expires (Unix time, seconds); infinite if it does not say. It is not verified."""
    parts = token.split(".")
    if len(parts) != 3:
        return math.inf
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=="), type=_Claims)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        return math.inf
    return math.inf if claims.exp is None else claims.exp


class Tokens:
    """Keeps one token, and replaces it before it expires.

    Args:
        source: a token that never changes, a way to get fresh ones, or None for the key's own role.
        margin_s: how long before its end a token is replaced; at most half of its life.
        wall: Unix time in seconds. A clock that is wrong is found out by the server's refusal (`refuse`).
    """

    def __init__(
        self, source: str | TokenSource | None, *, margin_s: float = 60.0, wall: Callable[[], float] = time.time
    ) -> None:
        self._source = source if callable(source) else None
        self._token = source if isinstance(source, str) else None
        self._margin_s, self._wall = margin_s, wall
        self._replace_at = -math.inf if self._source else math.inf
        self._turn = asyncio.Lock()

    @property
    def can_refresh(self) -> bool:
        """Whether there is a way to fresh ones."""
        return self._source is not None

    @property
    def is_due(self) -> bool:
        """Whether the token should be replaced now."""
        return self._source is not None and self._wall() >= self._replace_at

    async def current(self) -> str | None:
        """The token to use now, a fresh one if that is due.

        Raises:
            WorkbookError: as the source raises it; anything else that it raises becomes ConnectionFailed.
        """
        async with self._turn:
            if self.is_due and self._source is not None:
                self._token = await self._asked(self._source)
                life_s = expires_at(self._token) - self._wall()
                served_s = max(life_s / 2, life_s - self._margin_s) if life_s > 0 else DOUBTFUL_S
                self._replace_at = self._wall() + served_s
            return self._token

    def refuse(self, token: str | None = None) -> None:
        """The server refused the token, or the clock is not to be trusted: take a fresh one next time.

        Args:
            token: that was refused; one that has been replaced since changes nothing.
        """
        if self._source is not None and token in (None, self._token):
            self._replace_at = -math.inf

    async def _asked(self, source: TokenSource) -> str:
        tried, advice = "getting a fresh token", "Check the token source: it is asked again in a moment"
        try:
            async with asyncio.timeout(LIMIT_S):
                return await source()
        except WorkbookError:
            raise
        except TimeoutError:
            raise ConnectionFailed(tried, f"the token source gave none within {LIMIT_S:g} s", advice) from None
        except Exception as error:  # it is the application's, and may fail in its own words
            raise ConnectionFailed(tried, f"{type(error).__name__}: {error}", advice) from error
