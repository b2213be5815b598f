"""Reads a user's access token on this machine, and joins a channel of the target with it, as a client would."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import Any

import aiohttp

from helpers.diagnosis.evidence import Clock, Missing, TokenKind, Trial, UserToken
from helpers.diagnosis.prediction import predict
from helpers.diagnosis.probes.connection import WayIn
from helpers.diagnosis.probes.dialogue import Dialogue, is_reply
from helpers.diagnosis.probes.key import decoded, seconds, text_of
from helpers.diagnosis.probes.run import JOIN_LIMIT_S, reason_of
from helpers.diagnosis.probes.stopwatch import Refused, StepFailed, Stopwatch
from helpers.target import Target
from helpers.wire.join import TOPIC_PREFIX, JoinConfig

__all__ = ["probe_token"]

KEYS_LIMIT_S = 3.0
NOT_GIVEN = Missing("no user's token is given: set WORKBOOK_USER_TOKEN to session.access_token of one of your users")


async def probe_token(target: Target, clock: Clock | Missing, *, reachable: bool = True) -> UserToken | Missing:
    """What the token says, what Realtime will say to it, and what it says.

    A text that is no token is not sent anywhere: it may be another secret that was put in the wrong place.
    """
    if not target.user_token:
        return NOT_GIVEN
    started = time.monotonic()
    token, header, claims = read_token(target)
    if reachable and header.get("kid"):
        token = replace(token, key_ids=await _key_ids(target))
    if not isinstance(clock, Missing) and abs(clock.ahead_s) > clock.uncertainty_s:
        token = replace(token, ahead_s=clock.ahead_s)
    ids = None if isinstance(token.key_ids, Missing) or not header.get("kid") else token.key_ids
    token = replace(token, predicted=predict(header, claims, token.server_now, ids))
    if token.kind is not TokenKind.JWT:
        trial: Trial | Missing = Missing("what is not a token is not sent")
    else:
        trial = await _trial(target, target.user_token) if reachable else Missing("Realtime was not reached")
    return replace(token, trial=trial, took_ms=(time.monotonic() - started) * 1000)


def read_token(target: Target) -> tuple[UserToken, dict[str, Any], dict[str, Any]]:
    """The token as evidence, with its header and claims; these are empty when it is none."""
    text = target.user_token or ""
    header, claims = decoded(text)
    token = UserToken(
        kind=_kind(text, bool(header)),
        algorithm=text_of(header, "alg"),
        key_id=text_of(header, "kid"),
        role=claims["role"] if isinstance(claims.get("role"), str) else "",
        subject=text_of(claims, "sub"),
        issuer=text_of(claims, "iss"),
        expires_at=seconds(claims.get("exp")),
        issued_at=seconds(claims.get("iat")),
        not_before=seconds(claims.get("nbf")),
        claims=tuple(sorted(claims)),
        now=time.time(),
        origin=target.api_url,
        host=target.host,
    )
    return token, header, claims


def _kind(text: str, is_token: bool) -> TokenKind:
    if is_token:
        return TokenKind.JWT
    inner = text.strip().removeprefix("Bearer ").strip("\"' ")
    if inner != text and decoded(inner)[0]:
        return TokenKind.WRAPPED
    return TokenKind.KEY if inner.startswith("sb_") else TokenKind.OTHER


async def _key_ids(target: Target) -> tuple[str, ...] | Missing:
    """The names of the project's public keys, which Auth shows to everybody."""
    timeout = aiohttp.ClientTimeout(total=KEYS_LIMIT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers={"apikey": target.publishable_key}) as session,
            session.get(f"{target.auth_url}/.well-known/jwks.json", allow_redirects=False) as response,
        ):
            keys = (await response.json(content_type=None))["keys"]
            return tuple(str(each["kid"]) for each in keys if "kid" in each)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, LookupError, TypeError):
        return Missing("Auth did not show the project's public keys")


async def _trial(target: Target, token: str) -> Trial:
    """Join a public channel that nobody else is on; nothing is asked for and nothing is sent on it."""
    way, watch = WayIn(target), Stopwatch("DNS", "TCP", "TLS", "HTTP upgrade", "join")
    started = time.monotonic()
    reason, joined = "the connection was not opened", None
    try:
        await way.open(watch)
        if way.websocket is not None:
            joined, reason = await _join(Dialogue(way.websocket), watch, token)
    finally:
        await way.close()
    return Trial(joined, reason, (time.monotonic() - started) * 1000)


async def _join(dialogue: Dialogue, watch: Stopwatch, token: str) -> tuple[bool | None, str]:
    topic = f"{TOPIC_PREFIX}diagnosis:{secrets.token_hex(6)}"
    try:
        async with watch.step("join", JOIN_LIMIT_S):
            ref = await dialogue.send(topic, "phx_join", JoinConfig().payload(token))
            reply = await dialogue.frame(is_reply(ref))
            if reply.payload.get("status") != "ok":
                raise Refused(reason_of(reply))
    except StepFailed as failed:
        refused = isinstance(failed.__cause__, Refused)
        step = next(step for step in watch.finished() if step.name == "join")
        return (False if refused else None), step.detail
    return True, ""
