"""What Supabase's gateway does with keys and with browsers, as judgements over headers, without I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from helpers.lab.keys import Keys

__all__ = ["INVALID_KEY", "NO_KEY", "Caller", "Gateway", "Role", "cors_headers", "preflight_headers"]

NO_KEY = {"message": "No API key found in request", "hint": "No `apikey` request header or url param was found."}
INVALID_KEY = {
    "message": "Invalid API key",
    "hint": "Double check your Supabase `anon` or `service_role` API key.",
}

#: Links that a mail or another site's redirect leads to: a browser follows them without a key.
_OPEN_PATHS = re.compile(r"/auth/v1/(verify|callback|authorize|\.well-known/.*)")
_METHODS = "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT"
#: What PostgREST and GoTrue let a browser's script read.
_EXPOSED = "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Link, Server, "
_EXPOSED += "Transfer-Encoding, Range-Unit, Preference-Applied, X-Total-Count, X-Sb-Error-Code"


class Role(Enum):
    """What a key stands for."""

    ANON = "anon"
    SERVICE = "service_role"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the role of the key, and the token in `Authorization` if that is a user's."""

    role: Role
    token: str | None = None


class Gateway:
    """Knows the project's keys, in their older form (JWT) and in the present one (sb_…)."""

    def __init__(self, keys: Keys) -> None:
        self._roles = {
            keys.anon_key: Role.ANON,
            keys.publishable_key: Role.ANON,
            keys.service_role_key: Role.SERVICE,
            keys.secret_key: Role.SERVICE,
        }
        self._tokens = {Role.ANON: None, Role.SERVICE: keys.service_role_key}

    def judge(self, path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> Caller | dict[str, str]:
        """Who asks, or the refusal that is answered with 401."""
        key = headers.get("apikey") or query.get("apikey")
        if not key:
            return Caller(Role.ANON) if _OPEN_PATHS.fullmatch(path) else NO_KEY
        role = self._roles.get(key)
        if role is None:
            return INVALID_KEY
        scheme, _, bearer = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            return Caller(role)
        if bearer in self._roles:
            return Caller(self._roles[bearer])
        return Caller(role) if bearer.startswith("sb_") else Caller(role, bearer)

    def authorization(self, caller: Caller) -> str | None:
        """The `Authorization` that the services behind the gateway get; none stands for anon."""
        token = caller.token or self._tokens[caller.role]
        return f"Bearer {token}" if token else None


def preflight_headers(requested: str | None) -> dict[str, str]:
    """The answer to a browser that asks whether it may."""
    return {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": requested or "*",
        "Access-Control-Max-Age": "3600",
    }


def cors_headers(present: Iterable[str]) -> dict[str, str]:
    """What an answer lacks for a browser's script to read it."""
    names = {name.lower() for name in present}
    wanted = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": _EXPOSED}
    return {name: value for name, value in wanted.items() if name.lower() not in names}
