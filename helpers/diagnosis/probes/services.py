"""Asks the project's HTTP services who they are, and what time it is there."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import aiohttp

from helpers.diagnosis.evidence import Clock, Missing, Services
from helpers.target import Target

__all__ = ["probe_services"]

LIMIT_S = 4.0
BODY_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: dict[str, str]
    body: str
    asked_at: float
    answered_at: float


async def probe_services(target: Target) -> tuple[Services, Clock | Missing]:
    """Auth's health page and REST's root, asked with the key as any client would."""
    started = time.monotonic()
    timeout = aiohttp.ClientTimeout(total=LIMIT_S)
    async with aiohttp.ClientSession(timeout=timeout, headers={"apikey": target.publishable_key}) as session:
        auth, rest = await asyncio.gather(
            _get(session, f"{target.auth_url}/health"), _get(session, f"{target.rest_url}/")
        )
    took_ms = (time.monotonic() - started) * 1000
    services = Services(
        auth_status=auth.status if auth else None,
        auth_is_supabase=auth is not None and _is_supabase(auth),
        rest_status=rest.status if rest else None,
        rest_is_supabase=rest is not None and _is_supabase(rest),
        took_ms=took_ms,
    )
    return services, _clock(auth or rest, took_ms)


async def _get(session: aiohttp.ClientSession, url: str) -> _Answer | None:
    asked_at = time.time()
    try:
        async with session.get(url, allow_redirects=False) as response:
            answered_at = time.time()
            body = (await response.content.read(BODY_BYTES)).decode(errors="replace")
            headers = {name.lower(): value for name, value in response.headers.items()}
            return _Answer(response.status, headers, body, asked_at, answered_at)
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None


def _is_supabase(answer: _Answer) -> bool:
    """Auth names itself, REST answers with OpenAPI or a PGRST code, the gateway leaves headers or asks for a key."""
    if any(name in answer.headers for name in ("sb-project-ref", "sb-gateway-version", "x-supabase-api-version")):
        return True
    words = ("GoTrue", "PGRST", "PostgREST", "swagger", "API key")
    return answer.body.lstrip().startswith("{") and any(word in answer.body for word in words)


def _clock(answer: _Answer | None, took_ms: float) -> Clock | Missing:
    if answer is None:
        return Missing("no HTTP service of the project answered")
    try:
        there = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return Missing("the server's answers carry no Date")
    # The header drops the fraction of its second, which is half a second on average.
    here = (answer.asked_at + answer.answered_at) / 2
    return Clock(here - (there + 0.5), 0.5 + (answer.answered_at - answer.asked_at) / 2, took_ms)
