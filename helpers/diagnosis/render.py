"""A diagnosis as text for the shell and as a plain HTML table for a notebook."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from helpers.diagnosis.results import Check, Diagnosis, Layer

__all__ = ["SIGNS", "as_html", "as_text", "check_as_text", "checks_as_html", "counted", "layer_as_text", "measured"]

#: A sign and a word, so that nothing depends on colour.
SIGNS = {
    "ok": "✓ ok",
    "note": "· note",
    "warning": "! warning",
    "failure": "✗ failure",
    "skipped": "– skipped",
}
LEFT = 'style="text-align:left;vertical-align:top"'
RIGHT = 'style="text-align:right;vertical-align:top"'


def as_text(diagnosis: Diagnosis) -> str:
    """The headline first, then the layers, then what needs attention, then the rest in one line each."""
    lines = [diagnosis.headline, measured(diagnosis), "", *map(layer_as_text, diagnosis.layers), ""]
    lines += map(check_as_text, diagnosis.ranked)
    return "\n".join(lines)


def as_html(diagnosis: Diagnosis) -> str:
    """Two tables, escaped, without styles that a plain front end would need."""
    layers = "".join(map(_layer_row, diagnosis.layers))
    return (
        f"<p><strong>{escape(diagnosis.headline)}</strong><br>{escape(measured(diagnosis))}</p>"
        f"<table><thead>{_head('layer', 'result', 'started ms', 'took ms', 'median (range) ms', 'seen')}</thead>"
        f"<tbody>{layers}</tbody></table>"
        f"{checks_as_html(diagnosis.ranked)}"
    )


def checks_as_html(checks: Iterable[Check]) -> str:
    """One table, a row for each check."""
    rows = "".join(map(_check_row, checks))
    head = _head("result", "check", "evidence", "cause and fix")
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def check_as_text(check: Check) -> str:
    """One line, and below it cause and fix if there are any."""
    return "\n".join(_check_lines(check))


def measured(diagnosis: Diagnosis) -> str:
    """Where, when, how often and how long."""
    return f"{diagnosis.target}, {diagnosis.taken_at}, {counted(diagnosis.repeats, 'run')} in {diagnosis.seconds:.1f} s"


def layer_as_text(layer: Layer) -> str:
    """One line: how it ended, how long it took, what was seen."""
    took = "" if layer.status == "skipped" else f"{layer.took_ms:.1f} ms"
    return f"{SIGNS[layer.status]:<10} {layer.name:<14} {took:>11}  {layer.detail}".rstrip()


def counted(number: int, thing: str) -> str:
    """A number with its noun."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _check_lines(check: Check) -> list[str]:
    lines = [f"{SIGNS[check.status]:<10} {check.title}: {check.evidence}"]
    if check.cause:
        lines.append(f"{'':<11}cause: {check.cause}")
    if check.fix:
        lines += [f"{'':<11}fix:", textwrap.indent(check.fix, " " * 13)]
    if check.verify and check.status != "ok":
        lines.append(f"{'':<11}verify: {check.verify}")
    return lines


def _head(*names: str) -> str:
    return "<tr>" + "".join(f"<th {LEFT}>{name}</th>" for name in names) + "</tr>"


def _layer_row(layer: Layer) -> str:
    times = ("", "") if layer.status == "skipped" else (f"{layer.started_ms:.1f}", f"{layer.took_ms:.1f}")
    numbers = "".join(f"<td {RIGHT}>{time}</td>" for time in times)
    return (
        f"<tr><td {LEFT}>{escape(layer.name)}</td><td {LEFT}>{SIGNS[layer.status]}</td>{numbers}"
        f"<td {LEFT}>{layer.spread}</td><td {LEFT}>{escape(layer.detail)}</td></tr>"
    )


def _check_row(check: Check) -> str:
    advice = escape(check.cause) + (f"<pre>{escape(check.fix)}</pre>" if check.fix else "")
    advice += f"Verify: {escape(check.verify)}" if check.fix and check.verify else ""
    cells = (SIGNS[check.status], escape(check.title), escape(check.evidence), advice)
    return "<tr>" + "".join(f"<td {LEFT}>{cell}</td>" for cell in cells) + "</tr>"
