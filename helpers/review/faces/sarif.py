"""A review as SARIF 2.1.0, which code hosts show beside the lines of a change.

Source: OASIS, “Static Analysis Results Interchange Format (SARIF) Version 2.1.0”; GitHub's page “SARIF support for code
scanning” for what it heeds (`partialFingerprints`, `level`, at most 25,000 results of a run).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from helpers.review.findings import Finding, Severity
from helpers.review.reviewing import Review
from helpers.review.rules import RULES
from helpers.review.source import Place

__all__ = ["as_sarif"]

_LEVELS = {Severity.FAILURE: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 25_000


def as_sarif(review: Review) -> str:
    """The log of one run; silenced findings are in it as suppressed, unread files as notifications."""
    run = {
        "tool": {"driver": _driver()},
        "originalUriBaseIds": {"ROOT": {"description": {"text": "the folder that was reviewed"}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notifications(review)}],
        "results": _results(review)[:MOST_RESULTS],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _driver() -> dict[str, Any]:
    rules = [
        {
            "id": rule.id,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.why or rule.title},
            "help": {"text": "\n\n".join(filter(None, (rule.symptom, rule.why, rule.remedy, rule.verify)))},
            "helpUri": rule.source,
            "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        }
        for rule in RULES
    ]
    name = "supabase-realtime-workbook"
    return {"name": name, "semanticVersion": version(name), "rules": rules}


def _results(review: Review) -> list[dict[str, Any]]:
    numbers = {rule.id: number for number, rule in enumerate(RULES)}
    seen: Counter[str] = Counter()
    results = []
    for finding, silenced in [(one, False) for one in review.findings] + [(one, True) for one in review.silenced]:
        print_ = _fingerprint(finding)
        seen[print_] += 1
        result = {
            "ruleId": finding.rule,
            "ruleIndex": numbers[finding.rule],
            "level": _LEVELS[finding.severity],
            "message": {"text": f"{finding.cause}. {finding.evidence}\n\nFix:\n{finding.fix}"},
            "locations": [_location(finding.place)],
            "partialFingerprints": {"findingHash/v1": f"{print_}:{seen[print_]}"},
        }
        if finding.related:
            result["relatedLocations"] = [_location(place) for place in finding.related]
        if silenced:
            result["suppressions"] = [{"kind": "inSource"}]
        results.append(result)
    return results


def _fingerprint(finding: Finding) -> str:
    """The same wherever in its file the code stands, so that a host knows a finding again after lines have moved."""
    marked = [line for line in finding.code_frame.splitlines() if line.startswith(">")]
    code = marked[0].partition("|")[2].strip() if marked else ""
    return hashlib.sha256(f"{finding.rule}\0{finding.place.path}\0{code}".encode()).hexdigest()[:16]


def _location(place: Place) -> dict[str, Any]:
    region = {"startLine": place.line, "startColumn": place.column}
    if place.end_line:
        region |= {"endLine": place.end_line, "endColumn": place.end_column}
    return {"physicalLocation": {"artifactLocation": _artifact(place.path), "region": region}}


def _artifact(path: str) -> dict[str, str]:
    return {"uri": quote(path), "uriBaseId": "ROOT"}


def _notifications(review: Review) -> list[dict[str, Any]]:
    return [
        {
            "level": "note",
            "message": {"text": f"not read: {unread.reason}"},
            "locations": [{"physicalLocation": {"artifactLocation": _artifact(unread.path)}}],
        }
        for unread in review.inventory.unread
    ]
