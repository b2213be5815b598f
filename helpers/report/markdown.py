"""A report as Markdown, in the specification's format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from helpers.report.model import Example, Issue, Measure, Report, number
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
        ([v.objective, v.threshold, _escaped(str(v.measure)), f"**{v.word}**"] for v in report.verdicts),
    )


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
    yield from _each(report.bottlenecks, "cause & impact", "Fix", "Expected gain")
    yield ""
    yield "### Connection Problems"
    yield from _each(report.connection_problems, "conditions", "Solution", "Gain")
    if report.connection_problems:
        yield "- Prevention: run `workbook run` against every new version; the diagnosis repeats these checks."


def _each(issues: Iterable[Issue], cause: str, fix: str, gain: str) -> Iterator[str]:
    yield ""
    nothing = True
    for issue in issues:
        nothing = False
        yield f"- **{_escaped(issue.title)}** ({'failure' if issue.severe else 'warning'})"
        yield f"  - {cause.capitalize()}: {_prose(issue.cause)}"
        yield f"  - {fix}:{_indented(issue.fix)}"
        yield f"  - {gain}: {_prose(issue.gain)}"
        yield f"  - Source: {_escaped(issue.source)}"
    if nothing:
        yield "None found by the checks that could run."


def _plan(report: Report) -> Iterator[str]:
    yield "## Optimization Plan"
    yield ""
    yield "### Prisma Integration"
    yield ""
    yield from (f"- {step}" for step in report.plan)
    yield ""
    yield "### Example Optimized Code"
    for example in report.examples:
        yield from _code(example)
    yield ""
    yield "### Additional Optimizations"
    yield ""
    yield from (f"{place}. {text}" for place, text in enumerate(report.optimizations, start=1))


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
    arrow = "↓" if measure.value < 0 else "↑"
    return f"**{arrow} {number(abs(measure.value))} {measure.unit}** ({details}"


def _origin(report: Report) -> Iterator[str]:
    yield "## Where the numbers come from"
    yield ""
    yield "Intervals are 95 % intervals: of medians by a block bootstrap, of shares after Wilson, of gains by"
    yield "Student's t on the logarithms of paired ratios, of slopes by least squares. To repeat: `workbook run`."
    yield ""
    yield from _table(
        ("Result", "Target", "Taken at"),
        ([f"{source.name}.json", _escaped(source.target), source.taken_at] for source in report.sources),
    )
    yield ""
    yield from _table(
        ("Figure", "Field"),
        ([measure.name, f"`{measure.source}`"] for measure in _measured(report)),
    )
    yield ""
    yield "Versions: " + _escaped(", ".join(f"{name} {version}" for name, version in report.versions.items())) + "."


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
    return "".join(part if index % 2 else _escaped(part) for index, part in enumerate(re.split(r"(`[^`]*`)", text)))


def _indented(text: str) -> str:
    """A fix as an item of a list: prose in its line, code below it in a block of its own."""
    if "\n" not in text and ";" not in text:
        return f" {_prose(text)}"
    block = f" {text}" if "```" in text else f"\n\n```\n{text}\n```"
    return block.replace("\n", "\n    ").replace("\n    \n", "\n\n")
