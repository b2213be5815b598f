"""The client's key, whose database is given with it, the clocks and the HTTP services beside Realtime."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Clock", "DatabaseHome", "Key", "KeyKind", "Services"]


class KeyKind(StrEnum):
    PUBLISHABLE = "publishable"
    SECRET = "secret"
    JWT = "jwt"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Key:
    """The client's key, read on this machine. Times are seconds since the epoch."""

    kind: KeyKind
    algorithm: str = ""
    role: str = ""
    issuer: str = ""
    project: str = ""
    expires_at: float | None = None
    issued_at: float | None = None
    now: float = 0.0
    host: str = ""
    took_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class DatabaseHome:
    """Where DATABASE_URL leads, as far as it says so itself.

    Attributes:
        project: the hosted project that it names; empty when it names none.
        here: whether it leads to this machine.
        host: of the target.
    """

    project: str
    here: bool
    host: str
    took_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Clock:
    """This machine's clock minus the server's, from its `Date` header (which has whole seconds)."""

    ahead_s: float
    uncertainty_s: float
    took_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Services:
    """Which of Supabase's HTTP services answer as Supabase does."""

    auth_status: int | None
    auth_is_supabase: bool
    rest_status: int | None
    rest_is_supabase: bool
    took_ms: float = 0.0
