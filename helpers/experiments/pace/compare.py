"""Which pace keeps a slow handler fresh, from a rate that it can follow to one that it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from helpers.errors import SettingsError
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.pace.application import Shown, listen
from helpers.experiments.pace.handler import Cost
from helpers.experiments.pace.verdict import age_at, growth_at, verdict
from helpers.experiments.rounds import run_rounds
from helpers.experiments.sending import Sender, scheduled, sending
from helpers.experiments.size import Size, experiment_size
from helpers.profiling.histogram import Floats
from helpers.profiling.results import Skipped
from helpers.profiling.workloads import Trace
from helpers.stream.paces import Pace
from helpers.target import Target, TargetKind

__all__ = ["LEVELS", "Steps", "compare_paces"]

#: Rates, as multiples of what the handler can follow when it takes message by message.
LEVELS = {Size.SMALL: (0.5, 1.5, 3.0), Size.FULL: (0.5, 0.8, 1.2, 1.6, 2.4, 3.2)}

#: Rounds by size: how often each arm runs.
ROUNDS = {Size.SMALL: 3, Size.FULL: 10}

#: A page that takes 2 ms to draw, and 2 ms more for each row that has changed, is a quick one.
COST = Cost(render_s=0.002, apply_s=0.002)

#: A handler that took so many times its CPU time did not have a processor to itself.
_STARVED = 1.25

_COUNTS = (
    Metric("handed over", "values/s", higher_is_better=True),
    Metric("handler's CPU", "%"),
    Metric("never shown", "%", most=100.0),
    Metric("wrong in the end", "keys"),
    Metric("behind in the end", "ms"),
)


@dataclass(frozen=True, slots=True)
class Steps:
    """Rates one after another, without a pause."""

    rates_per_s: tuple[float, ...]
    each_s: float

    @property
    def due_s(self) -> Floats:
        """When every message is due, after the start."""
        steps = [
            place * self.each_s + np.arange(max(1, round(rate * self.each_s))) / rate
            for place, rate in enumerate(self.rates_per_s)
        ]
        return np.concatenate(steps)

    @property
    def seconds(self) -> float:
        return self.each_s * len(self.rates_per_s)


async def compare_paces(
    target: Target,
    *,
    cost: Cost = COST,
    keys: int = 10,
    levels: Sequence[float] = (),
    size: Size | str | None = None,
    rounds: int | None = None,
) -> Experiment | Skipped:
    """Send updates of a few things at rising rates to a handler that costs CPU time, paced in one way after another.

    Args:
        cost: of the handler.
        keys: how many things the updates are about, in turn.
        levels: the rates, as multiples of what the handler can follow message by message; by default `LEVELS`.
        rounds: how often each pace is tried; by default as many as the size asks for.

    Raises:
        SettingsError: no rates, or no keys.
        FailureError: the target refused.
    """
    if target.kind is not TargetKind.LAB:
        because = "it sends faster than a plan's quota allows: call it with the lab as its target"
        return Skipped("the pace of a handler", because)
    chosen = experiment_size(size)
    levels = sorted(levels or LEVELS[chosen])
    if not levels[0] > 0 or keys < 1:
        raise SettingsError("comparing paces", "there is nothing to send", "Give rates above 0, and at least 1 key")
    steps = Steps(tuple(level * cost.capacity_per_s for level in levels), 0.16 if chosen is Size.SMALL else 1.0)
    async with sending(target) as sender:
        bench = _Bench(target, sender, cost, keys, tuple(levels), steps)
        return await run_rounds(
            "paces of a handler",
            f"How should a handler that takes {1e3 * cost.of(1):g} ms follow a stream that is faster?",
            target,
            {pace.value: partial(bench.run, pace) for pace in Pace},
            metrics=_metrics(levels),
            rounds=ROUNDS[chosen] if rounds is None else rounds,
            size=chosen,
            answer=verdict,
            settings=bench.settings(),
        )


def _metrics(levels: Sequence[float]) -> tuple[Metric, ...]:
    ages = (Metric(age_at(level), "ms") for level in levels)
    growths = (Metric(growth_at(level), "ms/s", signed=True) for level in levels)
    return (*ages, *growths, *_COUNTS)


@dataclass(frozen=True, slots=True)
class _Bench:
    target: Target
    sender: Sender
    cost: Cost
    keys: int
    levels: tuple[float, ...]
    steps: Steps

    def settings(self) -> dict[str, object]:
        """What to know of the load and of the handler."""
        return {
            "render_ms": 1e3 * self.cost.render_s,
            "apply_ms": 1e3 * self.cost.apply_s,
            "keys": self.keys,
            "rates_per_s": ", ".join(f"{rate:.0f}" for rate in self.steps.rates_per_s),
            "step_s": self.steps.each_s,
        }

    async def run(self, pace: Pace, _number: int) -> Outcome:
        due_s = self.steps.due_s
        stream = scheduled(Trace(tuple(due_s.tolist())), self.steps.seconds, keys=self.keys)
        shown = await listen(self.target, self.sender, stream, pace, self.cost)
        return Outcome(self._ages(shown) | _counts(shown, due_s), notes=_notes(shown))

    def _ages(self, shown: Shown) -> dict[str, float | None]:
        """The mean age within each step, and how the delay grows in it."""
        due_s = self.steps.due_s
        first = {key: shown.start + float(due_s[key]) for key in range(min(self.keys, due_s.size))}
        ages: dict[str, float | None] = {}
        for place, level in enumerate(self.levels):
            begin = shown.start + place * self.steps.each_s
            found = shown.screen.ages_s(first, begin, begin + self.steps.each_s)
            settled = begin + self.steps.each_s / 2  # before, turns may still be growing to what the rate asks for
            growth = shown.screen.growth(settled, begin + self.steps.each_s)
            ages[age_at(level)] = 1e3 * float(found.mean()) if found.size else None
            ages[growth_at(level)] = None if growth is None else 1e3 * growth
        return ages


def _counts(shown: Shown, due_s: Floats) -> dict[str, float | None]:
    last = {seq % shown.stream.keys: shown.start + float(due) for seq, due in enumerate(due_s)}
    wrong = [key for key, due in last.items() if not _is(shown.screen.latest(key), due)]
    seconds = shown.finished_at - shown.start
    return {
        "handed over": shown.values / seconds,
        "handler's CPU": 100 * shown.handler_cpu_s / seconds,
        "never shown": 100 * (1 - shown.values / shown.sent.messages),
        "wrong in the end": float(len(wrong)),
        "behind in the end": 1e3 * (seconds - float(due_s[-1])),
    }


def _is(shown: float | None, due: float) -> bool:
    """Whether that value is shown; a message says to the microsecond when it was due."""
    return shown is not None and abs(shown - due) < 1e-5


def _notes(shown: Shown) -> tuple[str, ...]:
    notes = [*shown.notes, *([f"the sender was stopped: {shown.sent.error}"] if shown.sent.error else [])]
    if shown.received < shown.sent.messages:
        notes.append(f"{shown.sent.messages - shown.received} messages did not arrive")
    if shown.left_waiting:
        notes.append(f"the handler had {shown.left_waiting} messages left when it was not waited for any longer")
    if shown.handler_wall_s > _STARVED * shown.handler_cpu_s:
        share = shown.handler_wall_s / shown.handler_cpu_s
        notes.append(f"the machine was busy: the handler took {share:.1f} times its CPU time, and could follow less")
    if shown.sent.late_p99_ms > 10:
        notes.append(f"the sender was late by {shown.sent.late_p99_ms:.0f} ms (p99)")
    return tuple(notes)
