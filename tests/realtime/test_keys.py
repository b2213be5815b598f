"""Tokens signed with asymmetric keys: the lab's own, and those of an identity provider's key set."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from helpers.lab import Lab
from helpers.lab.keys import mint
from helpers.lab.realtime.settings import Secrets
from helpers.lab.realtime.tokens import KeyRing, TokenError
from tests.realtime.conftest import Serve
from tests.realtime.talker import Place

SECRET = "a secret that is long enough for HS256"
SECRETS = Secrets(SECRET, "sb_publishable_x", "sb_secret_x")
UNKNOWN = 'Failed to generate JWT signer for key ID (kid) "stranger", check your JWT secret or JWKS configuration'
NO_SIGNER = "Failed to generate JWT signer, check your JWT secret or JWKS configuration"

RSA_KEY = rsa.generate_private_key(65537, 2048)
KEYS: dict[str, tuple[Any, Any]] = {
    "RS256": (RSA_KEY, RSAAlgorithm),
    "RS512": (RSA_KEY, RSAAlgorithm),
    "ES256": (ec.generate_private_key(ec.SECP256R1()), ECAlgorithm),
    "ES384": (ec.generate_private_key(ec.SECP384R1()), ECAlgorithm),
    "ES512": (ec.generate_private_key(ec.SECP521R1()), ECAlgorithm),
    "EdDSA": (ed25519.Ed25519PrivateKey.generate(), OKPAlgorithm),
    "HS256": (b"another secret, that of the provider", HMACAlgorithm),
}


def public(algorithm: str, key_id: str = "theirs") -> dict[str, Any]:
    """The JSON Web Key that a provider publishes."""
    key, kind = KEYS[algorithm]
    half = key if isinstance(key, bytes) else key.public_key()
    return {**json.loads(kind.to_jwk(half)), "kid": key_id}


def claims(**more: Any) -> dict[str, Any]:
    return {"role": "authenticated", "exp": int(time.time()) + 600, **more}


def signed(algorithm: str, key_id: str = "theirs", **more: Any) -> str:
    return jwt.encode(claims(**more), KEYS[algorithm][0], algorithm=algorithm, headers={"kid": key_id})


def told(verify: Callable[[str], object], token: str) -> tuple[str, str]:
    """Code and sentence of the refusal."""
    with pytest.raises(TokenError) as caught:
        verify(token)
    return caught.value.code, caught.value.sentence


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_key_of_the_set_signs_tokens(algorithm: str) -> None:
    """Its tokens are good, those of a stranger under its name are not."""
    ring = KeyRing(SECRETS, {"keys": [public(algorithm)]})
    assert ring.verify(signed(algorithm, sub="me")).claims["sub"] == "me"
    head, _, signature = signed(algorithm).rpartition(".")
    forged = f"{head}.{signature[:-8]}{'A' * 8}"
    assert told(ring.verify, forged) == ("JwtSignatureError", "Failed to validate JWT signature")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_an_unknown_key_is_named(algorithm: str) -> None:
    """By its `kid`; without one the sentence is the general one."""
    ring = KeyRing(SECRETS, {"keys": [public(algorithm)]})
    assert told(ring.verify, signed(algorithm, "stranger")) == ("JwtSignerError", UNKNOWN)
    nameless = jwt.encode(claims(), KEYS[algorithm][0], algorithm=algorithm)
    assert told(ring.verify, nameless) == ("JwtSignerError", NO_SIGNER)


def test_a_shared_secret_needs_no_key_in_the_set() -> None:
    """Most tokens of Supabase Auth carry the name of a secret that no set tells."""
    named = jwt.encode(claims(), SECRET, algorithm="HS256", headers={"kid": "stranger"})
    assert KeyRing(SECRETS, {"keys": [public("ES256")]}).verify(named).role == "authenticated"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_public_key_is_no_secret(algorithm: str) -> None:
    """Whoever takes the published key for a shared secret gets nowhere."""
    jwk = public(algorithm)
    ring = KeyRing(SECRETS, {"keys": [jwk]})
    for secret in (json.dumps(jwk), jwk.get("n") or jwk["x"], ""):
        head = jwt.encode(claims(), SECRET, algorithm="HS256", headers={"kid": "theirs"}).rpartition(".")[0]
        signature = HMACAlgorithm(HMACAlgorithm.SHA256).sign(head.encode(), secret.encode())
        forged = f"{head}.{jwt.utils.base64url_encode(signature).decode()}"
        assert told(ring.verify, forged)[0] == "JwtSignatureError"


@pytest.mark.parametrize(
    "damage",
    [{"x": 5}, {"x": "é"}, {"x": "AAAA"}, {"crv": "P-384"}, {"y": None}, {"crv": "P-256K"}],
)
def test_a_broken_key_signs_nothing(damage: dict[str, Any]) -> None:
    """A key set that is no good is no fault of the server's."""
    ring = KeyRing(SECRETS, {"keys": [None, 5, {}, {**public("ES256"), **damage}]})
    assert told(ring.verify, signed("ES256"))[0] == "JwtSignatureError"
    assert ring.verify(mint(SECRET, "anon", algorithm="ES256")).role == "anon"


def test_an_empty_secret_signs_nothing() -> None:
    """An `oct` key of no bytes would let everybody in."""
    ring = KeyRing(SECRETS, {"keys": [{"kty": "oct", "kid": "theirs", "k": ""}]})
    token = jwt.encode(claims(), SECRET, algorithm="HS256", headers={"kid": "theirs"}).rpartition(".")[0]
    signature = HMACAlgorithm(HMACAlgorithm.SHA256).sign(token.encode(), b"")
    assert told(ring.verify, f"{token}.{jwt.utils.base64url_encode(signature).decode()}")[0] == "JwtSignatureError"


def test_claims_that_are_no_object_are_malformed() -> None:
    """Also when the signature is good."""
    ring = KeyRing(SECRETS, {"keys": [public("ES256")]})
    token = jwt.api_jws.encode(b"[1]", KEYS["ES256"][0], algorithm="ES256", headers={"kid": "theirs"})
    assert told(ring.verify, token) == ("MalformedJWT", "The token provided is not a valid JWT")


async def test_the_labs_own_key_opens_everything(place: Place) -> None:
    """A socket, a join and a refresh."""
    talker = await place.talker(place.lab.token(algorithm="ES256"))
    assert (await talker.join("a", token=place.lab.token(algorithm="ES256")))["status"] == "ok"
    await talker.say("realtime:a", "access_token", {"access_token": place.lab.token(algorithm="ES256")})
    await talker.hear_nothing()


async def test_an_unknown_key_is_refused_everywhere(serve: Serve) -> None:
    """At the handshake, at the join, and when a channel is to go on with it."""
    place = await serve(jwks={"keys": [public("RS256")]})
    with pytest.raises(InvalidStatus) as caught:
        await connect(place.url(signed("RS256", "stranger")), proxy=None)
    body = caught.value.response.body
    assert body is not None
    assert (caught.value.response.status_code, json.loads(body)) == (401, {"error": UNKNOWN})
    talker = await place.talker(signed("RS256"))
    reply = await talker.join("a", token=signed("RS256", "stranger"))
    assert reply == {"status": "error", "response": {"reason": f"JwtSignerError: {UNKNOWN}"}}
    await talker.join("a")
    await talker.say("realtime:a", "access_token", {"access_token": signed("RS256", "stranger")})
    assert (await talker.hear_event("system")).payload["message"] == UNKNOWN
    await talker.hear_event("phx_close")


async def test_the_lab_publishes_its_key(lab: Lab) -> None:
    """Under Auth's address, without an API key, so that libraries check the lab's tokens."""
    url = f"{lab.info['api_url']}/auth/v1/.well-known/jwks.json"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        keys = await response.json()
    token = lab.token(algorithm="ES256", sub="11111111-1111-4111-8111-111111111111")
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    opened = jwt.decode(token, key, algorithms=["ES256"], audience="authenticated")
    assert opened["sub"] == "11111111-1111-4111-8111-111111111111"
    assert "d" not in keys["keys"][0]


def test_secrets_of_the_set_are_not_published() -> None:
    """A symmetric key in it stays inside."""
    assert [key["kty"] for key in KeyRing(SECRETS, {"keys": [public("HS256"), public("RS256")]}).jwks["keys"]] == [
        "EC",
        "RSA",
    ]


def test_a_lab_starts_without_cryptography() -> None:
    """It is imported when the first such token comes, and works then."""
    program = f"""
import sys
from helpers.lab.process import _import_front
_import_front()
assert not any(name.startswith("cryptography") for name in sys.modules), "imported at the start"
from helpers.lab.keys import mint
from helpers.lab.realtime.settings import Secrets
from helpers.lab.realtime.tokens import KeyRing
token = mint({SECRET!r}, "anon", algorithm="ES256")
print(KeyRing(Secrets({SECRET!r}, "a", "b")).verify(token).role)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("anon\n", "")
