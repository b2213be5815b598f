"""Which strings of a target must never leave this machine."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from helpers.target import Target

__all__ = ["secrets_of"]


def secrets_of(target: Target) -> tuple[str, ...]:
    """Keys, database URL, its password as written and as meant, JWT secret; the longest first."""
    found = {target.publishable_key, target.secret_key, target.database_url, target.jwt_secret}
    for url in (target.api_url, target.database_url or ""):
        password = _password(url)
        found |= {password, unquote(password)}
    return tuple(sorted((secret for secret in found if secret), key=len, reverse=True))


def _password(url: str) -> str:
    """The URL's password; none if it equals the user's name, which hides nothing and stands in many a sentence."""
    try:
        parts = urlsplit(url)
        return "" if parts.password == parts.username else parts.password or ""
    except ValueError:
        return ""
