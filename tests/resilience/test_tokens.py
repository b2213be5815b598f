"""Tokens of users: replaced before they expire, and when the server says that they have."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import time
from dataclasses import replace

import pytest

from helpers.errors import ConnectionFailed, InputError, JoinFailed
from helpers.resilience import Happened, Origin, ResilientClient, State, tokens
from helpers.resilience import subscription as subscription_module
from helpers.resilience.tokens import Tokens, expires_at
from tests.resilience.conftest import Logged
from tests.resilience.test_subscription import QUICK, collected


def unsigned(**claims: object) -> str:
    """A token that nobody could verify."""
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{body}.c2ln"


class Issuer:
    """Gives tokens that live for so long after `now`, and knows how many it gave."""

    def __init__(self, lives_s: float) -> None:
        self.lives_s, self.now, self.given = lives_s, 1_000.0, 0

    async def __call__(self) -> str:
        self.given += 1
        return unsigned(exp=self.now + self.lives_s, n=self.given)

    def tokens(self) -> Tokens:
        return Tokens(self, margin_s=60.0, wall=lambda: self.now)


@pytest.mark.parametrize(
    ("token", "at"),
    [
        (unsigned(exp=1234), 1234.0),
        (unsigned(exp=1234.5), 1234.5),
        (unsigned(sub="somebody"), math.inf),
        (unsigned(exp="soon"), math.inf),
        ("sb_publishable_key", math.inf),
        ("a.b.c", math.inf),
        ("a.ä.c", math.inf),
        ("", math.inf),
    ],
)
def test_when_a_token_expires(token: str, at: float) -> None:
    """What cannot be read does not expire: the server will say so."""
    assert expires_at(token) == at


@pytest.mark.parametrize(("lives_s", "replaced_after_s"), [(3600, 3540), (100, 50), (10, 5)])
async def test_a_token_is_replaced_before_its_end(lives_s: float, replaced_after_s: float) -> None:
    """By the margin, or by half of its life if that is shorter."""
    issuer = Issuer(lives_s)
    kept = issuer.tokens()
    first = await kept.current()
    issuer.now += replaced_after_s - 1
    assert (await kept.current(), kept.is_due) == (first, False)
    issuer.now += 1
    assert kept.is_due
    assert await kept.current() != first
    assert issuer.given == 2


async def test_a_token_that_never_changes() -> None:
    """Nor does the key's own role, and neither can be refreshed."""
    for given in ("one", None):
        kept = Tokens(given)
        kept.refuse()
        assert (await kept.current(), kept.is_due, kept.can_refresh) == (given, False, False)


async def test_a_refused_token_is_replaced_once() -> None:
    """However many channels tell of the same refusal."""
    issuer = Issuer(3600)
    kept = issuer.tokens()
    first = await kept.current()
    kept.refuse(first)
    second = await kept.current()
    kept.refuse(first)
    assert await kept.current() == second != first


async def test_a_fast_clock_does_not_ask_all_the_time() -> None:
    """Every token has expired by it; the server takes them all the same."""
    issuer = Issuer(-100)
    kept = issuer.tokens()
    for _ in range(10):
        await kept.current()
        issuer.now += 1
    assert issuer.given == 1


async def test_those_who_ask_together_get_the_same() -> None:
    """The source is asked once."""
    issuer = Issuer(3600)
    kept = issuer.tokens()
    assert len(set(await asyncio.gather(*(kept.current() for _ in range(20))))) == 1
    assert issuer.given == 1


@pytest.mark.parametrize("failure", [OSError("no network"), KeyError("access_token"), TimeoutError()])
async def test_what_a_source_raises_becomes_advice(failure: Exception) -> None:
    """In whatever words it fails."""

    async def source() -> str:
        raise failure

    with pytest.raises(ConnectionFailed, match="Check the token source"):
        await Tokens(source).current()


async def test_what_a_source_says_itself_stays() -> None:
    """It knows best what to do."""

    async def source() -> str:
        raise InputError("signing in", "the password is wrong", "Ask for it again")

    with pytest.raises(InputError, match="Ask for it again"):
        await Tokens(source).current()


async def test_a_source_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """And can be asked again."""
    monkeypatch.setattr(tokens, "LIMIT_S", 0.01)
    kept = Tokens(asyncio.Event().wait)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(ConnectionFailed, match="none within"):
            await kept.current()


# Against the lab

LOOKING = replace(QUICK, tick_s=0.1)


async def test_short_tokens_are_replaced_without_a_loss(logged: Logged) -> None:
    """Three of them, and the channel never ends."""
    given = 0

    async def source() -> str:
        nonlocal given
        given += 1
        return logged.token(lives_s=4)

    async with ResilientClient(logged.target, token=source, settings=LOOKING) as client:
        subscription = client.subscribe(logged.source())
        await subscription.wait_for(State.LIVE)
        async with asyncio.timeout(20.0):
            while given < 4:  # noqa: ASYNC110 - a source tells nobody when it is asked
                await asyncio.sleep(0.02)
        await logged.run("insert into {} values (1, 'a', 0)")
        assert [item.key for item in await collected(subscription, 1)] == [(1,)]
    assert subscription.life.losses == {}


async def test_a_token_that_expires_in_flight_is_replaced(logged: Logged) -> None:
    """By a clock that is an hour slow it looks good; the server ends the channel, and nothing is lost."""
    given = 0

    async def source() -> str:
        nonlocal given
        given += 1
        return logged.token(lives_s=2 if given == 1 else 3600)

    settings, late = replace(LOOKING, audit_s=None), 3600.0
    async with ResilientClient(
        logged.target, token=source, settings=settings, wall=lambda: time.time() - late
    ) as client:
        subscription = client.subscribe(logged.source())
        await subscription.wait_for(State.LIVE)
        for number in range(60):
            await logged.run("insert into {} values (%s, 'a', 0)", number)
            await asyncio.sleep(0.05)
        assert [item.key for item in await collected(subscription, 60)] == [(number,) for number in range(60)]
        await subscription.wait_for(State.LIVE)
    assert (given, client.sockets) == (2, 1)
    assert all("expired" in reason for reason in subscription.life.losses)
    assert len(subscription.life.losses) == 1


async def test_a_token_of_its_own_that_expires_stops_with_advice(logged: Logged) -> None:
    """There is no way to another one, so that trying again would go on for ever."""
    async with ResilientClient(logged.target, token=logged.token(lives_s=2), settings=LOOKING) as client:
        subscription = client.subscribe(logged.source())
        await subscription.wait_for(State.LIVE)
        with pytest.raises(JoinFailed, match="fresh token"):
            await collected(subscription, 1)
    assert subscription.life.transitions[-1].happened is Happened.REFUSED


async def test_a_source_that_only_has_old_tokens_is_not_asked_for_ever(
    logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some refusals in a row are the end; here two, as each takes the server five seconds."""
    monkeypatch.setattr(subscription_module, "TOKENS", 1)
    old = logged.token(lives_s=-10)

    async def source() -> str:
        return old

    settings = replace(LOOKING, heartbeat_s=10.0, timeout_s=8.0)
    async with ResilientClient(logged.target, token=source, settings=settings) as client:
        subscription = client.subscribe(logged.source())
        with pytest.raises(JoinFailed, match="fresh token"):
            await collected(subscription, 1)
    assert Origin.STREAM not in subscription.delivered


async def test_a_source_that_fails_for_a_while_is_asked_again(logged: Logged) -> None:
    """In words that nobody foresaw, while the database is polled."""
    asked = 0

    async def source() -> str:
        nonlocal asked
        asked += 1
        if asked <= 3:
            raise LookupError("Auth is not there yet")
        return logged.token(lives_s=3600)

    async with ResilientClient(logged.target, token=source, settings=LOOKING) as client:
        subscription = client.subscribe(logged.source())
        await subscription.wait_for(State.LIVE)
        assert "LookupError" in client.reason
    assert asked == 4
