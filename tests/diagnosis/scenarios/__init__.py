"""How each rule comes to fire: a healthy project is broken in one way, looked at, and mended by the printed fix."""

from __future__ import annotations

from tests.diagnosis.scenarios import packages, prisma, tables
from tests.diagnosis.scenarios.scenario import Scenario
from tests.diagnosis.scenarios.ward import Ward, healthy_ward

__all__ = ["SCENARIOS", "Scenario", "Ward", "healthy_ward"]

SCENARIOS: tuple[Scenario, ...] = (*tables.SCENARIOS, *prisma.SCENARIOS, *packages.SCENARIOS)
