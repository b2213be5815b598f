"""Pacing at the source: what is gathered or left out before it is sent costs nobody anything."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from functools import partial

from helpers.client import RealtimeClient
from helpers.errors import SettingsError
from helpers.experiments.answer import leaders
from helpers.experiments.encoding.formats import server_meter
from helpers.experiments.encoding.transfer import CpuMeter
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.pace.screen import Screen
from helpers.experiments.rounds import run_rounds
from helpers.experiments.sending import Sender, scheduled, sending, unless_cut_off
from helpers.experiments.size import Size, experiment_size
from helpers.profiling.results import Skipped
from helpers.profiling.workloads import Constant
from helpers.stream import Sent, Stream
from helpers.stream.forms import apart
from helpers.stream.paces import Pace
from helpers.target import Target, TargetKind
from helpers.wire.events import Broadcast, Event
from helpers.wire.join import JoinConfig

__all__ = ["compare_source_paces"]

#: Rounds by size: how often each arm runs.
ROUNDS = {Size.SMALL: 3, Size.FULL: 10}

DRAIN_LIMIT_S = 3.0

_PACES = (Pace.EVERY, Pace.BATCHES, Pace.NEWEST_THROTTLED)

_METRICS = (
    Metric("messages sent", "/s"),
    Metric("bytes to a receiver", "kB/s"),
    Metric("server's CPU", "ms/s"),
    Metric("age of what is shown", "ms"),
    Metric("never shown", "%", most=100.0),
    Metric("wrong in the end", "keys"),
)


@dataclass(slots=True)
class _Viewer:
    """A receiver that shows at once what comes."""

    screen: Screen = field(default_factory=Screen)
    messages: int = 0
    updates: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def on_event(self, event: Event) -> None:
        if isinstance(event, Broadcast):
            items = apart(event.payload)
            for item in items:
                self.screen.show(item.key, item.due, event.received_at)
            self.messages += 1
            self.updates += len(items)
            self.came.set()

    async def all_received(self, messages: int) -> None:
        """Until so many came, or it is too late."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_LIMIT_S):
                while self.messages < messages:
                    self.came.clear()
                    await self.came.wait()


async def compare_source_paces(
    target: Target,
    *,
    updates_per_s: float = 500.0,
    keys: int = 10,
    size: Size | str | None = None,
    rounds: int | None = None,
) -> Experiment | Skipped:
    """Let a source of many small updates send each by itself, in batches, or only the newest of each thing.

    Args:
        updates_per_s: that the source has; keys: about how many things, in turn.
        rounds: how often each pace is tried; by default as many as the size asks for.

    Raises:
        SettingsError: no updates, or too many.
        FailureError: the target refused.
    """
    if target.kind is not TargetKind.LAB:
        because = "it sends faster than a plan's quota allows: call it with the lab as its target"
        return Skipped("the pace of a source", because)
    if keys < 1:
        raise SettingsError("comparing paces of a source", "there are no things", "Give at least 1 key")
    chosen = experiment_size(size)
    rate, seconds = Constant(updates_per_s), 0.4 if chosen is Size.SMALL else 5.0
    scheduled(rate, seconds)  # refuses what is out of bounds before anything is started
    async with sending(target) as sender:
        bench = _Bench(target, sender, server_meter(target), rate, seconds, keys)
        return await run_rounds(
            "paces of a source",
            f"How should a source send {updates_per_s:g} updates/s about {keys} things?",
            target,
            {pace.value: partial(bench.run, pace) for pace in _PACES},
            metrics=_METRICS,
            rounds=ROUNDS[chosen] if rounds is None else rounds,
            size=chosen,
            answer=_answer,
            settings={"updates_per_s": updates_per_s, "keys": keys, "seconds": seconds},
        )


@dataclass(frozen=True, slots=True)
class _Bench:
    target: Target
    sender: Sender
    meter: CpuMeter
    rate: Constant
    seconds: float
    keys: int

    async def run(self, pace: Pace, _number: int) -> Outcome:
        stream, viewer = scheduled(self.rate, self.seconds, keys=self.keys, pace=pace), _Viewer()
        async with RealtimeClient(self.target) as client:
            channel = client.channel(stream.topic, JoinConfig(), buffer=1)
            channel.on_event(viewer.on_event)
            await channel.subscribe()
            await self.sender.prepare(stream)
            wire, cpu = client.counters.wire_bytes_in, self.meter()
            start = self.sender.start()
            sent = await self.sender.send(stream, start)
            notes = [*await unless_cut_off(client, viewer.all_received(sent.messages))]
            wire, cpu_after = client.counters.wire_bytes_in - wire, self.meter()
        used = None if cpu is None or cpu_after is None else cpu_after - cpu
        values = _values(stream, sent, start, viewer)
        values["bytes to a receiver"] = wire / 1e3 / self.seconds
        values["server's CPU"] = None if used is None else 1e3 * used / self.seconds
        lost = sent.messages - viewer.messages
        notes += [f"the sender was stopped: {sent.error}"] * bool(sent.error)
        notes += [f"{lost} messages did not arrive"] * bool(lost)
        return Outcome(values, notes=tuple(notes))


def _values(stream: Stream, sent: Sent, start: float, viewer: _Viewer) -> dict[str, float | None]:
    due = [round(start + due_s, 6) for due_s in stream.due_s]
    first = dict(enumerate(due[: stream.keys]))
    last = {seq % stream.keys: at for seq, at in enumerate(due)}
    ages = viewer.screen.ages_s(first, due[0], due[-1])
    return {
        "messages sent": sent.messages / (due[-1] - due[0]),
        "age of what is shown": 1e3 * float(ages.mean()) if ages.size else None,
        "never shown": 100 * (1 - viewer.updates / stream.messages),
        "wrong in the end": float(sum(viewer.screen.latest(key) != at for key, at in last.items())),
    }


def _answer(experiment: Experiment) -> str:
    compared = leaders(experiment, ["messages sent", "bytes to a receiver", "server's CPU", "age of what is shown"])
    wrong = any(experiment.estimate(arm, "wrong in the end").mean > 0 for arm in experiment.arms)
    return f"{compared} {'Not all' if wrong else 'All'} were right in the end."
