"""Probes gather evidence, rules turn evidence into findings: from a symptom to its cause and the exact fix."""

from __future__ import annotations

from helpers.diagnosis.diagnose import diagnose
from helpers.diagnosis.results import Check, Diagnosis, Layer, Status

__all__ = ["Check", "Diagnosis", "Layer", "Status", "diagnose"]
