"""What Realtime will answer to a token, by the order in which it looks at one; no I/O, and no signature is checked.

The order is that of the server: the header chooses a key, the key checks the signature, then `role` and `exp` have to
be there, then `exp` has to be ahead
(`lib/realtime_web/channels/auth/jwt_verification.ex`, `channels_authorization.ex`).
It does not look at `nbf`, `iat`, `iss` or `aud`.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Any

__all__ = ["PUBLIC", "SHARED", "agrees", "predict"]

#: Signed with the project's shared secret.
SHARED = ("HS256", "HS384", "HS512")
#: Signed with a private key, whose public half the server looks up by the name `kid`.
PUBLIC = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
#: What follows the name of the code, and numbers, differ between places and moments.
VARYING = re.compile(r"^\w+: |\d+")


def predict(
    header: Mapping[str, Any], claims: Mapping[str, Any], server_now: float, key_ids: Container[str] | None
) -> str:
    """The reason with which a join with this token will be refused; empty when nothing speaks against it.

    Args:
        header, claims: of the token; both empty when it is none.
        server_now: the server's clock, in seconds since the epoch.
        key_ids: the names of the project's public keys; None when they are not known.
    """
    if not header:
        return "MalformedJWT: The token provided is not a valid JWT"
    return _signing(header, key_ids) or _claims(claims, server_now)


def _signing(header: Mapping[str, Any], key_ids: Container[str] | None) -> str:
    algorithm, key_id = header.get("alg"), header.get("kid")
    advice = "check your JWT secret or JWKS configuration"
    if algorithm in SHARED:
        return ""
    if algorithm not in PUBLIC or not isinstance(key_id, str):
        return f"JwtSignerError: Failed to generate JWT signer, {advice}"
    if key_ids is None or key_id in key_ids:
        return ""
    return f'JwtSignerError: Failed to generate JWT signer for key ID (kid) "{key_id}", {advice}'


def _claims(claims: Mapping[str, Any], server_now: float) -> str:
    expires_at = claims.get("exp")
    if not isinstance(claims.get("role"), str) or expires_at is None:
        return "InvalidJWTToken: Fields `role` and `exp` are required in JWT"
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
        return "UnknownErrorOnChannel: Unknown Error on Channel"
    late_s = int(server_now) - int(expires_at)
    return f"InvalidJWTToken: Token has expired {late_s} seconds ago" if late_s >= 0 else ""


def agrees(predicted: str, answered: str) -> bool:
    """Whether two reasons are the same but for the code before them and the numbers in them."""
    return VARYING.sub("", predicted) == VARYING.sub("", answered)
