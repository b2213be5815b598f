"""The token of a channel: at the join, refreshed, bad, expired."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from helpers.lab.realtime.settings import Secrets
from helpers.lab.realtime.tokens import KeyRing, TokenError
from tests.realtime.talker import Place, Talker

SECRET = "a secret that is long enough for HS256"
NOT_A_TOKEN = "The token provided is not a valid JWT"


async def joined(place: Place, token: str | None = None) -> Talker:
    talker = await place.talker()
    assert (await talker.join("a", token=token))["status"] == "ok"
    return talker


async def give(talker: Talker, payload: Any) -> None:
    await talker.say("realtime:a", "access_token", payload)


def minted(place: Place, **claims: Any) -> str:
    return jwt.encode(claims, place.lab.info["jwt_secret"], algorithm="HS256")


async def closed_by(talker: Talker, message: str) -> None:
    """Assert that the channel, and only the channel, is closed with that message."""
    system = await talker.hear_event("system")
    assert system.payload == {"message": message, "status": "error", "extension": "system", "channel": "a"}
    closed = await talker.hear_event("phx_close")
    assert (closed.ref, closed.join_ref) == ("1", "1")
    await talker.hear_nothing()


async def test_some_tokens_are_passed_over(place: Place) -> None:
    """No token, a key, the same token again, and what is no text change nothing."""
    token = place.lab.token()
    talker = await joined(place, token)
    for payload in ({}, {"access_token": None}, {"access_token": 5}, {"access_token": "sb_publishable_x"}, []):
        await give(talker, payload)
    await give(talker, {"access_token": token})
    await talker.hear_nothing()


async def test_a_good_token_is_not_answered(place: Place) -> None:
    """There is no reply to `access_token`."""
    talker = await joined(place)
    await give(talker, {"access_token": place.lab.token()})
    await talker.hear_nothing()


@pytest.mark.parametrize("token", ["abc", "a.b.c", ""])
async def test_a_malformed_token_closes_the_channel(place: Place, token: str) -> None:
    """The socket stays."""
    talker = await joined(place)
    await give(talker, {"access_token": token})
    await closed_by(talker, NOT_A_TOKEN)


async def test_bad_tokens_close_the_channel_with_their_cause(place: Place) -> None:
    """Each fault has its own message."""
    now = int(time.time())
    foreign = jwt.encode({"role": "anon", "exp": now + 60}, SECRET, algorithm="HS256")
    causes = {
        minted(place, exp=now + 60): "Fields `role` and `exp` are required in JWT",
        minted(place, role="anon"): "Fields `role` and `exp` are required in JWT",
        foreign: ":signature_error",
    }
    for token, message in causes.items():
        talker = await joined(place)
        await give(talker, {"access_token": token})
        await closed_by(talker, message)


async def test_an_expired_token_closes_the_channel(place: Place) -> None:
    """The message tells how long ago it expired."""
    talker = await joined(place)
    await give(talker, {"access_token": minted(place, role="anon", exp=int(time.time()) - 30)})
    system = await talker.hear_event("system")
    assert system.payload["message"] in [f"Token has expired {age} seconds ago" for age in (30, 31)]


async def test_a_channel_ends_with_its_token(place: Place) -> None:
    """It is closed in the second in which the token expires."""
    expires_at = int(time.time()) + 2
    talker = await joined(place, minted(place, role="anon", exp=expires_at))
    await closed_by(talker, "Token has expired 0 seconds ago")
    assert 0 <= time.time() - expires_at < 1


async def test_a_refresh_prolongs_the_channel(place: Place) -> None:
    """With a new token in time, the old one's end does not matter."""
    expires_at = int(time.time()) + 2
    talker = await joined(place, minted(place, role="anon", exp=expires_at))
    await give(talker, {"access_token": place.lab.token()})
    with pytest.raises(TimeoutError):
        await talker.hear(expires_at + 0.5 - time.time())


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"role": "anon", "exp": 1}, "InvalidJWTToken: Token has expired"),
        ({"exp": 4_000_000_000}, "InvalidJWTToken: Fields `role` and `exp` are required in JWT"),
    ],
)
async def test_a_join_with_a_bad_token_is_refused(place: Place, claims: dict[str, Any], reason: str) -> None:
    """The reason names the cause."""
    reply = await (await place.talker()).join("a", token=minted(place, **claims))
    assert reply["status"] == "error"
    assert reply["response"]["reason"].startswith(reason)


async def test_a_join_without_a_token_uses_that_of_the_socket(place: Place) -> None:
    """Also when it has expired since."""
    talker = await place.talker(minted(place, role="anon", exp=int(time.time()) + 1))
    assert (await talker.join("a", token="sb_publishable_whatever"))["status"] == "ok"
    await talker.hear_event("system")
    await talker.hear_event("phx_close")
    reason = (await talker.join("a"))["response"]["reason"]
    assert reason.startswith("InvalidJWTToken: Token has expired")


def ring() -> KeyRing:
    return KeyRing(Secrets(SECRET, "sb_publishable_x", "sb_secret_x"))


def test_the_two_keys_stand_for_roles() -> None:
    """The publishable key is anon, the secret key service_role."""
    assert ring().identify("sb_publishable_x").role == "anon"
    assert ring().identify("sb_secret_x").role == "service_role"


@pytest.mark.parametrize(
    "header",
    [
        '{"alg":"HS256"}',
        '{"alg":"none"}',
        '{"alg":"RS256"}',
        '{"alg":5}',
        "{}",
        "[]",
        "null",
        '{"alg":"HS256","b64":0}',
    ],
)
def test_whatever_the_header_says_only_a_signed_token_passes(header: str) -> None:
    """No header makes an unsigned token good."""
    from base64 import urlsafe_b64encode

    parts = [urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in (header, '{"role":"service_role"}')]
    with pytest.raises(TokenError):
        ring().verify(".".join([*parts, "AAAA"]))


def test_secrets_do_not_show() -> None:
    """Neither repr nor str tells a secret."""
    secrets = Secrets(SECRET, "sb_publishable_x", "sb_secret_hidden")
    for shown in (repr(secrets), str(secrets)):
        assert SECRET not in shown
        assert "hidden" not in shown
