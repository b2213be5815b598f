"""Probes gather evidence, rules turn evidence into findings: from a symptom to its cause and the exact fix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.lazy import lazy_exports

if TYPE_CHECKING:
    from helpers.diagnosis.arrival import Arrival, would_arrive
    from helpers.diagnosis.audience import Audience, who_would_hear
    from helpers.diagnosis.diagnosing import diagnose, gather
    from helpers.diagnosis.exercise import EXERCISES, Mending, break_and_mend
    from helpers.diagnosis.explaining import Explanation, explain
    from helpers.diagnosis.hello import FirstChange, first_change
    from helpers.diagnosis.pages import Page, rule_index, rule_page
    from helpers.diagnosis.probes.watch import watch
    from helpers.diagnosis.results import Check, Diagnosis, Layer, Status
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "arrival": ("Arrival", "would_arrive"),
            "audience": ("Audience", "who_would_hear"),
            "diagnosing": ("diagnose", "gather"),
            "exercise": ("EXERCISES", "Mending", "break_and_mend"),
            "explaining": ("Explanation", "explain"),
            "hello": ("FirstChange", "first_change"),
            "pages": ("Page", "rule_index", "rule_page"),
            "probes.watch": ("watch",),
            "results": ("Check", "Diagnosis", "Layer", "Status"),
        },
    )

__all__ = [
    "EXERCISES",
    "Arrival",
    "Audience",
    "Check",
    "Diagnosis",
    "Explanation",
    "FirstChange",
    "Layer",
    "Mending",
    "Page",
    "Status",
    "break_and_mend",
    "diagnose",
    "explain",
    "first_change",
    "gather",
    "rule_index",
    "rule_page",
    "watch",
    "who_would_hear",
    "would_arrive",
]
