"""What a browser does to the heartbeats of a tab that nobody looks at.

The tabs are hidden as a person hides them: another tab of the same window comes to the front, and the page is told so
(`document.visibilityState`). They are throttled by the browser itself, in two steps: timers wait for a whole second at
once, and for a whole minute after a period of grace, if they come from timers that come from timers, five deep. The
small size shortens that period. A tab is frozen by command (`Page.setWebLifecycleState`); by itself Chromium does it
where memory or energy are short.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from helpers.experiments.browser.chromium import Browser, BrowserMissing, start_chromium
from helpers.experiments.browser.hiding_results import Pulse, PulseStudy, TabKind
from helpers.experiments.browser.stage import ROOMY, Stage, stage
from helpers.experiments.browser.subscribing import not_measured
from helpers.experiments.browser.tab import Tab, open_tab
from helpers.experiments.size import Size
from helpers.lab.network import Network, network
from helpers.profiling.investigation import environment
from helpers.progress import Progress
from helpers.results import utc_now

__all__ = ["KINDS", "HidingPlan", "watch_hidden_tabs"]

QUESTION = "What does a browser do to the heartbeats of a tab in the background?"

#: Of a page that is loaded (Chromium, `third_party/blink/renderer/platform/scheduler/common/features.h`,
#: kIntensiveWakeUpThrottling_GracePeriodSecondsLoaded_Default). It is 300 s for others, and was for all.
GRACE_S = 60.0
#: Shortens it for pages that are not loaded yet; for the others Chromium has no switch.
_GRACE_SWITCH = "--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/{0:.0f}"
#: Until a page that has painted something counts as loaded.
_LOADED_S = 5.0

KINDS = (
    TabKind(),
    TabKind(hidden=True),
    TabKind(hidden=True, worker=True),
    TabKind(frozen=True, hidden=True),
    TabKind(frozen=True, hidden=True, worker=True),
    TabKind(loses_line=True),
    TabKind(hidden=True, loses_line=True),
    TabKind(hidden=True, worker=True, loses_line=True),
)

#: How long a tab that is in front again is waited for.
_PATIENCE_S = 15.0
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class HidingPlan:
    """How long tabs are watched, and what they are up against.

    Attributes:
        heartbeat_s: of the client, 25 s by default (realtime-js, `RealtimeClient.ts`).
        idle_s: after which the server closes a silent connection; the real one after 60 to 66 s.
        watched_s: from when the tab was hidden. cut_s: when connections are cut that shall be.
        grace_s: of the browser before it throttles hard. None for its own.
    """

    heartbeat_s: float
    idle_s: float
    watched_s: float
    grace_s: float | None = None

    @property
    def cut_s(self) -> float:
        return 0.3 * self.watched_s


#: In the small size the times of client and server have the same proportions.
PLANS = {Size.SMALL: HidingPlan(1.2, 3.17, 18.0, grace_s=3.0), Size.FULL: HidingPlan(25.0, 66.0, 420.0)}


async def watch_hidden_tabs(*, size: Size = Size.SMALL, plan: HidingPlan | None = None) -> PulseStudy:
    """Watch tabs in front, hidden and frozen at the same time, each with one subscription, from outside.

    The question is about browser and client, so that it is always asked of a lab of its own. Without a browser there
    are no tabs, and the answer says why.

    Raises:
        FailureError: a tab could not subscribe.
        NodeError: supabase-js is not to be had.
    """
    began, taken_at = time.monotonic(), utc_now()
    plan = plan or PLANS[size]
    blank = PulseStudy(QUESTION, taken_at, size, 0.0, plan.heartbeat_s, plan.idle_s, environment=environment())
    try:
        async with stage(None, replace(ROOMY, idle_timeout_s=plan.idle_s)) as place:
            pulses = await _watch_all(place, plan)
    except BrowserMissing as missing:
        return replace(blank, answer=not_measured(missing))
    found = replace(
        blank, seconds=time.monotonic() - began, pulses=tuple(pulses), notes=tuple(_notes(place, plan)),
        environment=blank.environment | place.versions,
    )  # fmt: skip
    return replace(found, answer="\n".join(_answer(found)))


async def _watch_all(place: Stage, plan: HidingPlan) -> list[Pulse]:
    """All tabs in one browser, as a person has them, each in a window of its own."""
    switches = [] if plan.grace_s is None else [_GRACE_SWITCH.format(plan.grace_s)]
    with Progress() as progress:
        progress.say(f"watching {len(KINDS)} tabs for {plan.watched_s:.0f} s")
        async with start_chromium(*switches) as browser:
            place.versions["browser"] = browser.version
            tasks = [asyncio.create_task(_watch(place, browser, kind, plan)) for kind in KINDS]
            try:
                return await asyncio.gather(*tasks)
            finally:  # when one fails, the others end before its error is raised
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(place: Stage, browser: Browser, kind: TabKind, plan: HidingPlan) -> Pulse:
    async with network(place.target) as line, open_tab(browser, place.site.url) as tab:
        order = place.order(
            url=line.target.api_url, heartbeat_ms=1e3 * plan.heartbeat_s, worker=kind.worker, paint=plan.grace_s is None
        )
        beats: list[float] = []
        await tab.listen("Network", lambda name, event: _take(name, event, beats))
        await tab.call("beginPulse", order)
        if plan.grace_s is None:
            await asyncio.sleep(_LOADED_S)
        async with _line_watched(line) as spans:
            began = time.monotonic()
            await _put_away(tab, kind)
            await _pass_time(kind, line, plan)
            seen, ended = await tab.call("pulseNow"), time.monotonic()
        return Pulse(
            kind,
            beats=tuple(at - began for at in beats if began <= at <= ended),
            ticks=tuple(at for age in seen["ages_ms"] if (at := ended - began - age / 1e3) >= 0),
            open=tuple((max(0.0, begin - began), min(end, ended) - began) for begin, end in spans),
            watched_s=ended - began,
            believed=seen["state"],
            back_s=await _back(tab, kind, line),
        )


def _take(name: str, event: Mapping[str, Any], beats: list[float]) -> None:
    """A heartbeat that leaves the tab."""
    if name == "Network.webSocketFrameSent" and '"heartbeat"' in event["response"]["payloadData"]:
        beats.append(time.monotonic())


async def _put_away(tab: Tab, kind: TabKind) -> None:
    if kind.hidden:
        await tab.hide()
    if kind.frozen:
        await tab.freeze(True)


async def _pass_time(kind: TabKind, line: Network, plan: HidingPlan) -> None:
    await asyncio.sleep(plan.cut_s)
    if kind.loses_line:
        line.cut()
    await asyncio.sleep(plan.watched_s - plan.cut_s)


@asynccontextmanager
async def _line_watched(line: Network) -> AsyncIterator[list[tuple[float, float]]]:
    """From when to when there was a connection, on the monotonic clock; complete when the block is left."""
    spans: list[tuple[float, float]] = []

    async def watch() -> None:
        begun: float | None = None
        try:
            while True:
                now, connected = time.monotonic(), line.open_connections > 0
                if connected and begun is None:
                    begun = now
                elif not connected and begun is not None:
                    spans.append((begun, now))
                    begun = None
                await asyncio.sleep(_LOOK_S)
        finally:
            if begun is not None:
                spans.append((begun, time.monotonic()))

    watching = asyncio.create_task(watch())
    try:
        yield spans
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def _back(tab: Tab, kind: TabKind, line: Network) -> float | None:
    """In front again: seconds until the channel is joined; 0 if it had been all the time."""
    away = line.open_connections == 0
    began = time.monotonic()
    if kind.frozen:
        await tab.freeze(False)
    if kind.hidden:
        await tab.show()
    while time.monotonic() < began + _PATIENCE_S:
        if line.open_connections and (await tab.call("pulseNow"))["state"] == "joined":
            return time.monotonic() - began if away else 0.0
        await asyncio.sleep(_LOOK_S)
    return None


def _notes(place: Stage, plan: HidingPlan) -> Iterator[str]:
    yield place.measured_with
    yield "hidden: another tab of its window is in front of it, and the browser throttles it by itself"
    if plan.grace_s is None:
        yield f"the browser throttles hard {GRACE_S:g} s after a tab was hidden, as it does by default"
    else:
        yield (
            f"hastened: the browser throttles hard {plan.grace_s:g} s after a tab was hidden, and not after "
            f"{GRACE_S:g} s (by its own switch); a heartbeat is due every {plan.heartbeat_s:g} s, not 25 s, and the "
            f"server closes after {plan.idle_s:.1f} s of silence, not 66 s. The browser's second and minute are as "
            "always, so that lateness counts for more here"
        )
    yield "frozen: by command, as Chromium does by itself where energy or memory are short"


def _answer(found: PulseStudy) -> Iterator[str]:
    yield _hidden(found)
    yield _frozen(found)
    yield _cut(found)


def _hidden(found: PulseStudy) -> str:
    plain, worker = found.pulse(hidden=True), found.pulse(hidden=True, worker=True)
    lost = [name for name, one in (("without a worker", plain), ("with one", worker)) if one.lost_s is not None]
    return (
        f"Hidden, a heartbeat is due every {found.heartbeat_s:g} s: the longest silence is {plain.silence_s:.1f} s "
        f"without a worker and {worker.silence_s:.1f} s with one, {plain.timer_silence_s:.1f} s for a plain timer of "
        f"the page; {'the connection is lost ' + ' and '.join(lost) if lost else 'no connection is lost'}."
    )


def _frozen(found: PulseStudy) -> str:
    pulses = [found.pulse(hidden=True, frozen=True, worker=worker) for worker in (False, True)]
    beats = sum(len(pulse.beats) for pulse in pulses)
    lost = [pulse.lost_s for pulse in pulses if pulse.lost_s is not None]
    closed = f"closed after {max(lost):.1f} s at the latest" if len(lost) == len(pulses) else "not closed by all"
    return (
        f"Frozen, with a worker or without: {beats} heartbeats, the connection {closed}, and the page still believes "
        f"that it is {' and '.join(sorted({pulse.believed for pulse in pulses}))}."
    )


def _cut(found: PulseStudy) -> str:
    front = found.pulse(loses_line=True)
    plain, worker = (found.pulse(hidden=True, loses_line=True, worker=worker) for worker in (False, True))
    away = [f"{one.watched_s - one.connected_s:.1f} s" for one in (front, plain, worker)]
    return (
        f"A connection that is cut: away for {away[0]} in front, for {away[1]} while hidden ({_returned(plain)}), "
        f"and for {away[2]} with a worker ({_returned(worker)})."
    )


def _returned(pulse: Pulse) -> str:
    if pulse.back_s is None:
        return f"not joined within {_PATIENCE_S:g} s after the tab was in front again"
    return f"joined {pulse.back_s:.1f} s after the tab was in front again" if pulse.back_s else "joined while hidden"
