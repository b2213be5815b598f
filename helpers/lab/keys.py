"""The lab's keys and tokens. They open nothing but one lab on this machine."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from helpers.lab import signing

__all__ = ["Algorithm", "Keys", "mint"]

Algorithm = Literal["HS256", "ES256"]

_TEN_YEARS = 10 * 365 * 86400


@dataclass(frozen=True, slots=True)
class Keys:
    """What a Supabase project has on its page of API keys, and the password of role postgres."""

    jwt_secret: str = field(repr=False)
    anon_key: str = field(repr=False)
    service_role_key: str = field(repr=False)
    publishable_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    database_password: str = field(repr=False)

    @classmethod
    def generate(cls) -> Keys:
        """Fresh keys of the same forms as Supabase's."""
        secret = secrets.token_urlsafe(48)
        return cls(
            jwt_secret=secret,
            anon_key=_legacy_key(secret, "anon"),
            service_role_key=_legacy_key(secret, "service_role"),
            publishable_key=f"sb_publishable_{_opaque()}",
            secret_key=f"sb_secret_{_opaque()}",
            database_password=secrets.token_urlsafe(18),
        )


def mint(
    secret: str,
    role: str,
    *,
    sub: str | None = None,
    lifetime_s: float = 3600,
    algorithm: Algorithm = "HS256",
    **claims: Any,
) -> str:
    """A user's access token as Auth signs it; `claims` are added to it or replace what it would hold."""
    now = int(time.time())
    payload = {"aud": role, "role": role, "sub": sub or str(uuid.uuid4()), "iat": now, "exp": now + int(lifetime_s)}
    return _sign(payload | claims, secret, algorithm)


def _legacy_key(secret: str, role: str) -> str:
    now = int(time.time())
    return _sign({"iss": "supabase", "ref": "lab", "role": role, "iat": now, "exp": now + _TEN_YEARS}, secret)


def _sign(payload: Mapping[str, Any], secret: str, algorithm: Algorithm = "HS256") -> str:
    """A JSON Web Token (RFC 7515, appendices A.1 and A.3)."""
    header = {"alg": algorithm, "typ": "JWT"}
    if algorithm == "ES256":
        header["kid"] = signing.key_id(secret)
    head = f"{_encode_json(header)}.{_encode_json(payload)}"
    if algorithm == "ES256":
        signature = signing.sign(secret, head.encode())
    else:
        signature = hmac.digest(secret.encode(), head.encode(), hashlib.sha256)
    return f"{head}.{signing.encode(signature)}"


def _encode_json(part: Mapping[str, Any]) -> str:
    return signing.encode(json.dumps(part, separators=(",", ":")).encode())


def _opaque() -> str:
    letters = secrets.token_hex(15)
    return f"{letters[:22]}_{letters[22:]}"
