"""Tokens from their descriptions: ``<jwt alg=HS256 signature=ok exp=now+3600 role=anon>``."""

from __future__ import annotations

import re
import time
from typing import Any

import jwt

__all__ = ["TokenMint"]

_DESCRIPTION = re.compile(r"<jwt ([^>]*)>")
_FIELD = re.compile(r"(\w+)=(.*?)(?= \w+=|$)")
_FUTURE_S = 3600
_OTHER_SECRET = "x" * 40


class TokenMint:
    """Mints with one secret. Equal descriptions give equal tokens: the server passes over a token it has already."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._minted: dict[str, str] = {}

    def fill(self, text: str) -> str:
        """The text with tokens in place of their descriptions."""
        return _DESCRIPTION.sub(lambda match: self.token(match[1]), text)

    def token(self, description: str) -> str:
        """The token so described."""
        if description not in self._minted:
            self._minted[description] = self._mint(dict(_FIELD.findall(description)))
        return self._minted[description]

    def _mint(self, fields: dict[str, str]) -> str:
        algorithm, signature = fields.pop("alg"), fields.pop("signature")
        claims = {"iss": "supabase", **{name: _claim(name, value) for name, value in fields.items()}}
        secret = {"ok": self._secret, "wrong": _OTHER_SECRET, "none": ""}[signature]
        return jwt.encode(claims, secret, algorithm=algorithm)


def _claim(name: str, value: str) -> Any:
    if name != "exp":
        return int(value) if value.isdigit() else value
    offset = re.match(r"now([+-]\d+)", value)
    expires_at = int(time.time()) + (int(offset[1]) if offset else _FUTURE_S)
    if "string" in value:
        return str(expires_at)
    return expires_at + 0.5 if "float" in value else expires_at
