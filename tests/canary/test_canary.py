"""The canary on the lab: outages of known length, and what it exports meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import psycopg

from helpers.database_url import libpq_url
from helpers.lab import Lab
from helpers.lab.network import DOWN, PERFECT, Ending, network
from helpers.monitoring.canary import CanarySettings, watching
from helpers.monitoring.exporter import Exporter
from helpers.monitoring.snapshot import snapshot
from tests.canary.truth import SETTINGS, watch_under_faults


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
    assert _total(exporter, "poll_lag_seconds_count") >= 20


async def test_without_leave_to_write_only_broadcasts_are_sent(lab: Lab) -> None:
    """On a project that may not be written to there is no table, and one channel."""
    target = replace(lab.target, writes_allowed=False)
    async with watching(target, Exporter(port=None), CanarySettings(every_s=0.1)) as canary:
        assert [channel.path for channel in snapshot(canary).channels] == ["broadcast"]


async def test_a_target_that_is_down_from_the_start_is_told(lab: Lab) -> None:
    """Nothing is called served that never was: the outage began when the canary did, and ends when it comes up."""
    exporter = Exporter(port=None)
    target = replace(lab.target, writes_allowed=False)
    settings = replace(SETTINGS, join_timeout_s=0.5)
    async with network(target, DOWN) as via, watching(via.target, exporter, settings) as canary:
        assert not snapshot(canary).channels[0].is_serving
        assert 'realtime_canary_serving{channel="workbook-canary-broadcast"} 0.0' in exporter.text()
        await _until(lambda: (snapshot(canary).channels[0].outage_s or 0) > 1.5)
        assert snapshot(canary).channels[0].uptime == 0
        assert _total(exporter, "failed_attempts") > 0 == _total(exporter, "disconnects")
        via.set(PERFECT)
        await canary.wait_serving(messages=5)
        (outage,) = canary.tellers["workbook-canary-broadcast"].service.outages
        assert outage.seconds > 1.5


async def test_a_refused_channel_does_not_take_the_others_down(lab: Lab) -> None:
    """The table has left the publication when the connection comes back: broadcasts go on, on one connection."""
    exporter = Exporter(port=None)
    settings = replace(SETTINGS, rejoin_s=0.5)
    async with network(lab.target) as via, watching(via.target, exporter, settings) as canary:
        await canary.wait_serving(messages=5)
        await _withdraw(lab)
        via.cut(Ending.RESET)
        await _until(lambda: _total(exporter, 'failed_attempts_total{reason="join refused"}') > 2)
        changes, broadcast = (
            next(channel for channel in snapshot(canary).channels if channel.path == path)
            for path in ("changes", "broadcast")
        )
        assert (changes.is_serving, broadcast.is_serving, broadcast.state) == (False, True, "live")
        assert _total(exporter, 'disconnects_total{channel="workbook-canary-broadcast"') == 1


async def _withdraw(lab: Lab) -> None:
    """Take all tables of canaries out of the publication."""
    assert lab.target.database_url is not None
    async with await psycopg.AsyncConnection.connect(libpq_url(lab.target.database_url), autocommit=True) as database:
        ours = "select schemaname, tablename from pg_publication_tables where pubname = %s and tablename like %s"
        rows = await database.execute(ours, ["supabase_realtime", "workbook%"])
        for schema, table in await rows.fetchall():
            await database.execute(f'alter publication supabase_realtime drop table "{schema}"."{table}"'.encode())


def _total(exporter: Exporter, begins: str) -> float:
    lines = [line for line in exporter.text().splitlines() if line.startswith(f"realtime_canary_{begins}")]
    return sum(float(line.rpartition(" ")[2]) for line in lines if "_created" not in line)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - the metrics set no event
            await asyncio.sleep(0.05)
