"""From a fault in the lab to an alert and back, through a real Prometheus; and every panel of the dashboard."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from helpers.lab import Lab
from helpers.lab.network import BLACK_HOLE, DOWN, PERFECT, Ending, network
from helpers.monitoring.canary import watching
from helpers.monitoring.exporter import Exporter
from helpers.monitoring.grafana import dashboard_json
from helpers.objectives import Objectives
from tests.canary.prometheus_server import prometheus_server
from tests.canary.truth import SETTINGS

Query = Callable[[str], Awaitable[list[dict[str, Any]]]]
PROMETHEUS = shutil.which("prometheus")
#: A period of two hours in place of 30 days makes windows of seconds.
OBJECTIVES = Objectives(recovery_s=1.5, period_days=1 / 12)


@pytest.mark.skipif(PROMETHEUS is None, reason="prometheus (Debian's package of that name) is not here")
async def test_a_fault_raises_alerts_and_its_end_resolves_them(lab: Lab, tmp_path: Path) -> None:
    """A black hole makes the channel's alert stand and its budget burn; both end with it. Then each panel has data."""
    assert PROMETHEUS is not None
    async with (
        network(lab.target) as via,
        Exporter(OBJECTIVES) as exporter,
        watching(via.target, exporter, SETTINGS) as canary,
        prometheus_server(PROMETHEUS, tmp_path, exporter.address, OBJECTIVES) as prometheus,
    ):
        await canary.wait_serving(messages=20)
        assert await prometheus.firing() & {"RealtimeDoesNotRecover", "RealtimeUptimeBudgetBurns"} == set()
        via.set(BLACK_HOLE)
        await prometheus.until("RealtimeDoesNotRecover", firing=True)
        await prometheus.until("RealtimeUptimeBudgetBurns", firing=True)
        via.set(DOWN)
        via.cut(Ending.RESET)
        await asyncio.sleep(0.5)
        via.set(PERFECT)
        await prometheus.until("RealtimeDoesNotRecover", firing=False)
        assert await _panels_without_data(prometheus.query) == []
        await prometheus.until("RealtimeUptimeBudgetBurns", firing=False)


async def _panels_without_data(query: Query) -> list[str]:
    """Titles of panels of which a query returns nothing at all."""
    board = json.loads(dashboard_json(OBJECTIVES))
    asked = [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel.get("targets", ())]
    return [
        f"{title}: {expr}"
        for title, expr in asked
        if not await query(expr.replace("$__rate_interval", "30s").replace("$__range", "30s"))
    ]


def test_the_dashboard_is_what_grafana_reads() -> None:
    """Read by Grafana's own library and written again, it is the same; panels have numbers of their own and fit."""
    register_default_plugins()
    text = dashboard_json(Objectives())
    board = json.loads(text)
    again = json.loads(JSONEncoder(sort_keys=True, indent=2).encode(Dashboard.from_json(board)))
    assert again == board
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in board["panels"])
