"""Several runs as one: the first with its begin and duration, each step with the times of all runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from helpers.diagnosis.evidence import Connection, Live, Step
from helpers.diagnosis.probes import Run
from helpers.diagnosis.results import Layer, Status

__all__ = ["layers", "merged_connection", "merged_live"]


def merged_connection(runs: Sequence[Run]) -> Connection:
    """The first run's connection; a later run's when that one failed, for it tells more."""
    connections = [run.connection for run in runs]
    seen = next((connection for connection in reversed(connections) if not connection.open), connections[0])
    return replace(seen, steps=_merged([connection.steps for connection in connections]))


def merged_live(runs: Sequence[Run]) -> Live:
    lives = [run.live for run in runs]
    writes = tuple(write for live in lives for write in live.write_ms)
    seen = next((live for live in reversed(lives) if live.faulty), lives[0])
    return replace(seen, steps=_merged([live.steps for live in lives]), write_ms=writes)


def layers(runs: Sequence[Run]) -> tuple[Layer, ...]:
    """The waterfall of the first run."""
    steps = _merged([(*run.connection.steps, *run.live.steps) for run in runs])
    return tuple(
        Layer(step.name, step.started_ms, step.took_ms, _status(step), step.detail, step.samples_ms) for step in steps
    )


def _merged(runs: Sequence[tuple[Step, ...]]) -> tuple[Step, ...]:
    return tuple(_merged_step(same) for same in zip(*runs, strict=True))


def _merged_step(same: tuple[Step, ...]) -> Step:
    """A step that failed in any run is a failed step, with that run's fault and no time that would hide it."""
    failed = next((step for step in same if step.fault), None)
    if failed is not None:
        return replace(failed, started_ms=same[0].started_ms or failed.started_ms)
    return replace(same[0], samples_ms=tuple(sample for step in same for sample in step.samples_ms))


def _status(step: Step) -> Status:
    if step.fault:
        return Status.FAILURE
    return Status.SKIPPED if step.skipped else Status.OK
