"""Reads the client's key on this machine. It is sent nowhere, and its signature is not judged here."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import jwt

from helpers.diagnosis.evidence import Key, KeyKind
from helpers.target import Target

__all__ = ["decoded", "probe_key", "seconds", "text_of"]

#: No calendar reaches so far; a time beyond it is told as this one.
LATEST = 1e15


def probe_key(target: Target) -> Key:
    """Kind, role, issuer and life of the key. What is not there stays empty."""
    started = time.monotonic()
    key = target.publishable_key
    kind = _kind(key)
    header, claims = decoded(key) if kind is KeyKind.JWT else ({}, {})
    if kind is KeyKind.JWT and not header:
        kind = KeyKind.UNKNOWN
    return Key(
        kind=kind,
        algorithm=text_of(header, "alg"),
        role=text_of(claims, "role"),
        issuer=text_of(claims, "iss"),
        project=text_of(claims, "ref"),
        expires_at=seconds(claims.get("exp")),
        issued_at=seconds(claims.get("iat")),
        now=time.time(),
        host=target.host,
        took_ms=(time.monotonic() - started) * 1000,
    )


def _kind(key: str) -> KeyKind:
    if key.startswith("sb_publishable_"):
        return KeyKind.PUBLISHABLE
    if key.startswith("sb_secret_"):
        return KeyKind.SECRET
    return KeyKind.JWT if key.count(".") == 2 else KeyKind.UNKNOWN


def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token, whoever signed it; both empty when it is none."""
    try:
        parts = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return {}, {}
    if any(isinstance(value, float) and not math.isfinite(value) for value in parts["payload"].values()):
        return {}, {}  # Python takes Infinity and NaN for JSON, the server does not
    return parts["header"], parts["payload"]


def text_of(claims: Mapping[str, Any], name: str) -> str:
    """What a claim says; nothing when it is not there or null."""
    value = claims.get(name)
    return "" if value is None else str(value)


def seconds(value: object) -> float | None:
    """A time that a claim tells, if it tells one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(min(max(value, -LATEST), LATEST))
