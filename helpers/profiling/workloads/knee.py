"""Step loads: faster and faster, until the target no longer keeps up, and an honest word on who gave way first."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from helpers.errors import FailureError, SettingsError
from helpers.profiling.harness import HARNESS_LIMIT, RATE_KEPT
from helpers.profiling.recording import Recording
from helpers.profiling.workloads.audience import Audience
from helpers.profiling.workloads.measuring import measure
from helpers.profiling.workloads.quota import permit
from helpers.profiling.workloads.rates import Constant
from helpers.profiling.workloads.workload import Workload
from helpers.profiling.workloads.writer import Writer
from helpers.results import utc_now
from helpers.target import Target

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Step", "StepLoad", "Tolerance", "find_knee"]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What is still good.

    Attributes:
        latency_p99_ms: at most. lost_percent: of what was expected, at most.
        kept: the least share of the asked rate that must be sent.
    """

    latency_p99_ms: float
    lost_percent: float = 0.0
    kept: float = RATE_KEPT

    @classmethod
    def of(cls, workload: Workload) -> Tolerance:
        """The specification's 50 ms; for changes on top of the 500 ms that the server's poll may take."""
        return cls(50.0 if workload.is_broadcast else 550.0)

    def left_by(self, recording: Recording, planned: int) -> tuple[str, ...]:
        """In which ways a recording of so many messages is not good any more; none if it is."""
        reasons = []
        if recording.sent < planned:
            reasons.append(f"{planned - recording.sent:,} of {planned:,} messages were not accepted")
        if recording.latency.count == 0:
            reasons.append("nothing arrived")
        elif (p99_ms := recording.latency_ms(99)) > self.latency_p99_ms:
            reasons.append(f"p99 is {p99_ms:,.0f} ms, over {self.latency_p99_ms:,.0f} ms")
        if (lost := _lost_percent(recording)) > self.lost_percent:
            reasons.append(f"{lost:.3g} % are lost, over {self.lost_percent:g} %")
        if (kept := _kept(recording)) < self.kept:
            reasons.append(f"{100 * kept:.0f} % of the rate was sent, under {100 * self.kept:.0f} %")
        return tuple(reasons)


@dataclass(frozen=True, slots=True)
class Step:
    """One rate, measured once or, where it left the tolerance, again.

    Attributes:
        rate_per_s: as asked for. recordings: each measurement of it.
        reasons: in which ways the last of them left the tolerance; none if it did not.
        by_harness: whether the harness was the limit in it, and nothing was refused or lost, which is never its doing.
    """

    rate_per_s: float
    recordings: tuple[Recording, ...]
    reasons: tuple[str, ...] = ()
    by_harness: bool = False

    @property
    def recording(self) -> Recording:
        """The one that counts."""
        return self.recordings[-1]


@dataclass(frozen=True, slots=True)
class StepLoad:
    """Steps, up to the first one that was not good.

    Attributes:
        rates_per_s: all that were planned.
        stopped: why no faster step was measured, where something else than a step's outcome ended the load.
    """

    target: str
    taken_at: str
    route: str
    subscribers: int
    tolerance: Tolerance
    rates_per_s: tuple[float, ...]
    steps: tuple[Step, ...]
    stopped: str = ""

    @property
    def knee(self) -> Step | None:
        """The first step that left the tolerance by the target's doing; None if none did."""
        return next((step for step in self.steps if step.reasons and not step.by_harness), None)

    @property
    def harness_limit(self) -> Step | None:
        """The step at which the harness gave way before the target; None if it did not."""
        return next((step for step in self.steps if step.reasons and step.by_harness), None)

    @property
    def best(self) -> Step | None:
        """The fastest step that was good."""
        return max((step for step in self.steps if not step.reasons), key=lambda step: step.rate_per_s, default=None)

    def to_frame(self) -> pd.DataFrame:
        """One row for each step."""
        import pandas as pd

        return pd.DataFrame(_row(step) for step in self.steps)

    def __str__(self) -> str:
        good = f"good up to {self.best.rate_per_s:,g}/s" if self.best else "not good at any rate that was tried"
        if (knee := self.knee) is not None:
            return f"The knee is at {knee.rate_per_s:,g}/s: {'; '.join(knee.reasons)}. It was {good}."
        if (limit := self.harness_limit) is not None:
            return (
                f"The knee was not reached: at {limit.rate_per_s:,g}/s the harness was the limit, not the target "
                f"({'; '.join(limit.reasons)}). It was {good}."
            )
        if self.stopped:
            return f"The knee was not reached: {self.stopped}. It was {good}."
        return f"The knee was not reached: {good}, the fastest that was tried."


async def find_knee(
    target: Target,
    workload: Workload,
    rates_per_s: Sequence[float],
    audience: Audience | None = None,
    *,
    tolerance: Tolerance | None = None,
    tokens: Sequence[str] = (),
    above_quota: bool | None = None,
) -> StepLoad:
    """Measure a workload at one constant rate after the other, until one leaves the tolerance twice in a row.

    Args:
        workload: what is written; its own rate is not used.
        rates_per_s: ascending.
        tolerance: by default `Tolerance.of(workload)`.
        audience, tokens, above_quota: as in `measure`.

    Raises:
        As `measure`, until the first step is measured; SettingsError also where the rates do not ascend.
    """
    if not rates_per_s or any(after <= before for before, after in pairwise(rates_per_s)):
        happened = f"the rates are {', '.join(f'{rate:g}' for rate in rates_per_s) or 'none'}"
        raise SettingsError("planning the steps", happened, "Give at least one rate, the slowest first")
    audience, tolerance = audience or Audience(), tolerance or Tolerance.of(workload)
    planned = [msgspec.structs.replace(workload, rate=Constant(float(rate))) for rate in rates_per_s]
    permit(target, planned[-1], audience, above_quota=above_quota)
    steps, stopped = await _climb(target, planned, audience, tolerance, tokens)
    return StepLoad(
        target=str(target),
        taken_at=utc_now(),
        route=str(workload.route),
        subscribers=audience.subscribers,
        tolerance=tolerance,
        rates_per_s=tuple(map(float, rates_per_s)),
        steps=tuple(steps),
        stopped=stopped,
    )


async def _climb(
    target: Target, planned: Sequence[Workload], audience: Audience, tolerance: Tolerance, tokens: Sequence[str]
) -> tuple[list[Step], str]:
    """Step by step until one is not good; with the reason if something else ended it after the first."""
    steps: list[Step] = []
    try:
        async with Writer(target) as writer:
            for step in planned:
                measuring = _until_good(step, tolerance, target, audience, tokens=tokens, writer=writer)
                steps.append(_step(step, [recording async for recording in measuring], tolerance))
                if steps[-1].reasons:
                    break
    except FailureError as error:
        if not steps:
            raise
        return steps, f"at {planned[len(steps)].mean_per_s:,g}/s {error.happened}"
    return steps, ""


async def _until_good(
    workload: Workload, tolerance: Tolerance, target: Target, audience: Audience, **options: Any
) -> AsyncIterator[Recording]:
    """Measure a step, and again if it was not good: it may have been a moment's doing."""
    for run in range(2):
        label = f"{workload.route} at {workload.rate}"
        recording = await measure(target, workload, audience, label=label, run=run, above_quota=True, **options)
        yield recording
        if not tolerance.left_by(recording, workload.messages):
            return


def _step(workload: Workload, recordings: Sequence[Recording], tolerance: Tolerance) -> Step:
    last = recordings[-1]
    # A harness that is late makes latencies and keeps no rate, but refuses and loses nothing.
    is_whole = last.sent == workload.messages and _lost_percent(last) <= tolerance.lost_percent
    by_harness = is_whole and any(note.startswith(HARNESS_LIMIT) for note in last.notes)
    return Step(workload.mean_per_s, tuple(recordings), tolerance.left_by(last, workload.messages), by_harness)


def _lost_percent(recording: Recording) -> float:
    return 100 * recording.lost / recording.expected if recording.expected else 0.0


def _kept(recording: Recording) -> float:
    harness = recording.harness
    return 1.0 if harness is None or not harness.scheduled_per_s else harness.sent_per_s / harness.scheduled_per_s


def _row(step: Step) -> dict[str, object]:
    recording = step.recording
    has_latency = recording.latency.count > 0
    return {
        "asked (1/s)": step.rate_per_s,
        "sent (1/s)": recording.harness.sent_per_s if recording.harness else math.nan,
        "received (1/s)": recording.throughput_per_s,
        "lost": recording.lost,
        "latency p50 (ms)": recording.latency_ms(50) if has_latency else None,
        "latency p99 (ms)": recording.latency_ms(99) if has_latency else None,
        "measured": len(step.recordings),
        "left the tolerance": "; ".join(step.reasons),
        "note": "; ".join(recording.notes),
    }
