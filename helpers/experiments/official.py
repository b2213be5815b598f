"""How long the vendor's own clients need to notice that nobody answers any more."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from helpers.client import RealtimeClient
from helpers.errors import ConnectionFailed, SettingsError
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.keepalive import RECOVERY_GOAL_S, VENDOR_INTERVAL_S, VENDOR_TIMEOUT_S, latest_known_s
from helpers.experiments.rounds import run_rounds
from helpers.experiments.size import Size
from helpers.experiments.waiting import Arm, at_once
from helpers.lab.network import Conditions, Ending, Network, Way, drop, everything, network
from helpers.node import node_environment, node_executable, npm_parts
from helpers.target import Target

__all__ = [
    "CLOSE_TIMEOUT_S", "HALF_OPEN", "HALF_OPEN_MOST", "PATIENCE_S", "PING_INTERVAL_S", "PING_TIMEOUT_S", "SILENT",
    "UNNOTICED", "Order", "Said", "compare_official_clients", "scale_of",
]  # fmt: skip

#: Of the library `websockets`, which supabase-py takes as they are (`websockets/asyncio/client.py`, `connect`).
PING_INTERVAL_S, PING_TIMEOUT_S, CLOSE_TIMEOUT_S = 20.0, 20.0, 10.0
#: After this nobody will notice any more: ten seconds more than the slowest client that looks needs at most.
PATIENCE_S = 60.0

HALF_OPEN = Metric("half-open link, mean", "s")
HALF_OPEN_MOST = Metric("half-open link, latest", "s")
SILENT = Metric("answers stop, mean", "s")
UNNOTICED = Metric("answers stop, unnoticed", "%", most=100.0)

#: Twice this, and a second before the first attempt to reconnect, is below the goal of 30 s.
ADVISED_S = 14.0

#: In the small size all times are divided by this, so that nobody waits for minutes.
_SCALES = {Size.SMALL: 50.0, Size.FULL: 1.0}
_ROUNDS = {Size.SMALL: 3, Size.FULL: 5}
_LINKS = 4
_START_LIMIT_S = 60.0
_MOST_SCALE = 60.0

#: Under this name the settings of the experiment hold the scale.
_SCALE = "times divided by"

#: The server, or a proxy before it, holds the connection and answers pings, but nobody answers in Realtime's protocol.
_NO_ANSWERS = Conditions(name="no answers", to_client=Way(frames=(drop(everything),)))

_MJS = Path(__file__).with_name("keepalive_watcher.mjs")


class Order(msgspec.Struct, frozen=True):
    """What a watcher subscribes to: one socket for each URL. Times are in seconds, and divided by `scale` already but
    for those that the watcher looks up itself."""

    urls: tuple[str, ...]
    key: str
    topic: str
    interval_s: float
    scale: float
    parts: str = ""


class Said(msgspec.Struct, frozen=True):
    """The state of the channel on a link, as the client's callback was told it."""

    link: int
    state: str


#: Given the links' targets, a client is on all of them; then it says which link it has found to be dead, and when.
Watching = Callable[[Sequence[Target]], "contextlib.AbstractAsyncContextManager[list[asyncio.Future[float]]]"]


async def compare_official_clients(
    target: Target,
    *,
    scale: float | None = None,
    size: Size = Size.SMALL,
    rounds: int | None = None,
    links: int = _LINKS,
) -> Experiment:
    """Let links die under supabase-js, supabase-py and this workbook's client, each as it comes out of the box.

    Two deaths: the link is *half-open*, nothing gets through any more; or *the answers stop*, while the connection
    stands and WebSocket pings are answered. Nothing is written.

    Args:
        scale: by which all times are divided; 1 waits for minutes.
        links: that die of each death in each run. All rounds run at the same time: 32 links each, by default.

    Raises:
        SettingsError: a scale or a number of links that cannot be.
        NodeError: the parts that run on Node are not to be had.
        ConnectionFailed: not one client could subscribe.
    """
    scale = scale or _SCALES[size]
    if not (1 <= scale <= _MOST_SCALE and 1 <= links <= 16):
        advice = f"Choose a scale of 1 to {_MOST_SCALE:g}, and 1 to 16 links"
        raise SettingsError("planning the keep-alive of clients", f"scale {scale:g}, {links} links", advice)
    rounds = rounds or _ROUNDS[size]
    async with at_once(await _arms(target, scale, links), rounds=rounds) as arms:
        return await run_rounds(
            "clients' keep-alive",
            "When do the vendor's clients notice that nobody answers?",
            target,
            arms,
            metrics=(HALF_OPEN, HALF_OPEN_MOST, SILENT, UNNOTICED),
            rounds=rounds,
            size=size,
            answer=partial(_say, scale),
            settings={_SCALE: scale, "links a run and death": links},
        )


def scale_of(experiment: Experiment) -> float:
    """By what all times of such an experiment were divided."""
    return float(experiment.settings[_SCALE])


async def _arms(target: Target, scale: float, links: int) -> dict[str, Arm]:
    parts = str(await asyncio.to_thread(npm_parts))
    node = (str(node_executable()), str(_MJS))
    python = (sys.executable, "-m", "helpers.experiments.keepalive_watcher")

    def javascript(interval_s: float) -> Arm:
        order = Order((), target.publishable_key, _topic(), interval_s / scale, scale, parts)
        return partial(_run, target, partial(_watching, node, order), interval_s / scale, scale, links)

    ours = partial(_watching_ourselves, VENDOR_INTERVAL_S / scale, VENDOR_TIMEOUT_S / scale)
    order = Order((), target.publishable_key, _topic(), VENDOR_INTERVAL_S, scale)
    return {
        "supabase-js, default": javascript(VENDOR_INTERVAL_S),
        f"supabase-js, {ADVISED_S:g} s": javascript(ADVISED_S),
        "supabase-py, default": partial(
            _run, target, partial(_watching, python, order), PING_INTERVAL_S / scale, scale, links
        ),
        "this workbook's, 25 s + 10 s": partial(_run, target, ours, VENDOR_INTERVAL_S / scale, scale, links),
    }


async def _run(target: Target, watching: Watching, interval_s: float, scale: float, links: int, _: int) -> Outcome:
    """All links of both deaths at the same time, each dying at another moment between two heartbeats."""
    async with contextlib.AsyncExitStack() as stack:
        ways = [await stack.enter_async_context(network(target)) for _ in range(2 * links)]
        dead = await stack.enter_async_context(watching([via.target for via in ways]))
        moments = [interval_s * (number + 0.5) / links for number in range(links)]
        deaths = [partial(_cut, via) for via in ways[:links]] + [partial(_hush, via) for via in ways[links:]]
        noticed = await asyncio.gather(
            *(
                _noticed_s(dies, at, found, PATIENCE_S / scale)
                for dies, at, found in zip(deaths, moments * 2, dead, strict=True)
            )
        )
    half_open, silent = ([one for one in part if one is not None] for part in (noticed[:links], noticed[links:]))
    return Outcome({
        HALF_OPEN.name: _mean(half_open),
        HALF_OPEN_MOST.name: max(half_open, default=None),
        SILENT.name: _mean(silent),
        UNNOTICED.name: 100 * (1 - len(silent) / links),
    })  # fmt: skip


def _cut(via: Network) -> None:
    via.cut(Ending.SERVER_GONE)


def _hush(via: Network) -> None:
    via.set(_NO_ANSWERS)


async def _noticed_s(
    dies: Callable[[], None], at_s: float, found: asyncio.Future[float], limit_s: float
) -> float | None:
    """Seconds from a death to when it was found out; None if it was not."""
    await asyncio.sleep(at_s)
    died_at = time.monotonic()
    dies()
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(asyncio.shield(found), limit_s) - died_at
    return None


@contextlib.asynccontextmanager
async def _watching(
    command: Sequence[str], order: Order, targets: Sequence[Target]
) -> AsyncIterator[list[asyncio.Future[float]]]:
    """A client in a process of its own."""
    order = msgspec.structs.replace(order, urls=tuple(target.api_url for target in targets))
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=node_environment(),
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None
    links = _Links(len(targets))
    hearing = asyncio.create_task(links.hear(process.stdout))
    try:
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        await _ready(links, hearing)
        yield links.dead
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)


async def _ready(links: _Links, hearing: asyncio.Task[None]) -> None:
    """Wait until every link is subscribed, unless the process ends before."""
    subscribed = asyncio.create_task(links.subscribed.wait())
    await asyncio.wait((subscribed, hearing), timeout=_START_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
    if subscribed.done():
        return
    subscribed.cancel()
    raise ConnectionFailed(
        "subscribing with the vendor's clients",
        f"{links.missing} of {len(links.dead)} links were not subscribed"
        + (", and the client ended" if hearing.done() else f" within {_START_LIMIT_S:g} s"),
        "Run the diagnosis of notebook 01 on this target",
    )


class _Links:
    """What a watcher has said of its links."""

    def __init__(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        self.dead: list[asyncio.Future[float]] = [loop.create_future() for _ in range(count)]
        self.subscribed = asyncio.Event()
        self._waited = set(range(count))

    @property
    def missing(self) -> int:
        return len(self._waited)

    async def hear(self, lines: asyncio.StreamReader) -> None:
        """The first state after SUBSCRIBED, whichever it is, is when the application is told."""
        async for line in lines:
            said = msgspec.json.decode(line, type=Said)
            if said.state == "SUBSCRIBED":
                self._waited.discard(said.link)
                if not self._waited:
                    self.subscribed.set()
            elif said.link not in self._waited and not self.dead[said.link].done():
                self.dead[said.link].set_result(time.monotonic())


@contextlib.asynccontextmanager
async def _watching_ourselves(
    interval_s: float, timeout_s: float, targets: Sequence[Target]
) -> AsyncIterator[list[asyncio.Future[float]]]:
    async with contextlib.AsyncExitStack() as stack:
        watches: list[asyncio.Future[float]] = []
        for target in targets:
            client = RealtimeClient(
                target, heartbeat_s=interval_s, timeout_s=timeout_s, connect_timeout_s=_START_LIMIT_S
            )
            await stack.enter_async_context(client)
            watches.append(asyncio.create_task(_over(client)))
        try:
            yield watches
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)


async def _over(client: RealtimeClient) -> float:
    await client.wait_closed()
    return time.monotonic()


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _topic() -> str:
    return f"workbook:{secrets.token_hex(4)}"


def _say(scale: float, experiment: Experiment) -> str:
    said = [_say_arm(experiment, arm, scale) for arm in experiment.arms if experiment.values(arm, HALF_OPEN.name)]
    of = "" if scale == 1 else f" (times of the defaults: those measured, times {scale:g})"
    return "; ".join(said) + of + "."


def _say_arm(experiment: Experiment, arm: str, scale: float) -> str:
    found, latest = (experiment.estimate(arm, one.name) for one in (HALF_OPEN, HALF_OPEN_MOST))
    mean, most = scale * found.mean, scale * latest.mean
    interval = f" ({scale * found.low:.0f} to {scale * found.high:.0f}, n = {found.n})" if found.n > 1 else ""
    within = "in time" if most <= latest_known_s() else "too late"
    words = f"{arm}: {mean:.0f} s on average{interval}, the latest {most:.0f} s, {within} for {RECOVERY_GOAL_S:g} s"
    unnoticed = experiment.estimate(arm, UNNOTICED.name).mean
    if unnoticed == 100:
        return words + f", and answers that stop it did not notice in {PATIENCE_S:g} s"
    return words + (f", and {unnoticed:.0f} % of the answers that stop not at all" if unnoticed else "")
