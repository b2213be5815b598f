"""How each rule comes to fire: a healthy project is broken in one way, looked at, and mended by the printed fix."""

from __future__ import annotations

from tests.diagnosis.scenarios import (
    answers,
    live,
    messages,
    packages,
    policies,
    prisma,
    project,
    servers,
    tables,
    tls,
    token,
    types,
    watch,
    way_in,
)
from tests.diagnosis.scenarios.scenario import Scenario
from tests.diagnosis.scenarios.ward import Ward, healthy_ward

__all__ = ["SCENARIOS", "Scenario", "Ward", "healthy_ward"]

SCENARIOS: tuple[Scenario, ...] = (
    *way_in.SCENARIOS,
    *tls.SCENARIOS,
    *token.SCENARIOS,
    *project.SCENARIOS,
    *answers.SCENARIOS,
    *live.SCENARIOS,
    *servers.SCENARIOS,
    *tables.SCENARIOS,
    *policies.SCENARIOS,
    *types.SCENARIOS,
    *messages.SCENARIOS,
    *prisma.SCENARIOS,
    *packages.SCENARIOS,
    *watch.SCENARIOS,
)
