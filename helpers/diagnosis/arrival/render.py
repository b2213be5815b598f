"""An arrival as text for the shell and as a plain HTML table for a notebook."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from helpers.diagnosis.arrival.results import Arrival, Reason

__all__ = ["as_html", "as_text"]

#: A sign and a word, so that nothing depends on colour.
SIGNS = {"withheld": "✗ withheld", "changed": "! changed", "note": "· note"}
LEFT = 'style="text-align:left;vertical-align:top"'
LONGEST = 120  # characters of a value


def as_text(arrival: Arrival) -> str:
    """The headline, the question, the reasons, the payload and what was assumed."""
    lines = [f"{_sign(arrival)} {arrival.headline}", arrival.asked, ""]
    for reason in arrival.reasons:
        lines += _reason_lines(reason)
    if arrival.payload is not None:
        lines += ["payload:", textwrap.indent(_printed(arrival.payload), "  ")]
    lines += [f"assumed: {note}" for note in arrival.notes]
    return "\n".join(lines)


def as_html(arrival: Arrival) -> str:
    """A headline, a table of reasons and the payload; escaped."""
    rows = "".join(map(_reason_row, arrival.reasons))
    head = "".join(f"<th {LEFT}>{name}</th>" for name in ("effect", "because", "evidence", "what to do"))
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
    shown = "" if arrival.payload is None else f"<pre>{escape(_printed(arrival.payload))}</pre>"
    notes = "".join(f"<br>Assumed: {escape(note)}" for note in arrival.notes)
    return (
        f"<p><strong>{_sign(arrival)} {escape(arrival.headline)}</strong><br>{escape(arrival.asked)}{notes}</p>"
        f"{table}{shown}"
    )


def _sign(arrival: Arrival) -> str:
    return "✓" if arrival.delivered else "✗"


def _reason_lines(reason: Reason) -> list[str]:
    lines = [f"{SIGNS[reason.effect]:<10} {reason.cause.value}: {reason.evidence}"]
    if reason.fix:
        lines += [f"{'':<11}fix:", textwrap.indent(reason.fix, " " * 13)]
    return lines


def _reason_row(reason: Reason) -> str:
    fix = f"<pre>{escape(reason.fix)}</pre>" if reason.fix else ""
    cells = (SIGNS[reason.effect], escape(reason.cause.value), escape(reason.evidence), fix)
    return "<tr>" + "".join(f"<td {LEFT}>{cell}</td>" for cell in cells) + "</tr>"


def _printed(payload: Mapping[str, Any]) -> str:
    """Indented JSON, long values cut."""
    return json.dumps(_cut(payload), indent=2, ensure_ascii=False, default=str)


def _cut(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _cut(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cut(item) for item in value]
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]}… ({len(value)} characters)"
    return value
