"""The access token of one of the project's users, read on this machine, and what Realtime answered to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from helpers.diagnosis.evidence.base import Missing

__all__ = ["TokenKind", "Trial", "UserToken"]

UNTRIED = Missing("the token was not tried")


class TokenKind(StrEnum):
    """What was given as a token."""

    JWT = "JSON Web Token"
    KEY = "key"  # sb_publishable_… or sb_secret_…
    WRAPPED = "wrapped token"  # a token with quotes, spaces or `Bearer` around it
    OTHER = "something else"


@dataclass(frozen=True, slots=True)
class Trial:
    """What Realtime answered to a join with the token; `joined` None when it did not say."""

    joined: bool | None
    reason: str = ""
    took_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class UserToken:
    """A user's token. Times are seconds since the epoch; what it does not say is empty or None.

    Attributes:
        key_ids: of the project's public keys (JWKS), as Auth shows them to everybody.
        now: this machine's clock when it was read; `ahead_s` is that clock minus the server's.
        origin, host: of the target.
        predicted: the sentence with which Realtime will refuse it; empty when nothing speaks against it. The signature
            is not checked here: nobody but the project can.
        trial: a join with it, which is all that is ever sent of it, to the target and to nobody else.
    """

    kind: TokenKind
    algorithm: str = ""
    key_id: str = ""
    role: str = ""
    subject: str = field(default="", repr=False)
    issuer: str = ""
    expires_at: float | None = None
    issued_at: float | None = None
    not_before: float | None = None
    claims: tuple[str, ...] = ()
    key_ids: tuple[str, ...] | Missing = ()
    now: float = 0.0
    ahead_s: float = 0.0
    origin: str = ""
    host: str = ""
    predicted: str = ""
    trial: Trial | Missing = UNTRIED
    took_ms: float = 0.0

    @property
    def server_now(self) -> float:
        """The server's clock, by which it judges."""
        return self.now - self.ahead_s
