"""A diagnosis as one JSON document for programs, and the JSON Schema of that document."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from helpers.diagnosis.results import Check, Diagnosis, Layer, Status

__all__ = ["FORMAT", "Document", "as_document", "as_json", "schema"]

#: Grows when a field changes its meaning or goes; a new field or a new rule leaves it as it is.
FORMAT: Literal["workbook-doctor/1"] = "workbook-doctor/1"


@dataclass(frozen=True, slots=True)
class Document:
    """What `workbook doctor --json` prints.

    Attributes:
        format: name and version of this form.
        status: the most urgent of all checks: failure, warning, or ok (notes are not findings).
        headline: the first cause on the way, in one sentence.
        counts: how many checks have each status.
        layers: in the order of time; times in milliseconds.
        checks: most urgent first; `id` is stable across versions.
    """

    format: Literal["workbook-doctor/1"]
    target: str
    taken_at: str
    seconds: float
    repeats: int
    status: Literal["failure", "warning", "ok"]
    headline: str
    counts: dict[str, int]
    layers: tuple[Layer, ...]
    checks: tuple[Check, ...]


def as_document(diagnosis: Diagnosis) -> Document:
    """The document of a diagnosis."""
    found = Counter(check.status for check in diagnosis.checks)
    return Document(
        format=FORMAT,
        target=diagnosis.target,
        taken_at=diagnosis.taken_at,
        seconds=diagnosis.seconds,
        repeats=diagnosis.repeats,
        status="failure" if diagnosis.failures else "warning" if diagnosis.warnings else "ok",
        headline=diagnosis.headline,
        counts={status.value: found[status] for status in Status},
        layers=diagnosis.layers,
        checks=diagnosis.ranked,
    )


def as_json(diagnosis: Diagnosis) -> str:
    """The document as text, indented, with a line feed at its end."""
    return _pretty(msgspec.json.encode(as_document(diagnosis)))


def schema() -> str:
    """The JSON Schema (draft 2020-12) of the document, as text."""
    described: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "workbook doctor",
        **msgspec.json.schema(Document),
    }
    return _pretty(msgspec.json.encode(described))


def _pretty(encoded: bytes) -> str:
    return msgspec.json.format(encoded, indent=2).decode() + "\n"
