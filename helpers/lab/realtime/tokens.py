"""Who a client is: JSON Web Tokens and the two keys of a project, with the server's own sentences when they are bad."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
import msgspec

from helpers.lab import signing
from helpers.lab.changes.elixir import inspect
from helpers.lab.realtime.keyset import KEY_TYPES, Jwk, find_key, is_signed_by
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
    """Verifies tokens and recognises keys.

    Args:
        secrets: of the project.
        jwks: a JSON Web Key Set with further keys, those of an identity provider say.
    """

    def __init__(self, secrets: Secrets, jwks: Mapping[str, Any] | None = None) -> None:
        self._secret = secrets.jwt_secret
        keys = (jwks or {}).get("keys")
        self._foreign = tuple(keys) if isinstance(keys, list | tuple) else ()
        self._own_id = signing.key_id(self._secret)
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

    @property
    def jwks(self) -> dict[str, list[Jwk]]:
        """The public keys by which tokens are recognised. The shared secrets among them are not told."""
        foreign = [key for key in self._foreign if isinstance(key, Mapping) and key.get("kty") != "oct"]
        return {"keys": [signing.public_jwk(self._secret), *foreign]}

    def _signed_claims(self, token: str) -> dict[str, Any]:
        header = _peek(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if isinstance(key_id, str) and isinstance(algorithm, str) and algorithm in KEY_TYPES:
            key = self._find(algorithm, key_id)
            if key is not None:
                return _claims_signed_by(key, algorithm, token)
            if KEY_TYPES[algorithm] != "oct":
                raise _no_signer(f" for key ID (kid) {inspect(key_id)}")
        return self._claims_signed_by_secret(token)

    def _find(self, algorithm: str, key_id: str) -> Jwk | None:
        if algorithm == "ES256" and key_id == self._own_id:
            return signing.public_jwk(self._secret)
        return find_key(self._foreign, algorithm, key_id)

    def _claims_signed_by_secret(self, token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(token, self._secret, algorithms=ALGORITHMS, options=_UNCHECKED)  # type: ignore[arg-type]
        except jwt.InvalidSignatureError as error:
            raise _bad_signature() from error
        except (jwt.InvalidAlgorithmError, jwt.InvalidKeyError) as error:
            raise _no_signer() from error
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise _malformed() from error
        return claims


def _peek(token: str) -> dict[str, Any]:
    """A token's header, unchecked; empty when it is none."""
    try:
        header = _decode_part(token.partition(".")[0])
    except TokenError:
        return {}
    return header


def _claims_signed_by(key: Jwk, algorithm: str, token: str) -> dict[str, Any]:
    head, _, signature = token.rpartition(".")
    claims = _decode_part(head.partition(".")[2])
    if not is_signed_by(key, algorithm, head.encode(), _decode_base64(signature)):
        raise _bad_signature()
    return claims


def _decode_part(text: str) -> dict[str, Any]:
    """A part of a token that holds an object. Raises TokenError."""
    try:
        return msgspec.json.decode(_decode_base64(text), type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise _malformed() from error


def _decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed() from error


def _malformed() -> TokenError:
    return TokenError("MalformedJWT", "The token provided is not a valid JWT")


def _bad_signature() -> TokenError:
    return TokenError("JwtSignatureError", "Failed to validate JWT signature", system=":signature_error")


def _no_signer(whose: str = "") -> TokenError:
    sentence = f"Failed to generate JWT signer{whose}, check your JWT secret or JWKS configuration"
    return TokenError("JwtSignerError", sentence)
