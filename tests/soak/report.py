"""A soak's outcome in words and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tests.soak.leftovers import HELD
from tests.soak.memory import Growth, Sample, Windows, growth
from tests.soak.soak import Outcome
from tests.soak.verdict import Judgement

__all__ = ["growths", "lines", "memory_held"]

#: The smallest thing that can stay behind of a visit is an entry of a dictionary or set with a small object: some 100
#: bytes. A slope below that, for each visit, is no leak of anything that a visit has. Whatever stays behind is at least
#: one block; the block is what tells, and the bytes confirm it.
_BYTES_A_VISIT, _BLOCKS_A_VISIT = 100.0, 1.0
#: PostgreSQL's processes fill their caches of plans and tables: a mebibyte a minute would be 60 an hour, and a lab does
#: not run for days. Node's heap grows far before V8 collects (222 MiB after 6,400 requests without a pause, as much
#: after 16,000, and 110 when the load is light), so that only a leak of some 50 KiB a request would show here.
_POSTGRES_KIB, _NODE_KIB = 1024.0, 2048.0
#: Python collects old garbage about every 45 s at this load; until then its blocks come and go with it.
_COLLECTED = Windows(seconds=60.0, level=min)
_WARM_UP, _SHORTEST_S = 0.2, 360.0


def growths(outcome: Outcome) -> list[Growth]:
    """Of the processes, after a fifth of the run; empty if it was too short to tell."""
    samples, seconds = outcome.samples, outcome.plan.seconds
    if seconds < _SHORTEST_S:
        return []
    visits_per_min = outcome.visits / (seconds / 60)
    per_visit = visits_per_min * _BYTES_A_VISIT / 1024
    warm_up_s, blocks = _WARM_UP * seconds, visits_per_min * _BLOCKS_A_VISIT
    kinds: tuple[tuple[str, Callable[[Sample], float], float, dict[str, Any]], ...] = (
        ("lab, resident", lambda one: one.lab_kib, per_visit, {}),
        ("lab, Python's blocks", lambda one: one.blocks, blocks, {"unit": "blocks", "windows": _COLLECTED}),
        ("PostgreSQL, private", lambda one: one.postgres_kib, _POSTGRES_KIB, {}),
        ("Node, resident", lambda one: one.node_kib, _NODE_KIB, {}),
    )
    return [
        growth(what, samples, value, warm_up_s=warm_up_s, tolerance=limit, **more) for what, value, limit, more in kinds
    ]


def memory_held(grown: Iterable[Growth]) -> bool:
    """Whether every process is surely flat. The blocks point at the culprit: few windows may leave them undecided."""
    return all(one.flat or (one.unit == "blocks" and not one.grew) for one in grown)


def lines(outcome: Outcome, grown: list[Growth]) -> Iterator[str]:
    """The whole report."""
    for what, how_much in outcome.done.items():
        yield f"{what}: {how_much}"
    yield ""
    yield f"{'subscriber who stayed':<24}{'expected':>10}{'heard':>10}" + "".join(f"{k:>11}" for k in Judgement.KINDS)
    yield from map(_row, outcome.judgements)
    yield ""
    yield f"{'held by the lab':<46}{'before':>8}{'after':>8}"
    for name in (*HELD, *sorted(name for name in outcome.after if name.startswith("lab_") and name not in HELD)):
        yield f"{name:<46}{outcome.before.get(name, 0):>8,.0f}{outcome.after.get(name, 0):>8,.0f}"
    yield from _files(outcome)
    yield ""
    yield from (map(str, grown) if grown else ["memory: too short a run to tell whether it grew"])
    yield ""
    yield from outcome.problems


def _row(judgement: Judgement) -> str:
    counts = "".join(f"{len(getattr(judgement, kind)):>11,}" for kind in Judgement.KINDS)
    return f"{judgement.name:<24}{judgement.expected:>10,}{judgement.heard:>10,}{counts}"


def _files(outcome: Outcome) -> Iterator[str]:
    """Open descriptors at first, at most and at last."""
    counts = [sample.files for sample in outcome.samples]
    if counts:
        name = f"open files of the lab process (most: {max(counts)})"
        yield f"{name:<46}{counts[0]:>8}{outcome.files_after:>8}"
