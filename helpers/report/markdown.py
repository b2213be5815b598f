"""A report as Markdown, in the specification's format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from helpers.report.model import CodeChange, CodeReview, Example, Issue, Measure, Report, number
from helpers.report.pictures import Picture

__all__ = ["TITLE", "as_markdown"]

TITLE = "⚡ SUPABASE REALTIME OPTIMIZATION (PRISMA + SUPABASE)"

#: What would be read as Markdown or HTML in a text that comes from a server.
_SPECIAL = re.compile(r"([\\*_\[\]<>|~])")


def as_markdown(report: Report, pictures: Sequence[Picture] = ()) -> str:
    """The report, section for section. Pictures are linked as `pictures/<name>.png`."""
    sections = (
        _head(report),
        _performance(report, pictures),
        _issues(report),
        _plan(report),
        _monitoring(report),
        _projections(report),
        _origin(report),
    )
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _head(report: Report) -> Iterator[str]:
    yield f"# {TITLE}"
    yield ""
    yield f"Target: **{_escaped(report.target)}**, measured {report.taken_at}."
    yield ""
    yield _escaped(report.summary)
    for warning in report.warnings:
        yield ""
        yield f"> **Note:** {_escaped(warning)}"


def _performance(report: Report, pictures: Sequence[Picture]) -> Iterator[str]:
    yield "## Current Performance Analysis"
    yield ""
    for measure in report.performance:
        yield f"- {measure.name}: {_value(measure)}"
    for picture in pictures:
        yield ""
        yield f"![{_escaped(picture.alt)}](pictures/{picture.name}.png)"
    yield ""
    yield "### Against the targets"
    yield ""
    yield from _table(
        ("Target", "Asked for", "Measured", "Verdict"),
        ([v.objective, v.threshold, _escaped(v.measure.short), f"**{v.word}**"] for v in report.verdicts),
    )
    yield ""
    yield "How each was measured, or why it was not:"
    yield ""
    yield from (f"- {verdict.objective}: {_value(verdict.measure)}" for verdict in report.verdicts)


def _value(measure: Measure) -> str:
    """A measure with its value in bold, so that the eye finds it."""
    text = _escaped(str(measure))
    if measure.value is None:
        return text
    value, bracket, details = text.partition(" (")
    return f"**{value}**{bracket}{details}"


def _issues(report: Report) -> Iterator[str]:
    yield "## Identified Issues"
    yield ""
    yield "### Bottlenecks"
    yield from _each(report.bottlenecks, "Cause & impact", "Fix", "Expected gain")
    yield ""
    yield "### Connection Problems"
    yield from _each(report.connection_problems, "Conditions", "Solution", "Expected gain")
    notes = [issue for issue in (*report.bottlenecks, *report.connection_problems) if issue.is_note]
    if notes:
        yield ""
        yield "### Worth knowing"
        yield ""
        yield "These work as designed; what they mean for this application is for its owners to say."
        yield ""
        yield from map(_note, notes)


def _each(issues: Iterable[Issue], cause: str, fix: str, gain: str) -> Iterator[str]:
    yield ""
    found = [issue for issue in issues if not issue.is_note]
    for issue in found:
        yield f"- **{_prose(issue.title)}** ({issue.word})"
        yield f"  - {cause}: {_prose(issue.cause)}"
        yield f"  - {fix}:{_indented(issue.fix)}"
        yield f"  - {gain}: {_prose(issue.gain)}"
        if issue.prevention:
            yield f"  - Prevention: {_prose(issue.prevention)}"
        yield f"  - Source: {_escaped(issue.source)}"
    if not found:
        yield "None found by the checks that could run."


def _note(note: Issue) -> str:
    """In one item; what to do where it matters stands on the rule's page."""
    rule = note.source.removeprefix("diagnosis.json: ").partition(";")[0]
    return f"- **{_prose(note.title)}.** {_prose(note.cause)} What to do where it matters: `workbook explain {rule}`."


def _plan(report: Report) -> Iterator[str]:
    yield "## Optimization Plan"
    yield ""
    yield "### Prisma Integration"
    yield ""
    yield from (f"- {step}" for step in report.plan)
    yield ""
    yield from _code_review(report.code)
    yield ""
    yield "### Example Optimized Code"
    for example in report.examples:
        yield from _code(example)
    yield ""
    yield "### Additional Optimizations"
    yield ""
    yield from (f"{place}. {text}" for place, text in enumerate(report.optimizations, start=1))


#: So many of one outcome are told one by one.
MOST_CHANGES = 8

#: Outcomes of changes, in the order in which they are told, and what is said of each.
_OUTCOMES = {
    "pays": "**Shown to pay**, in this order:",
    "makes it work": "**To make work what does not** (there is nothing to compare with):",
    "no gain shown": "**Measured, no gain shown**, so not proposed:",
    "not measured": "**Not measured** (`workbook review PATH --plan` measures all that replays know):",
}


def _code_review(review: CodeReview) -> Iterator[str]:
    yield "### Changes in the Code"
    yield ""
    yield _prose(review.summary)
    for outcome, heading in _OUTCOMES.items():
        changes = [change for change in review.changes if change.outcome == outcome]
        if changes:
            yield ""
            yield heading
            yield ""
            yield from (line for change in changes[:MOST_CHANGES] for line in _code_change(change))
            if len(changes) > MOST_CHANGES:
                yield f"- and {len(changes) - MOST_CHANGES:,} more, all of them in `report.json`"
    if review.together is not None:
        yield ""
        yield f"All that pay together: {_escaped(review.together.name)} {_arrow(review.together)}."


def _code_change(change: CodeChange) -> Iterator[str]:
    yield f"- {_prose(change.title)} (`{change.place}`)"
    if change.gain.value is not None:
        yield f"  - Expected gain: {_escaped(change.gain.name)} {_arrow(change.gain)}"
        yield from (f"  - {_escaped(text[:1].upper() + text[1:])}" for text in change.besides)
    if change.quota:
        yield f"  - Quota: {_escaped(change.quota)}"
    if change.advice:
        yield f"  - {_prose(change.advice)}"
    if change.outcome in ("pays", "makes it work"):
        yield from _block("diff", change.diff)
        yield from _block("sql", None if change.diff else change.sql)  # a diff makes the migration


def _block(language: str, code: str | None) -> Iterator[str]:
    """Code below an item of a list; the fence is longer than any in it."""
    if code:
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", code)), default=0))
        yield ""
        yield from (f"    {line}".rstrip() for line in (f"{fence}{language}", *code.rstrip().splitlines(), fence))
        yield ""


def _code(example: Example) -> Iterator[str]:
    yield ""
    yield f"**{example.title}**"
    yield ""
    yield f"```{example.language}"
    yield example.code
    yield "```"


def _monitoring(report: Report) -> Iterator[str]:
    yield "## Monitoring Setup"
    yield ""
    yield from (f"- {text}" for text in report.monitoring)


def _projections(report: Report) -> Iterator[str]:
    yield "## Performance Projections"
    yield ""
    yield from (f"- {measure.name}: {_arrow(measure)}" for measure in report.projections)


def _arrow(measure: Measure) -> str:
    """A change with the direction in front; one whose interval holds zero shows no direction."""
    if measure.value is None:
        return _escaped(str(measure))
    details = _escaped(str(measure).partition(" (")[2])
    if measure.low is not None and measure.high is not None and measure.low <= 0 <= measure.high:
        return f"**no difference shown** ({details}"
    if measure.value >= 0:
        return f"**↑ {number(measure.value)} {measure.unit}** ({details}"
    fall = replace(measure, value=-measure.value, low=_negative(measure.high), high=_negative(measure.low))
    return f"**↓ {number(-measure.value)} {measure.unit}** ({_escaped(str(fall).partition(' (')[2])}"


def _negative(value: float | None) -> float | None:
    """So that "↓ 75 %" has the interval "71 to 79"."""
    return None if value is None else -value


def _origin(report: Report) -> Iterator[str]:
    yield "## Where the numbers come from"
    yield ""
    yield "Intervals are 95 % intervals: of medians and means by a block bootstrap, of 95th percentiles by ranks"
    yield "(after Conover), of shares after Wilson, of gains by Student's t on the logarithms of paired ratios, of"
    yield "slopes by least squares."
    yield ""
    yield "### To repeat it"
    yield ""
    yield "```sh"
    yield from report.commands
    yield "```"
    yield ""
    yield from _sources(report)
    yield ""
    yield "### Figures and their fields"
    yield ""
    yield from _table(
        ("Figure", "Field"),
        ([measure.name, f"`{measure.source}`"] for measure in _measured(report)),
    )
    yield ""
    yield "### Versions and machine"
    yield ""
    yield from _table(("Name", "Version"), ([_escaped(name), _escaped(v)] for name, v in report.versions.items()))


def _sources(report: Report) -> Iterator[str]:
    """Each result with what it takes to measure it again."""
    yield "### Results, settings and seeds"
    yield ""
    yield "What its own notebook had not measured, `04_report` measured in small."
    for source in report.sources:
        yield ""
        yield f"- **{source.name}.json**, {_escaped(source.target)}, {source.taken_at}"
        yield f"  - Measured by: `{source.notebook}`"
        yield from (f"  - {_sentence(name)}: {_escaped(value)}" for name, value in source.settings.items())
        yield f"  - Seeds: {_escaped(source.seeds)}"


def _sentence(name: str) -> str:
    """A setting's name at the begin of a line; a variable keeps its own."""
    return f"`{name}`" if name.isupper() else _escaped(name[:1].upper() + name[1:])


def _measured(report: Report) -> Iterator[Measure]:
    return (measure for measure in (*report.performance, *report.projections) if measure.value is not None)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join(' --- ' for _ in head)}|"
    yield from (f"| {' | '.join(cell.replace(chr(10), ' ') for cell in row)} |" for row in rows)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text).replace("\n", " ")


def _prose(text: str) -> str:
    """Escaped, but for what stands in backticks."""
    parts = enumerate(re.split(r"(`[^`]*`)", text))
    return "".join(part.replace("\n", " ") if index % 2 else _escaped(part) for index, part in parts)


def _indented(text: str) -> str:
    """A fix as an item of a list: prose in its line, code below it in a block of its own."""
    if "\n" not in text and ";" not in text:
        return f" {_prose(text)}"
    block = f" {text}" if "```" in text else f"\n\n```\n{text}\n```"
    return block.replace("\n", "\n    ").replace("\n    \n", "\n\n")
