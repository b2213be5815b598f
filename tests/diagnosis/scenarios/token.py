"""Scenarios of keys and tokens: what is given in their place, and what is wrong in them."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import jwt

from helpers.diagnosis.evidence import Evidence
from helpers.diagnosis.probes import addresses, connection
from helpers.diagnosis.results import Check, Status
from helpers.lab.keys import mint
from tests.diagnosis.scenarios.relay import refusing_joins, relay
from tests.diagnosis.scenarios.scenario import Scenario
from tests.diagnosis.scenarios.tools import Talker, as_advised, careless, hears, look_at_token, look_at_way_in
from tests.diagnosis.scenarios.tools import with_token as given
from tests.diagnosis.scenarios.ward import Ward

__all__ = ["SCENARIOS"]


def renewed(words: str) -> Callable[[Ward, Check], Awaitable[None]]:
    """The user signs in again, as the fix says in these words."""

    async def mends(ward: Ward, check: Check) -> None:
        assert words in check.fix, check.fix
        ward.target = replace(ward.target, user_token=ward.lab.token())

    return mends


def keyed(make: Callable[[Ward], str]) -> Callable[[Ward], Awaitable[None]]:
    """The client's key is this one."""

    async def breaks(ward: Ward) -> None:
        ward.target = replace(ward.target, publishable_key=make(ward))

    return breaks


async def copied_key(ward: Ward, check: Check) -> None:
    """The project's own key."""
    assert "SUPABASE_PUBLISHABLE_KEY" in check.fix, check.fix
    ward.target = replace(ward.target, publishable_key=ward.lab.info["publishable_key"])


def with_header(token: str, **header: Any) -> str:
    """The same token under another header, whose signature no longer fits."""
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return ".".join((head, *token.split(".")[1:]))


def without(ward: Ward, claim: str) -> str:
    """A token that lacks a claim, signed by the project."""
    whole = jwt.decode(ward.lab.token(), options={"verify_signature": False})
    return jwt.encode({name: value for name, value in whole.items() if name != claim}, ward.lab.info["jwt_secret"])


async def of_another_host(ward: Ward) -> None:
    """The lab by the name of a hosted project, as in a file of hosts; the key is of another one."""
    lab = ward.target
    resolve = addresses.resolve

    async def found(target: Any) -> Any:
        return await resolve(lab)

    for module in (addresses, connection):
        ward.cleanup.callback(setattr, module, "resolve", resolve)
        module.resolve = found  # type: ignore[attr-defined]
    url = lab.api_url.replace("127.0.0.1", "abcdefghij.supabase.co")
    key = ward.lab.token("anon", lifetime_s=9e8, ref="klmnopqrst")
    ward.target = replace(lab, api_url=url, publishable_key=key, database_url=None)


async def both_of_one_project(ward: Ward, check: Check) -> None:
    assert "Use both of one project" in check.fix
    key = ward.lab.token("anon", lifetime_s=9e8, ref="abcdefghij")
    ward.target = replace(ward.target, publishable_key=key)


async def database_of_another(ward: Ward) -> None:
    """The application still writes to a hosted project, and listens to the stack of this machine."""
    url = "postgresql://postgres.klmnopqrst:secret@aws-0-eu-central-1.pooler.supabase.com:6543/postgres"
    ward.target = replace(ward.target, database_url=url)


async def database_of_its_own(ward: Ward, check: Check) -> None:
    assert "DATABASE_URL as `supabase status` prints it" in check.fix
    ward.target = replace(ward.target, database_url=ward.lab.info["database_url"])


async def replaced_on_the_way(ward: Ward) -> None:
    """A server with a reason that no table has."""
    between, ward.target = await ward.cleanup.enter_async_context(relay(ward.target))
    between.change = refusing_joins("Tokens of Tuesdays are not taken")
    ward.tools["relay"] = between
    ward.target = replace(ward.target, user_token=ward.lab.token())


async def taken_again(ward: Ward, check: Check) -> None:
    ward.tools["relay"].change = None


async def fast_clock(ward: Ward) -> None:
    between, ward.target = await ward.cleanup.enter_async_context(relay(ward.target, clock_ahead_s=-600))
    ward.tools["relay"] = between


async def set_clock(ward: Ward, check: Check) -> None:
    assert "timedatectl set-ntp true" in check.fix
    ward.tools["relay"].clock_ahead_s = 0


async def look_at_clock(ward: Ward) -> Evidence:
    return await ward.look(clock=True)


async def keeps_a_channel_open(ward: Ward, client: Talker) -> None:
    """A channel whose token ends; who cares gives a new one before."""
    exp = int(time.time()) + 1
    topic = await client.join({}, ward.lab.token(exp=exp))
    if not ward.careless:
        payload = {"access_token": ward.lab.token()}
        await client.dialogue.send(topic, "access_token", payload, client.joined[topic])
    await client.wait(1.4)  # the server looks once the whole second that was left at the join has gone by


async def joins_without_role(ward: Ward, client: Talker) -> None:
    await client.join({}, without(ward, "role") if ward.careless else ward.lab.token())


async def joins_with_no_token(ward: Ward, client: Talker) -> None:
    await client.join({}, "my-session-cookie" if ward.careless else ward.lab.token())


async def joins_with_an_unknown_key(ward: Ward, client: Talker) -> None:
    foreign = with_header(ward.lab.token(), alg="ES256", typ="JWT", kid="rotated")
    await client.join({}, foreign if ward.careless else ward.lab.token(algorithm="ES256"))


ELSEWHERE = {"iss": "https://other.supabase.co/auth/v1"}
ROTATED = {"alg": "RS256", "kid": "rotated"}
SCENARIOS = (
    Scenario(
        "token_readable", "garbage", given(lambda ward: "ghp_notatoken\n{}"), look_at_token, renewed("access_token")
    ),
    Scenario(
        "token_readable", "a key", given(lambda ward: ward.lab.info["secret_key"]), look_at_token, renewed("session")
    ),
    Scenario(
        "token_readable",
        "Bearer",
        given(lambda ward: f'"Bearer {ward.lab.token()}"'),
        look_at_token,
        renewed("session"),
    ),
    Scenario(
        "token_signing",
        "no algorithm",
        given(lambda ward: with_header(ward.lab.token(), alg="none")),
        look_at_token,
        renewed('"HS256"'),
    ),
    Scenario(
        "token_signing",
        "an unknown key",
        given(lambda ward: with_header(ward.lab.token(), **ROTATED)),
        look_at_token,
        renewed("Sign in again"),
    ),
    Scenario(
        "token_role", "no role", given(lambda ward: without(ward, "role")), look_at_token, renewed("authenticated")
    ),
    Scenario(
        "token_role", "the server's", given(lambda ward: ward.lab.token("service_role")), look_at_token, renewed("")
    ),
    Scenario(
        "token_role",
        "anon",
        given(lambda ward: ward.lab.token("anon")),
        look_at_token,
        renewed("getSession"),
        Status.NOTE,
    ),
    Scenario(
        "token_role",
        "a role of one's own",
        given(lambda ward: ward.lab.token("manager")),
        look_at_token,
        renewed('"role": "authenticated"'),
        Status.WARNING,
    ),
    Scenario(
        "token_life", "expired", given(lambda ward: ward.lab.token(lifetime_s=-90)), look_at_token, renewed("setAuth")
    ),
    Scenario(
        "token_life",
        "no end",
        given(lambda ward: without(ward, "exp")),
        look_at_token,
        renewed('"exp"'),
    ),
    Scenario(
        "token_life", "a text as end", given(lambda ward: ward.lab.token(exp="soon")), look_at_token, renewed('"exp"')
    ),
    Scenario(
        "token_life",
        "ends soon",
        given(lambda ward: ward.lab.token(lifetime_s=60)),
        look_at_token,
        renewed("setAuth"),
        Status.WARNING,
    ),
    Scenario(
        "token_begun",
        "begins later",
        given(lambda ward: ward.lab.token(nbf=int(time.time()) + 300)),
        look_at_token,
        renewed("timedatectl"),
        Status.WARNING,
    ),
    Scenario(
        "token_issuer",
        "another project's user",
        given(lambda ward: mint("x" * 40, "authenticated", **ELSEWHERE)),
        look_at_token,
        renewed("Sign in on"),
    ),
    Scenario(
        "token_issuer",
        "a foreign provider",
        given(lambda ward: ward.lab.token(iss="https://some.clerk.accounts.dev")),
        look_at_token,
        renewed("Third-Party"),
        Status.NOTE,
    ),
    Scenario(
        "token_subject", "no uuid", given(lambda ward: ward.lab.token(sub="user_2a")), look_at_token, renewed("sub")
    ),
    Scenario(
        "token_subject",
        "nobody",
        given(lambda ward: without(ward, "sub")),
        look_at_token,
        renewed('"sub"'),
        Status.WARNING,
    ),
    Scenario("token_answer", "an unknown reason", replaced_on_the_way, look_at_token, taken_again),
    Scenario(
        "token_signature",
        "a user of another secret",
        given(lambda ward: mint("x" * 40, "authenticated")),
        look_at_token,
        renewed("Sign in again"),
    ),
    Scenario(
        "token_signature",
        "a key of another secret",
        keyed(lambda ward: mint("x" * 40, "anon", lifetime_s=9e8)),
        look_at_way_in,
        copied_key,
    ),
    Scenario("token_expired", "while it is in use", careless, hears(keeps_a_channel_open), as_advised("setAuth")),
    Scenario("token_claims", "a client's own", careless, hears(joins_without_role), as_advised('"role": "auth')),
    Scenario("token_malformed", "a cookie", careless, hears(joins_with_no_token), as_advised("access_token")),
    Scenario("jwks_unknown", "a rotated key", careless, hears(joins_with_an_unknown_key), as_advised("jwks.json")),
    Scenario(
        "key_life",
        "an expired key",
        keyed(lambda ward: ward.lab.token("anon", lifetime_s=-60)),
        look_at_way_in,
        copied_key,
    ),
    Scenario(
        "key_role",
        "the server's key",
        keyed(lambda ward: ward.lab.info["service_role_key"]),
        look_at_way_in,
        copied_key,
    ),
    Scenario("key_role", "half a key", keyed(lambda ward: "eyJhbGciOi"), look_at_way_in, copied_key),
    Scenario("key_project", "a key of another project", of_another_host, look_at_way_in, both_of_one_project),
    Scenario("database_project", "left behind", database_of_another, look_at_way_in, database_of_its_own),
    Scenario("clocks_agree", "a clock ten minutes fast", fast_clock, look_at_clock, set_clock),
)
