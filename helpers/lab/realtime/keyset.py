"""JSON Web Key Sets: which key signed a token, and whether it did (RFC 7515, 7517, 7518, 8037).

Only here are signatures checked that are not those of the shared secret. `cryptography` is imported at first use: most
labs never see such a token, and it takes longer to import than the rest of the server.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["KEY_TYPES", "Jwk", "find_key", "is_signed_by"]

Jwk = Mapping[str, Any]

#: The key type that an algorithm asks for.
KEY_TYPES = {f"{family}{bits}": kind for family, kind in (("RS", "RSA"), ("ES", "EC")) for bits in (256, 384, 512)}
KEY_TYPES |= dict.fromkeys(("Ed25519", "EdDSA"), "OKP")
KEY_TYPES |= {f"HS{bits}": "oct" for bits in (256, 384, 512)}

_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def find_key(keys: Sequence[Any], algorithm: str, key_id: str) -> Jwk | None:
    """The key of that name, if it is of the algorithm's type."""
    for key in keys:
        if isinstance(key, Mapping) and key.get("kid") == key_id and key.get("kty") == KEY_TYPES[algorithm]:
            return key
    return None


def is_signed_by(key: Jwk, algorithm: str, data: bytes, signature: bytes) -> bool:
    """Whether the key's owner signed `data`; False too for a key that is none."""
    verify = {"RSA": _verify_rsa, "EC": _verify_ec, "OKP": _verify_ed, "oct": _verify_hmac}[KEY_TYPES[algorithm]]
    try:
        return verify(key, algorithm, data, signature)
    except (KeyError, TypeError, ValueError):  # of the key: a part is missing, no text, no base64, not on its curve
        return False


def _verify_rsa(key: Jwk, algorithm: str, data: bytes, signature: bytes) -> bool:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    public = RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
    return _passes(lambda: public.verify(signature, data, PKCS1v15(), _hash(algorithm)))


def _verify_ec(key: Jwk, algorithm: str, data: bytes, signature: bytes) -> bool:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    if key["crv"] != _CURVES[algorithm]:
        return False
    curve: ec.EllipticCurve = {"256": ec.SECP256R1(), "384": ec.SECP384R1(), "512": ec.SECP521R1()}[algorithm[2:]]
    size = (curve.key_size + 7) // 8
    if len(signature) != 2 * size:
        return False
    public = ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), curve).public_key()
    numbers = (int.from_bytes(part, "big") for part in (signature[:size], signature[size:]))
    return _passes(lambda: public.verify(encode_dss_signature(*numbers), data, ec.ECDSA(_hash(algorithm))))


def _verify_ed(key: Jwk, _algorithm: str, data: bytes, signature: bytes) -> bool:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if key["crv"] != "Ed25519":
        return False
    public = Ed25519PublicKey.from_public_bytes(_bytes(key["x"]))
    return _passes(lambda: public.verify(signature, data))


def _verify_hmac(key: Jwk, algorithm: str, data: bytes, signature: bytes) -> bool:
    secret = _bytes(key["k"])
    if not secret:
        return False  # anybody could sign with it
    made = hmac.digest(secret, data, getattr(hashlib, f"sha{algorithm[2:]}"))
    return hmac.compare_digest(made, signature)


def _passes(verify: Callable[[], None]) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        verify()
    except InvalidSignature:
        return False
    return True


def _hash(algorithm: str) -> Any:
    from cryptography.hazmat.primitives import hashes

    return {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[2:]]


def _number(text: str) -> int:
    return int.from_bytes(_bytes(text), "big")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
