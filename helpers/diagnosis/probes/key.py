"""Reads the client's key on this machine. It is sent nowhere, and its signature is not judged here."""

from __future__ import annotations

import time
from typing import Any

import jwt

from helpers.diagnosis.evidence import Key, KeyKind
from helpers.target import Target

__all__ = ["probe_key"]


def probe_key(target: Target) -> Key:
    """Kind, role, issuer and life of the key. What is not there stays empty."""
    started = time.monotonic()
    key = target.publishable_key
    kind = _kind(key)
    header, claims = _decoded(key) if kind is KeyKind.JWT else ({}, {})
    if kind is KeyKind.JWT and not header:
        kind = KeyKind.UNKNOWN
    return Key(
        kind=kind,
        algorithm=str(header.get("alg", "")),
        role=str(claims.get("role", "")),
        issuer=str(claims.get("iss", "")),
        project=str(claims.get("ref", "")),
        expires_at=_seconds(claims.get("exp")),
        issued_at=_seconds(claims.get("iat")),
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


def _decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        parts = jwt.decode_complete(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return {}, {}
    return parts["header"], parts["payload"]


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
