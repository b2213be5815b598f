"""Probes gather evidence, rules turn evidence into findings: from a symptom to its cause and the exact fix."""

from __future__ import annotations

from helpers.diagnosis.arrival import Arrival, would_arrive
from helpers.diagnosis.diagnose import diagnose, gather
from helpers.diagnosis.exercise import EXERCISES, Mending, break_and_mend
from helpers.diagnosis.hello import FirstChange, first_change
from helpers.diagnosis.results import Check, Diagnosis, Layer, Status

__all__ = [
    "EXERCISES",
    "Arrival",
    "Check",
    "Diagnosis",
    "FirstChange",
    "Layer",
    "Mending",
    "Status",
    "break_and_mend",
    "diagnose",
    "first_change",
    "gather",
    "would_arrive",
]
