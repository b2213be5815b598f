"""A review as one JSON document for programs, and the JSON Schema of that document."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from helpers.review.findings import Finding, Severity
from helpers.review.inventory import Binding, Channel, Unread
from helpers.review.plan.model import Change, Plan
from helpers.review.reviewing import Review
from helpers.review.source import Place

__all__ = ["FORMAT", "Document", "as_json", "schema"]

#: Grows when a field changes its meaning or goes; a new field or a new rule leaves it as it is.
FORMAT: Literal["workbook-review/1"] = "workbook-review/1"


@dataclass(frozen=True, slots=True)
class ListedBinding:
    """One binding; what the code does not show is None, what it shows in part has holes in braces."""

    kind: str
    event: str
    schema: str | None
    table: str | None
    filter: str | None
    select: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class ListedChannel:
    """One channel. component: in which it is made, if in one. removed: where it is."""

    topic: str
    created: Place
    component: str
    private: bool | None
    status_callback: bool
    removed: tuple[Place, ...]
    bindings: tuple[ListedBinding, ...]


@dataclass(frozen=True, slots=True)
class ListedChange:
    """One change of the plan. gain: in words, with its interval; empty if none was measured."""

    id: str
    kind: str
    title: str
    place: Place
    rules: tuple[str, ...]
    outcome: Literal["change", "no gain shown", "not measured"]
    gain: str
    diff: str | None
    sql: str | None
    advice: str


@dataclass(frozen=True, slots=True)
class Document:
    """What `workbook review --json` prints.

    Attributes:
        format: name and version of this form.
        counts: of findings, by severity.
        findings: most urgent first; `rule` is stable across versions. silenced: by comments in the code.
        unread: what was not read, with the reason.
        plan: only where it was asked for.
    """

    format: Literal["workbook-review/1"]
    root: str
    files: int
    counts: dict[str, int]
    findings: tuple[Finding, ...]
    silenced: tuple[Finding, ...]
    channels: tuple[ListedChannel, ...]
    unread: tuple[Unread, ...]
    plan: tuple[ListedChange, ...] | None = None


def as_json(review: Review, plan: Plan | None = None) -> str:
    """The document, indented."""
    document = Document(
        FORMAT,
        review.inventory.root,
        review.inventory.looked_at,
        counts(review),
        review.findings,
        review.silenced,
        tuple(map(_channel, review.inventory.channels)),
        review.inventory.unread,
        None if plan is None else _plan(plan),
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def counts(review: Review) -> dict[str, int]:
    """Findings by severity, all severities named."""
    found = Counter(str(finding.severity) for finding in review.findings)
    return {str(severity): found[severity] for severity in Severity}


def schema() -> str:
    """The JSON Schema (2020-12) of the document, indented."""
    found: dict[str, Any] = msgspec.json.schema(Document)
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What `workbook review --json` prints",
        **found,
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def _channel(channel: Channel) -> ListedChannel:
    return ListedChannel(
        str(channel.topic),
        channel.created,
        channel.where.component,
        channel.private,
        channel.status_callback,
        channel.removed,
        tuple(map(_binding, channel.bindings)),
    )


def _binding(each: Binding) -> ListedBinding:
    schema, table, filter, select = (
        None if text is None else str(text) for text in (each.schema, each.table, each.filter, each.select)
    )
    return ListedBinding(each.kind, str(each.event), schema, table, filter, select, each.place)


def _plan(plan: Plan) -> tuple[ListedChange, ...]:
    return (
        *(_change(each, "change") for each in plan.changes),
        *(_change(each, "no gain shown") for each in plan.not_gaining),
        *(_change(each, "not measured") for each in plan.not_measured),
    )


def _change(change: Change, outcome: Literal["change", "no gain shown", "not measured"]) -> ListedChange:
    return ListedChange(
        change.id,
        str(change.kind),
        change.title,
        change.place,
        change.findings,
        outcome,
        str(change.gain) if change.gain else "",
        change.diff,
        change.sql,
        change.advice,
    )
