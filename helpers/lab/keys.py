"""The lab's keys and tokens. They open nothing but one lab on this machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Keys", "mint"]

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


def mint(secret: str, role: str, *, sub: str | None = None, lifetime_s: float = 3600, **claims: Any) -> str:
    """A user's access token as Auth signs it; `claims` are added to it or replace what it would hold."""
    now = int(time.time())
    payload = {"aud": role, "role": role, "sub": sub or str(uuid.uuid4()), "iat": now, "exp": now + int(lifetime_s)}
    return _sign(payload | claims, secret)


def _legacy_key(secret: str, role: str) -> str:
    now = int(time.time())
    return _sign({"iss": "supabase", "ref": "lab", "role": role, "iat": now, "exp": now + _TEN_YEARS}, secret)


def _sign(payload: Mapping[str, Any], secret: str) -> str:
    """A JSON Web Token, HS256 (RFC 7515, appendix A.1)."""
    head = f"{_encode_json({'alg': 'HS256', 'typ': 'JWT'})}.{_encode_json(payload)}"
    return f"{head}.{_encode(hmac.digest(secret.encode(), head.encode(), hashlib.sha256))}"


def _encode_json(part: Mapping[str, Any]) -> str:
    return _encode(json.dumps(part, separators=(",", ":")).encode())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _opaque() -> str:
    letters = secrets.token_hex(15)
    return f"{letters[:22]}_{letters[22:]}"
