"""What a review looks like: for a terminal, for programs, for code hosts."""

from __future__ import annotations

from helpers.review.faces.document import as_json, schema
from helpers.review.faces.sarif import as_sarif
from helpers.review.faces.text import as_text

__all__ = ["as_json", "as_sarif", "as_text", "schema"]
