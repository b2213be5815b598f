"""Which strings of a target must never leave this machine."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from helpers.target import Target

__all__ = ["secrets_of"]

#: A shorter text in a token's place stands in too many a word to be masked in all of them.
SHORTEST = 8


def secrets_of(target: Target) -> tuple[str, ...]:
    """Keys, database URL, its password as written and as meant, JWT secret, user's token; the longest first."""
    found = {target.publishable_key, target.secret_key, target.database_url, target.jwt_secret}
    found |= _parts_of(target.user_token or "")
    for url in (target.api_url, target.database_url or ""):
        password = _password(url)
        found |= {password, unquote(password)}
    return tuple(sorted((secret for secret in found if secret), key=len, reverse=True))


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
