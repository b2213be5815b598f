"""Runs the arms of an experiment side by side: each once a round, so that all meet the same weather."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from helpers.errors import SettingsError, WorkbookError
from helpers.experiments.experiment import Contrast, Experiment, Measure, Metric, Outcome
from helpers.experiments.size import Size
from helpers.profiling.investigation import environment
from helpers.profiling.recording import Recording
from helpers.profiling.statistics import paired_gain
from helpers.progress import Progress
from helpers.redaction import masked, secrets_of
from helpers.results import utc_now
from helpers.target import Target

__all__ = ["Arm", "run_rounds"]

#: One way to do it: given the number of the round, it runs once and tells what it measured.
Arm = Callable[[int], Awaitable[Outcome]]


@dataclass(slots=True)
class _Collected:
    """What the rounds have brought so far."""

    outcomes: dict[tuple[str, int], Outcome] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


async def run_rounds(
    name: str,
    question: str,
    target: Target,
    arms: Mapping[str, Arm],
    *,
    metrics: Sequence[Metric],
    rounds: int,
    size: Size,
    answer: Callable[[Experiment], str],
    baseline: str | None = None,
    settings: Mapping[str, object] | None = None,
) -> Experiment:
    """Run every arm once in each round, and compare each with the baseline.

    The order rotates from round to round, so that no arm always meets the warmer server. An arm that fails in a round
    is told in the notes and is missing from that round's pairs; the others go on.

    Args:
        arms: by the names under which they are shown.
        answer: computes, from the experiment without it, what the runs say.
        baseline: the arm that the others are compared with, the first by default.

    Raises:
        SettingsError: fewer than one round, or no arms.
        WorkbookError: not one run of any arm succeeded; it is the first one's error.
    """
    if rounds < 1 or not arms:
        raise SettingsError("planning an experiment", f"{len(arms)} arms, {rounds} rounds", "Choose at least 1 of each")
    names = _baseline_first(tuple(arms), baseline)
    began, taken_at = time.monotonic(), utc_now()
    collected = await _run_all(name, target, arms, names, rounds)
    experiment = Experiment(
        name=name,
        question=question,
        target=str(target),
        taken_at=taken_at,
        size=size,
        seconds=time.monotonic() - began,
        arms=names,
        metrics=tuple(metrics),
        measures=tuple(_measures(collected, names, metrics, rounds)),
        contrasts=tuple(_contrasts(collected, names, metrics, rounds)),
        settings={key: str(value) for key, value in (settings or {}).items()} | {"rounds": str(rounds)},
        environment=environment(),
        notes=_notes(collected),
        recordings=tuple(_recordings(collected)),
    )
    return replace(experiment, answer=answer(experiment))


def _baseline_first(names: tuple[str, ...], baseline: str | None) -> tuple[str, ...]:
    if baseline is None:
        return names
    if baseline not in names:
        raise SettingsError(
            "planning an experiment", f"there is no arm {baseline!r}", f"Name one of {', '.join(names)}"
        )
    return (baseline, *(name for name in names if name != baseline))


async def _run_all(name: str, target: Target, arms: Mapping[str, Arm], names: Sequence[str], rounds: int) -> _Collected:
    collected, first_error, secrets = _Collected(), None, secrets_of(target)
    with Progress() as progress:
        for number in range(rounds):
            for arm in _rotated(names, number):
                progress.say(f"{name}: round {number + 1} of {rounds}, {arm}")
                try:
                    collected.outcomes[arm, number] = _without(secrets, await arms[arm](number))
                except WorkbookError as error:
                    first_error = first_error or error
                    happened = masked(error.happened, secrets)
                    collected.notes.append(f"{arm}, round {number + 1}: left out, {happened}")
    if first_error is not None and not collected.outcomes:
        raise first_error
    return collected


def _without(secrets: tuple[str, ...], outcome: Outcome) -> Outcome:
    """The outcome with every secret of the target masked: what a server said may hold one, and experiments are kept."""

    def told(notes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(masked(note, secrets) for note in notes)

    recording = outcome.recording
    return replace(
        outcome,
        notes=told(outcome.notes),
        recording=None if recording is None else replace(recording, notes=told(recording.notes)),
    )


def _rotated(names: Sequence[str], number: int) -> Iterator[str]:
    turn = number % len(names)
    yield from (*names[turn:], *names[:turn])


def _measures(collected: _Collected, names: Sequence[str], metrics: Sequence[Metric], rounds: int) -> Iterator[Measure]:
    for arm in names:
        for metric in metrics:
            for number, value in enumerate(_values(collected, arm, metric, rounds)):
                if value is not None:
                    yield Measure(arm, metric.name, metric.unit, number, value)


def _contrasts(
    collected: _Collected, names: Sequence[str], metrics: Sequence[Metric], rounds: int
) -> Iterator[Contrast]:
    before, *others = names
    for metric in metrics:
        first = _values(collected, before, metric, rounds)
        for after in others:
            second = _values(collected, after, metric, rounds)
            better = metric.higher_is_better
            gain = paired_gain(metric.name, metric.unit, first, second, higher_is_better=better)
            if gain is not None:
                yield Contrast(before, after, gain)


def _values(collected: _Collected, arm: str, metric: Metric, rounds: int) -> list[float | None]:
    """Of all rounds, None where an arm failed or could not tell."""
    outcomes = (collected.outcomes.get((arm, number)) for number in range(rounds))
    return [None if outcome is None else outcome.values.get(metric.name) for outcome in outcomes]


def _notes(collected: _Collected) -> tuple[str, ...]:
    """Each once, with where it was said."""
    said: dict[str, list[str]] = {}
    for (arm, number), outcome in sorted(collected.outcomes.items(), key=lambda item: item[0][1]):
        recorded = outcome.recording.notes if outcome.recording else ()
        for note in (*outcome.notes, *recorded):
            said.setdefault(note, []).append(f"{arm}, round {number + 1}")
    return (*collected.notes, *(f"{'; '.join(places)}: {note}" for note, places in said.items()))


def _recordings(collected: _Collected) -> Iterator[Recording]:
    for (arm, number), outcome in collected.outcomes.items():
        if outcome.recording is not None:
            yield replace(outcome.recording, label=arm, run=number)
