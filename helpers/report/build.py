"""Puts a report together. Every number in it comes out of a result file."""

from __future__ import annotations

from collections.abc import Iterator

from helpers.report.advice import monitoring, optimizations, plan
from helpers.report.circumstances import commands, sources, versions
from helpers.report.code_changes import code_review
from helpers.report.examples import examples
from helpers.report.inputs import ALWAYS_IN_A_LAB, Inputs
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
    latest = inputs.latest
    judged = verdicts(inputs)
    return Report(
        target=latest.target,
        taken_at=latest.taken_at,
        summary=_summary(judged, inputs),
        sources=sources(inputs),
        versions=versions(inputs),
        performance=performance(inputs),
        verdicts=judged,
        bottlenecks=bottlenecks(inputs),
        connection_problems=connection_problems(inputs),
        plan=plan(inputs),
        examples=examples(inputs),
        optimizations=optimizations(inputs),
        monitoring=monitoring(inputs),
        projections=projections(inputs),
        warnings=tuple(_warnings(inputs)),
        commands=commands(inputs),
        code=code_review(inputs),
    )


def _summary(judged: tuple[Verdict, ...], inputs: Inputs) -> str:
    """The report in two sentences."""
    counts = {word: sum(verdict.word == word for verdict in judged) for word in ("met", "missed", "open")}
    missed = [verdict.objective for verdict in judged if verdict.met is False]
    sentence = f"Of {len(judged)} targets {counts['met']} are met, {counts['missed']} missed and {counts['open']} open"
    sentence += f" (missed: {', '.join(missed)})." if missed else "."
    return f"{sentence} {inputs.diagnosis.result.headline.rstrip('.')}." if inputs.diagnosis else sentence


def _warnings(inputs: Inputs) -> Iterator[str]:
    """What makes the numbers of this report hard to compare with each other, or to repeat."""
    kinds = {saved.target.partition(" ")[0] for saved in inputs.saved if saved.name not in ALWAYS_IN_A_LAB}
    if len(kinds) > 1:
        named = ", ".join(f"{saved.name}: {saved.target}" for saved in inputs.saved)
        yield f"The results come from different targets ({named}); run the notebooks again on one of them."
    checkouts = {saved.versions.get("commit", "") for saved in inputs.saved}
    if len(checkouts) > 1:
        yield "The results were measured with different versions of the workbook; run the notebooks again with one."
    elif any(name.endswith("-dirty") for name in checkouts):
        yield "The workbook was changed and not committed, so that no commit names what measured this."
