"""The application that faults happen to: a process that mirrors the messages into a file."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from helpers.errors import ConnectionFailed, RunError
from helpers.lab.keys import mint
from helpers.resilience import BackoffSettings, ResilienceSettings, ResilientClient, Subscription, Transition
from helpers.sync.mirroring import TableMirror
from helpers.target import Target
from tests.faults.witness import Witness

__all__ = ["SETTINGS", "Order", "World", "mirror"]

#: Seconds in place of the defaults' tens of seconds; the rules are the same.
SETTINGS = ResilienceSettings(
    heartbeat_s=1.0,
    timeout_s=0.9,
    connect_timeout_s=3.0,
    join_timeout_s=10.0,
    backoff=BackoffSettings(base_s=0.1, cap_s=1.0, spread_s=0.1, reset_after_s=1.0),
    poll_after_s=0.5,
    poll_min_s=0.2,
    poll_max_s=1.0,
    audit_s=2.0,
)

#: Between two looks at the world.
_LOOK_S = 0.05

#: After which an application that could not write begins anew, as a supervisor would have it.
_ANEW_S = 0.2


class World(ctypes.Structure):
    """What surrounds the process, in memory that it shares with whoever breaks it.

    ahead_s: of its wall clock. is_full: its disk. tokens_withheld: whether no token is given; token_life_s: of those
    that are; tokens_wanted: how often one is to be taken before it is due. Told by the process: tokens_given,
    expires_at of the last one (Unix time), overtaken: changes that were read first, and then came by the stream.
    """

    _fields_ = (
        ("ahead_s", ctypes.c_double),
        ("is_full", ctypes.c_int64),
        ("tokens_withheld", ctypes.c_int64),
        ("token_life_s", ctypes.c_double),
        ("tokens_wanted", ctypes.c_int64),
        ("tokens_given", ctypes.c_int64),
        ("expires_at", ctypes.c_double),
        ("overtaken", ctypes.c_int64),
    )


@dataclass(frozen=True, slots=True)
class Order:
    """What to mirror, where to, and where to tell of it."""

    target: Target
    file: Path
    story: Path
    world: World


async def mirror(order: Order) -> None:
    """Until it is killed. When its disk is full it begins anew, until there is room."""
    while True:
        try:
            await _live(order)
        except RunError as error:
            _tell(order.story, str(error))
        await asyncio.sleep(_ANEW_S)


async def _live(order: Order) -> None:
    world = order.world
    async with (
        Witness(order.file, "messages", lambda: bool(world.is_full)) as store,
        ResilientClient(
            order.target,
            token=partial(_fresh_token, order),
            settings=SETTINGS,
            wall=lambda: time.time() + world.ahead_s,
        ) as client,
    ):
        mirror = TableMirror(client, "messages", store)
        looking = asyncio.create_task(_look(order, client, mirror))
        try:
            await mirror.run()
        finally:
            looking.cancel()


async def _look(order: Order, client: ResilientClient, mirror: TableMirror) -> None:
    """Heed what the world wants, and tell what happens."""
    world, wanted = order.world, order.world.tokens_wanted
    overtaken: dict[Subscription, int] = {}
    before = world.overtaken
    while True:
        if (followed := mirror.subscription) is not None:
            if followed not in overtaken:
                _tell_life(order.story, followed)
            overtaken[followed] = followed.overtaken
        if wanted != world.tokens_wanted:
            wanted = world.tokens_wanted
            client.replace_token(None)
        world.overtaken = before + sum(overtaken.values())
        await asyncio.sleep(_LOOK_S)


async def _fresh_token(order: Order) -> str:
    """As from Auth, which may be away."""
    world = order.world
    if world.tokens_withheld:
        raise ConnectionFailed("getting a token", "nobody gives one", "Try again")
    assert order.target.jwt_secret is not None
    token = mint(order.target.jwt_secret, "service_role", lifetime_s=world.token_life_s)
    world.expires_at = time.time() + world.token_life_s
    world.tokens_given += 1
    return token


def _tell_life(story: Path, subscription: Subscription) -> None:
    for step in tuple(subscription.life.transitions):
        _tell_step(story, step)
    subscription.life.on_transition(partial(_tell_step, story))


def _tell_step(story: Path, step: Transition) -> None:
    _tell(story, str(step), step.at)


def _tell(story: Path, what: str, at: float | None = None) -> None:
    """On a full disk nothing can be told."""
    with contextlib.suppress(OSError), story.open("a") as file:
        file.write(f"{time.monotonic() if at is None else at:.3f} {what}\n")
