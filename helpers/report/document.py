"""A report as one JSON document for programs, and the JSON Schema of that document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from helpers.errors import InputError
from helpers.report.model import Report

__all__ = ["FORMAT", "Document", "as_json", "read_json", "schema"]

#: Grows when a field changes its meaning or goes; a new field leaves it as it is.
FORMAT: Literal["workbook-report/1"] = "workbook-report/1"


@dataclass(frozen=True, slots=True)
class Document:
    """What `report.json` holds."""

    format: Literal["workbook-report/1"]
    report: Report


def as_json(report: Report) -> bytes:
    """The document, indented."""
    return msgspec.json.format(msgspec.json.encode(Document(FORMAT, report)), indent=2) + b"\n"


def read_json(content: bytes, called: str) -> Report:
    """The report in a document.

    Args:
        called: the document's name, for the error.

    Raises:
        InputError: it holds no report of this form.
    """
    try:
        return msgspec.json.decode(content, type=Document).report
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"reading the report {called}", str(error), "Name a report.json of this version") from None


def schema() -> str:
    """The JSON Schema (2020-12) of the document, indented."""
    found: dict[str, Any] = msgspec.json.schema(Document)
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The optimisation report of the Supabase Realtime + Prisma workbook",
        **found,
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"
