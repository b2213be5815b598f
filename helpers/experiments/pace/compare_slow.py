"""What a client that is too slow should do with what it cannot handle yet."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from helpers.experiments.answer import leaders
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.pace.slow import watch
from helpers.experiments.pace.slow_results import Flood, Reading, SlowRun
from helpers.experiments.rounds import run_rounds
from helpers.experiments.sending import sending
from helpers.experiments.size import Size, experiment_size
from helpers.profiling.results import Skipped
from helpers.target import Target, TargetKind

__all__ = ["compare_slow_readers", "watch_slow_reader"]

#: Rounds by size: how often each arm runs.
ROUNDS = {Size.SMALL: 2, Size.FULL: 10}

_LOST, _AGE, _MEMORY = "never handled", "age in the end", "most in the application"
_GIVEN_UP, _TOLD = "server gave up after", "client told after that"

_METRICS = (
    Metric(_LOST, "%", most=100.0),
    Metric(_AGE, "s"),
    Metric(_MEMORY, "MB"),
    Metric("most in both kernels", "MB"),
    Metric("most on the server", "MB"),
    Metric(_GIVEN_UP, "s", higher_is_better=True),
    Metric(_TOLD, "s"),
)

_SKIPPED = Skipped(
    "a slow reader", "it floods the target until its server gives up: call it with the lab as its target"
)


async def watch_slow_reader(
    target: Target, reading: Reading = Reading.STOPS, *, flood: Flood | None = None
) -> SlowRun | Skipped:
    """Flood one client, and look every 10 ms at what waits where.

    Raises:
        FailureError: the target refused.
    """
    if target.kind is not TargetKind.LAB:
        return _SKIPPED
    async with sending(target) as sender:
        return await watch(target, sender, reading, flood or Flood())


async def compare_slow_readers(
    target: Target, *, flood: Flood | None = None, size: Size | str | None = None, rounds: int | None = None
) -> Experiment | Skipped:
    """Flood clients that differ in what they do with messages that they cannot handle yet.

    Args:
        rounds: how often each is tried; by default as many as the size asks for.

    Raises:
        FailureError: the target refused.
    """
    if target.kind is not TargetKind.LAB:
        return _SKIPPED
    chosen, load = experiment_size(size), flood or Flood()
    async with sending(target) as sender:

        async def run(reading: Reading, _number: int) -> Outcome:
            return _outcome(await watch(target, sender, reading, load))

        return await run_rounds(
            "slow readers",
            "What should a client do with messages that come faster than it can handle them?",
            target,
            {reading.value: partial(run, reading) for reading in Reading},
            metrics=_METRICS,
            rounds=ROUNDS[chosen] if rounds is None else rounds,
            size=chosen,
            answer=_answer,
            settings={
                "rate_per_s": load.rate_per_s,
                "seconds": load.seconds,
                "body_bytes": load.body_bytes,
                "handle_ms": 1e3 * load.handle_s,
                "keys": load.keys,
            },
        )


def _outcome(run: SlowRun) -> Outcome:
    gave_up, told = run.closed_s, run.told_s
    values: dict[str, float | None] = {
        _LOST: 100 * run.lost / run.sent.messages,
        _AGE: run.age_s,
        _MEMORY: _megabytes([moment.in_application for moment in run.moments]),
        "most in both kernels": _megabytes([moment.unread + moment.unsent for moment in run.moments]),
        "most on the server": _megabytes(run.on_server) if run.known else None,
        _GIVEN_UP: gave_up,
        _TOLD: told - gave_up if gave_up is not None and told is not None else None,
    }
    notes = [f"the client was told: {run.reason}"] if run.reason else []
    if not run.known:
        notes.append("this system does not tell what waits on the server's end of a connection")
    return Outcome(values, notes=tuple(notes))


def _megabytes(sizes: Sequence[float]) -> float:
    """The most of them, to a tenth: what is less is a message that is on its way."""
    return round(max(sizes) / 1e6, 1)


def _answer(experiment: Experiment) -> str:
    return " ".join([*_given_up(experiment), _kept(experiment), leaders(experiment, [_AGE]), _left_out(experiment)])


def _given_up(experiment: Experiment) -> list[str]:
    """Whom the server gave up, and when they learnt of it."""
    said = []
    for arm in experiment.arms:
        closed, runs = experiment.values(arm, _GIVEN_UP), experiment.values(arm, _LOST)
        told = experiment.estimate(arm, _TOLD)
        if closed:
            when = experiment.estimate(arm, _GIVEN_UP).mean
            said.append(
                f"“{arm}”: the server gave the client up in {len(closed)} of {len(runs)} runs, after {when:.2f} s; "
                + (f"the client heard of it {told.mean:.2f} s later." if told.n else "the client never heard of it.")
            )
    return said or ["The server gave up none of them."]


def _kept(experiment: Experiment) -> str:
    arm = max(experiment.arms, key=lambda arm: experiment.estimate(arm, _MEMORY).mean)
    return f"Most memory: “{arm}”, {experiment.estimate(arm, _MEMORY).mean:.0f} MB, and more for as long as it goes on."


def _left_out(experiment: Experiment) -> str:
    shares = [f"“{arm}” {experiment.estimate(arm, _LOST).mean:.0f} %" for arm in experiment.arms]
    return f"Never handled: {', '.join(shares)}."
