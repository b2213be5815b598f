"""Who a client is: JSON Web Tokens and the two keys of a project, with the server's own sentences when they are bad."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
import msgspec

from helpers.lab.realtime.settings import Secrets

__all__ = ["Identity", "KeyRing", "TokenError"]

ALGORITHMS = ("HS256", "HS384", "HS512")
_UNCHECKED = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}
_KEY_LIFETIME_S = 315_360_000  # a publishable or secret key does not expire; its stand-in token lasts ten years


class TokenError(Exception):
    """A token that is not accepted.

    Attributes:
        code: the server's name for the cause, as it precedes the reason of a refused join.
        sentence: what a refused join or a closed channel says.
        handshake: what a refused handshake says, and its HTTP `status`.
        system: what the `system` message says that closes a channel; differs from `sentence` for bad signatures.
    """

    def __init__(
        self, code: str, sentence: str, *, handshake: str | None = None, status: int = 401, system: str | None = None
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.handshake = handshake or sentence
        self.status = status
        self.system = system or sentence


@dataclass(frozen=True, slots=True)
class Identity:
    """A verified token: its claims, the database role they name, the second (Unix time) in which they expire."""

    token: str = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)
    role: str
    expires_at: float

    @property
    def claims_json(self) -> str:
        return msgspec.json.encode(self.claims).decode()


class KeyRing:
    """Verifies tokens and recognises keys."""

    def __init__(self, secrets: Secrets) -> None:
        self._secret = secrets.jwt_secret
        self._keys = {
            secrets.publishable_key: self._stand_in(secrets.publishable_key, "anon"),
            secrets.secret_key: self._stand_in(secrets.secret_key, "service_role"),
        }

    @staticmethod
    def _stand_in(key: str, role: str) -> Identity:
        """The identity that a key has: the hosted gateway puts a token of that role in its place."""
        expires_at = int(time.time()) + _KEY_LIFETIME_S
        return Identity(key, {"iss": "supabase", "role": role, "exp": expires_at}, role, expires_at)

    def identify(self, key: str) -> Identity:
        """The identity behind an API key: one of the two keys, or a token.

        Raises:
            TokenError: the key is neither.
        """
        return self._keys.get(key) or self.verify(key)

    def knows(self, key: str) -> bool:
        """Whether this is one of the two keys that are no tokens."""
        return key in self._keys

    def verify(self, token: str) -> Identity:
        """Check the signature, and that `role` is there and `exp` has not passed.

        Raises:
            TokenError: with the sentence of the genuine server.
        """
        claims = self._signed_claims(token)
        role, expires_at = claims.get("role"), claims.get("exp")
        if not isinstance(role, str) or expires_at is None:
            raise TokenError("InvalidJWTToken", "Fields `role` and `exp` are required in JWT")
        if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
            raise TokenError(
                "UnknownErrorOnChannel",
                "Unknown Error on Channel",
                handshake="Error connecting to Realtime",
                status=500,
            )
        late_s = int(time.time()) - int(expires_at)
        if late_s >= 0:
            raise TokenError(
                "InvalidJWTToken", f"Token has expired {late_s} seconds ago", handshake="Token has expired"
            )
        return Identity(token, claims, role, float(expires_at))

    def _signed_claims(self, token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(token, self._secret, algorithms=ALGORITHMS, options=_UNCHECKED)  # type: ignore[arg-type]
        except jwt.InvalidSignatureError as error:
            raise TokenError(
                "JwtSignatureError", "Failed to validate JWT signature", system=":signature_error"
            ) from error
        except (jwt.InvalidAlgorithmError, jwt.InvalidKeyError) as error:
            sentence = "Failed to generate JWT signer, check your JWT secret or JWKS configuration"
            raise TokenError("JwtSignerError", sentence) from error
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise TokenError("MalformedJWT", "The token provided is not a valid JWT") from error
        return claims
