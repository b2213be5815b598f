"""Probes gather evidence, rules turn evidence into findings: from a symptom to its cause and the exact fix."""

from __future__ import annotations

from helpers.diagnosis.arrival import Arrival, would_arrive
from helpers.diagnosis.audience import Audience, who_would_hear
from helpers.diagnosis.diagnose import diagnose, gather
from helpers.diagnosis.exercise import EXERCISES, Mending, break_and_mend
from helpers.diagnosis.explain import Explanation, explain
from helpers.diagnosis.hello import FirstChange, first_change
from helpers.diagnosis.pages import Page, rule_index, rule_page
from helpers.diagnosis.probes import watch
from helpers.diagnosis.results import Check, Diagnosis, Layer, Status

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
