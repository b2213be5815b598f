"""The canary on the lab: outages of known length, and what it exports meanwhile."""

from __future__ import annotations

from dataclasses import replace

from helpers.lab import Lab
from helpers.monitoring.canary import CanarySettings, watching
from helpers.monitoring.exporter import Exporter
from helpers.monitoring.snapshot import snapshot
from tests.canary.truth import watch_under_faults


async def test_outages_are_told_as_long_as_they_were() -> None:
    """Every injected outage is told, none is invented, and each length is right to a second."""
    finding = await watch_under_faults(10, seed=4)
    assert finding.wrong(tolerance_s=1.0) == []
    assert len(finding.injected) >= 2
    assert finding.lost == 0


async def test_a_healthy_channel_is_told_as_healthy(lab: Lab) -> None:
    """Without faults every message arrives once on both paths, and nothing is unserved."""
    exporter = Exporter(port=None)
    settings = CanarySettings(every_s=0.1, resources_s=0.5, connect_every_s=0.5)
    async with watching(lab.target, exporter, settings) as canary:
        await canary.wait_serving(messages=20)
        now = snapshot(canary)
    for channel in now.channels:
        assert (channel.lost, channel.missed, channel.duplicated, channel.outages) == (0, 0, 0, 0)
        assert channel.uptime == 1.0
    text = exporter.text()
    assert 'realtime_canary_state{channel="workbook-canary-changes",state="live"} 1.0' in text
    for name in ("heartbeat_seconds_count", "client_cpu_ratio", "slot_lag_bytes", "quota_used_ratio", "ready_seconds"):
        assert f"realtime_canary_{name}" in text


async def test_without_leave_to_write_only_broadcasts_are_sent(lab: Lab) -> None:
    """On a project that may not be written to there is no table, and one channel."""
    target = replace(lab.target, writes_allowed=False)
    async with watching(target, Exporter(port=None), CanarySettings(every_s=0.1)) as canary:
        assert [channel.path for channel in snapshot(canary).channels] == ["broadcast"]
