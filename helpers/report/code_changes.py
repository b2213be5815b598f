"""Section "Changes in the code": what the review of the application proposes, with the gains that were measured."""

from __future__ import annotations

from collections.abc import Iterator

from helpers.profiling.statistics import Gain
from helpers.report.inputs import Inputs, missing
from helpers.report.model import CodeChange, CodeReview, Measure, number
from helpers.review.plan.gains import ChangeGain
from helpers.review.plan.model import Change, Plan
from helpers.review.plan.planning import UNASKED
from helpers.review.reviewed import PATH_VARIABLE, Reviewed

__all__ = ["code_review", "of_gain", "together"]


def code_review(inputs: Inputs) -> CodeReview:
    """The review among the results, or the reason why there is none."""
    if inputs.review is None:
        return CodeReview(
            f"Not reviewed, because {inputs.why_not('review')}. `workbook review PATH --plan` reviews a folder, "
            "measures what changes of its code would bring, and keeps that for this report."
        )
    result = inputs.review.result
    return CodeReview(_summary(result), tuple(_changes(result.plan)), together(result.plan))


def together(plan: Plan) -> Measure | None:
    """What all changes that pay bring at once; None if it was not measured."""
    gain = plan.together.chosen if plan.together else None
    return of_gain(gain, gain.metric, "review.json: plan.together") if gain else None


def of_gain(gain: Gain, name: str, source: str, note: str = "") -> Measure:
    """A gain as a measure, with its two sides as a note unless there is another."""
    return Measure(
        name,
        "%",
        gain.change_percent,
        gain.low_percent,
        gain.high_percent,
        n=gain.n,
        counted="pairs of runs",
        source=source,
        note=note or f"{number(gain.before)} → {number(gain.after)} {gain.unit}".rstrip(),
    )


def _summary(result: Reviewed) -> str:
    found = ", ".join(f"{count:,} {severity}s" for severity, count in result.findings.items()) or "no findings"
    whose = f" (the workbook's sample: `{PATH_VARIABLE}` names yours)" if result.is_sample else ""
    return (
        f"Reviewed: `{result.code}`{whose}, {result.files:,} files with {result.channels:,} channels; {found}. Gains "
        "were measured by replaying its subscriptions in a lab, before and after each change in turns, size "
        f"{result.size}; usage {result.plan.usage}."
    )


def _changes(plan: Plan) -> Iterator[CodeChange]:
    for place, change in enumerate(plan.changes):
        yield _change(change, "pays" if change.gain else "makes it work", f"review.json: plan.changes[{place}].gain")
    for place, change in enumerate(plan.not_gaining):
        yield _change(change, "no gain shown", f"review.json: plan.not_gaining[{place}].gain")
    for change in plan.not_measured:
        yield _change(change, "not measured", "")


def _change(change: Change, outcome: str, source: str) -> CodeChange:
    gain = change.gain
    return CodeChange(
        title=change.title,
        place=str(change.place),
        outcome=outcome,
        gain=_measure(change, source),
        besides=tuple(_besides(gain)) if gain else (),
        quota=_quota(gain) if gain else "",
        advice=change.advice.removesuffix(f"Not measured: {UNASKED}.").strip(),
        diff=change.diff,
        sql=change.sql,
    )


def _quota(gain: ChangeGain) -> str:
    """Empty where the change takes no fewer and no more messages."""
    return f"{gain.before} → {gain.after}" if gain.before and gain.after and gain.before != gain.after else ""


def _measure(change: Change, source: str) -> Measure:
    """Of the metric that was chosen before anything was measured."""
    if change.gain is None:
        unasked = change.advice.endswith(f"Not measured: {UNASKED}.")
        return missing("Gain", UNASKED if unasked else "no replay tells what it brings")
    if change.gain.chosen is None:
        return missing("Gain", "the runs could not be compared")
    return of_gain(change.gain.chosen, change.gain.chosen.metric, source)


def _besides(gain: ChangeGain) -> Iterator[str]:
    yield from (f"also {other}" for other in gain.better)
    yield from (f"but {other}" for other in gain.worse)
