"""The lab's asymmetric key (ES256), as Supabase's projects have one besides the shared secret.

It is derived from the JWT secret: so a lab and whoever mints tokens for it agree on it without a word, it is made only
when somebody wants it, and it lasts as long as the lab's other keys. Who knows the secret can sign for the lab anyway.
`cryptography` is imported at first use, as that takes longer than all else here.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import uuid
from typing import Any

__all__ = ["encode", "key_id", "public_jwk", "sign"]

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (NIST SP 800-186, 3.2.1.3)
_PURPOSE = b"supabase realtime workbook: ES256 signing key\n"
_SIZE = 32


def key_id(secret: str) -> str:
    """The `kid` that the key's tokens carry."""
    return str(uuid.UUID(bytes=hashlib.sha256(_PURPOSE + b"kid\n" + secret.encode()).digest()[:16], version=4))


def public_jwk(secret: str) -> dict[str, Any]:
    """The public key as a JSON Web Key (RFC 7517)."""
    numbers = _private_key(secret).public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
        "use": "sig",
        "key_ops": ["verify"],
        "kid": key_id(secret),
        "x": encode(numbers.x.to_bytes(_SIZE, "big")),
        "y": encode(numbers.y.to_bytes(_SIZE, "big")),
    }


def sign(secret: str, data: bytes) -> bytes:
    """A signature in the form of JSON Web Signatures: the two numbers one after the other (RFC 7518, 3.4)."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    r, s = decode_dss_signature(_private_key(secret).sign(data, ECDSA(SHA256())))
    return r.to_bytes(_SIZE, "big") + s.to_bytes(_SIZE, "big")


def encode(data: bytes) -> str:
    """Base64 for URLs, without padding (RFC 7515, appendix C)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@functools.cache
def _private_key(secret: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key

    digest = hashlib.shake_256(_PURPOSE + b"private key\n" + secret.encode()).digest(2 * _SIZE)
    return derive_private_key(1 + int.from_bytes(digest, "big") % (_ORDER - 1), SECP256R1())
