"""Puts a report together. Every number in it comes out of a result file."""

from __future__ import annotations

from helpers.report.advice import monitoring, optimizations, plan
from helpers.report.examples import examples
from helpers.report.inputs import Inputs
from helpers.report.issues import bottlenecks, connection_problems
from helpers.report.model import Report, Verdict
from helpers.report.objectives import verdicts
from helpers.report.performance import performance
from helpers.report.projections import projections

__all__ = ["build_report"]


def build_report(inputs: Inputs | None = None) -> Report:
    """Make the report from what lies in the results folder (or from `inputs`).

    Raises:
        RunError: nothing has been measured yet, or a result cannot be read.
    """
    inputs = inputs or Inputs.load()
    latest = max(inputs.saved, key=lambda saved: saved.taken_at)
    judged = verdicts(inputs)
    return Report(
        target=latest.target,
        taken_at=latest.taken_at,
        summary=_summary(judged, inputs),
        sources=inputs.sources,
        versions=latest.versions,
        performance=performance(inputs),
        verdicts=judged,
        bottlenecks=bottlenecks(inputs),
        connection_problems=connection_problems(inputs),
        plan=plan(inputs),
        examples=examples(inputs),
        optimizations=optimizations(inputs),
        monitoring=monitoring(inputs),
        projections=projections(inputs),
        warnings=_warnings(inputs),
    )


def _summary(judged: tuple[Verdict, ...], inputs: Inputs) -> str:
    """The report in two sentences."""
    counts = {word: sum(verdict.word == word for verdict in judged) for word in ("met", "missed", "open")}
    missed = [verdict.objective for verdict in judged if verdict.met is False]
    sentence = f"Of {len(judged)} targets {counts['met']} are met, {counts['missed']} missed and {counts['open']} open"
    sentence += f" (missed: {', '.join(missed)})." if missed else "."
    return f"{sentence} {inputs.diagnosis.result.headline.rstrip('.')}." if inputs.diagnosis else sentence


def _warnings(inputs: Inputs) -> tuple[str, ...]:
    """What makes the numbers of this report hard to compare with each other."""
    kinds = {saved.target.partition(" ")[0] for saved in inputs.saved}
    if len(kinds) > 1:
        named = ", ".join(f"{saved.name}: {saved.target}" for saved in inputs.saved)
        return (f"The results come from different targets ({named}); run the notebooks again on one of them.",)
    return ()
