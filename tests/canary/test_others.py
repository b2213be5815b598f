"""Metrics beside the canary's own: the server's, and OpenTelemetry's."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from helpers.client import RealtimeClient
from helpers.lab import Lab
from helpers.monitoring.exporter import Exporter
from helpers.monitoring.metrics import FAMILIES, Kind
from helpers.monitoring.otel import Both, OtelSink
from helpers.monitoring.scrape import Others, Source, sources
from helpers.target import TargetKind


async def test_the_servers_metrics_are_beside_ours(lab: Lab) -> None:
    """What the lab's /metrics says of a joined client is scraped with the canary's; a source that is down is told."""
    exporter = Exporter(port=None)
    down = Source("down", "http://127.0.0.1:9/metrics", {}, every_s=0.1)
    others = Others([*(replace(source, every_s=0.1) for source in sources(lab.target)), down], exporter)
    exporter.include(others)
    work = asyncio.create_task(others.run())
    try:
        async with RealtimeClient(lab.target) as client, asyncio.timeout(20):
            await client.channel("others").subscribe()
            while True:
                await asyncio.sleep(0.1)
                if exporter.value("realtime_connections_connected", {"tenant": "lab"}):
                    break
    finally:
        work.cancel()
    assert exporter.value("realtime_canary_scrape_failures_total", {"source": "down"}) >= 1
    assert "realtime_canary_lost_total" in exporter.text()


def test_a_hosted_project_is_asked_at_its_own_address(lab: Lab) -> None:
    """By basic authentication and once a minute; the key is in no representation. Without one nobody is asked."""
    hosted = replace(lab.target, kind=TargetKind.HOSTED, api_url="https://abc.supabase.co", secret_key="sb_secret_x")
    (source,) = sources(hosted)
    assert source.url == "https://abc.supabase.co/customer/v1/privileged/metrics"
    assert source.every_s == 60
    assert source.headers["Authorization"].startswith("Basic ")
    assert "Basic" not in repr(source)
    assert sources(replace(hosted, secret_key=None)) == ()


def test_opentelemetry_gets_the_same() -> None:
    """Every family reaches OpenTelemetry's SDK under its name, with its labels and values."""
    reader = InMemoryMetricReader()
    exporter = Exporter(port=None)
    with OtelSink([reader]) as otel:
        both = Both(exporter, otel)
        for family in FAMILIES:
            labels = dict.fromkeys(family.labels, "x")
            {Kind.COUNTER: both.add, Kind.GAUGE: both.set, Kind.HISTOGRAM: both.observe}[family.kind](
                family.short, 3.0, **labels
            )
        data = reader.get_metrics_data()
    assert data is not None
    metrics = [metric for one in data.resource_metrics for scope in one.scope_metrics for metric in scope.metrics]
    assert {metric.name for metric in metrics} == {f"realtime_canary_{family.short}" for family in FAMILIES}
    lost = next(metric for metric in metrics if metric.name == "realtime_canary_lost")
    assert [(point.value, dict(point.attributes)) for point in lost.data.data_points] == [
        (3.0, {"channel": "x", "path": "x"})
    ]
    assert exporter.value("realtime_canary_lost_total", {"channel": "x", "path": "x"}) == 3.0
