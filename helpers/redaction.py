"""Which strings of a target must never leave this machine, and how they are masked, however they are spelled."""

from __future__ import annotations

import base64
import json
import os
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote, urlsplit

from helpers.target import Target, mask

__all__ = ["masked", "secrets_of"]

#: Where a proxy's user and password stand.
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WSS_PROXY", "WS_PROXY")

#: A shorter text in a token's place stands in too many a word to be masked in all of them.
SHORTEST = 8
#: So does a shorter password, which hides nothing.
SHORTEST_PASSWORD = 4


def secrets_of(target: Target) -> tuple[str, ...]:
    """Keys, database URL, passwords as written and as meant, JWT secret, user's token; the longest first."""
    found = {target.publishable_key, target.secret_key, target.database_url, target.jwt_secret}
    found |= _parts_of(target.user_token or "")
    proxies = [os.environ.get(spelling, "") for name in PROXIES for spelling in (name, name.lower())]
    for url in (target.api_url, target.database_url or "", *proxies):
        password = _password(url)
        found |= {text for text in (password, unquote(password)) if len(text) >= SHORTEST_PASSWORD}
    return tuple(sorted((secret for secret in found if secret), key=len, reverse=True))


def masked(text: str, secrets: tuple[str, ...]) -> str:
    """The text with every secret masked: as it is, escaped as in JSON or in a URL, or within Base64."""
    for secret in secrets:
        for spelling in _spellings(secret):
            text = text.replace(spelling, mask(secret))
    return text


@lru_cache(maxsize=64)
def _spellings(secret: str) -> tuple[str, ...]:
    """How a text can hold a secret; the longest first."""
    found = {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote(secret), quote_plus(secret)}
    if len(secret) >= SHORTEST:
        found |= {_encoded(secret, shift) for shift in range(3)}
        found |= {text.replace("+", "-").replace("/", "_") for text in found if text != secret}
    return tuple(sorted(found, key=len, reverse=True))


def _encoded(secret: str, shift: int) -> str:
    """The signs of Base64 that depend on the secret alone, when `shift` other bytes (of every three) go before it."""
    raw = b"\0" * shift + secret.encode()
    return base64.b64encode(raw).decode()[(0, 2, 3)[shift] : 8 * len(raw) // 6]


def _parts_of(token: str) -> set[str]:
    """A token whole and without what was written around it; what is so short is a slip of the pen, and no secret."""
    return {text for text in (token, token.strip().removeprefix("Bearer ").strip("\"' ")) if len(text) >= SHORTEST}


def _password(url: str) -> str:
    """The URL's password; none if it equals the user's name, which hides nothing and stands in many a sentence."""
    try:
        parts = urlsplit(url)
        return "" if parts.password == parts.username else parts.password or ""
    except ValueError:
        return ""
