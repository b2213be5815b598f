"""Claims as programs of one's own write them: read without a fall, and judged as the server takes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jwt.api_jws import PyJWS

from helpers.diagnosis.probes.key import probe_key
from helpers.diagnosis.probes.token import probe_token
from helpers.diagnosis.rules import key as key_rules
from helpers.diagnosis.rules import token as token_rules
from helpers.target import Target, TargetKind
from tests.diagnosis.samples import evidence

SECRET = "of a strange project, long enough"
STRANGE: list[dict[str, Any]] = [
    {"exp": 1_800_000_000_000},
    {"exp": 10**400},
    {"exp": -(10**15), "iat": 10**15},
    {"exp": float("inf")},
    {"exp": float("nan"), "iat": float("nan")},
    {"exp": 1e300, "sub": None, "iss": None, "role": None},
    {"exp": "soon", "sub": ["a"], "iss": {"a": 1}, "role": 7},
    {"exp": True, "iss": "http://[bad"},
]


def signed(claims: dict[str, Any]) -> str:
    return PyJWS().encode(json.dumps(claims).encode(), SECRET, "HS256")


@pytest.mark.parametrize("claims", STRANGE, ids=[json.dumps(each)[:40] for each in STRANGE])
async def test_strange_claims_are_judged(claims: dict[str, Any]) -> None:
    """Each rule about key and token comes to a verdict, whatever a claim holds."""
    token = signed({"role": "authenticated", **claims})
    target = Target(TargetKind.HOSTED, "https://abc.supabase.co", token, user_token=token)
    given = evidence(key=probe_key(target), token=await probe_token(target, evidence().clock, reachable=False))
    found = [rule.check(given) for rule in (*key_rules.RULES, *token_rules.RULES)]
    assert any(check.is_finding for check in found), "none of these tokens is in order"
    assert not any(token in check.evidence + check.cause + check.fix for check in found)


async def test_a_claim_that_is_null_is_not_there() -> None:
    """`sub: null` names nobody; it is not a user of the name “None”."""
    token = signed({"role": "authenticated", "exp": 1_900_000_000, "sub": None, "iss": None})
    found = await probe_token(
        Target(TargetKind.HOSTED, "https://abc.supabase.co", "sb_publishable_x", user_token=token),
        evidence().clock,
        reachable=False,
    )
    assert (getattr(found, "subject", "?"), getattr(found, "issuer", "?")) == ("", "")
