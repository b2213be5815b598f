"""Metrics beside the canary's own: the server's, and OpenTelemetry's."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics.export import ExponentialHistogram, Histogram, InMemoryMetricReader

from helpers.client import RealtimeClient
from helpers.lab import Lab
from helpers.monitoring.exporter import Exporter
from helpers.monitoring.metrics import FAMILIES, Kind
from helpers.monitoring.otel import Both, OtelSink, otlp_reader
from helpers.monitoring.scrape import Others, Source, sources
from helpers.objectives import Objectives
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


def collected(reader: InMemoryMetricReader) -> dict[str, Any]:
    """All metrics by name, as an exporter would get them now."""
    data = reader.get_metrics_data()
    assert data is not None
    metrics = [metric for one in data.resource_metrics for scope in one.scope_metrics for metric in scope.metrics]
    return {metric.name: metric for metric in metrics}


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
        metrics = collected(reader)
    assert set(metrics) == {f"realtime_canary_{family.short}" for family in FAMILIES}
    lost = metrics["realtime_canary_lost"]
    assert [(point.value, dict(point.attributes)) for point in lost.data.data_points] == [
        (3.0, {"channel": "x", "path": "x"})
    ]
    assert exporter.value("realtime_canary_lost_total", {"channel": "x", "path": "x"}) == 3.0


def test_histograms_of_opentelemetry_are_exponential() -> None:
    """Their buckets fit themselves to four powers of ten, and are then so narrow that a quantile is right to 10 %."""
    reader = InMemoryMetricReader()
    with OtelSink([reader]) as otel:
        for power in range(-30, 11):
            otel.observe("delivery_seconds", 10 ** (power / 10), channel="x", path="broadcast")
        data = collected(reader)["realtime_canary_delivery_seconds"].data
    assert isinstance(data, ExponentialHistogram)
    (point,) = data.data_points
    assert (point.count, point.min, point.max) == (41, 0.001, 10.0)
    assert 2 ** (2**-point.scale) < 1.1
    assert sum(point.positive.bucket_counts) == 41


def test_explicit_buckets_are_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable of the SDK chooses them; the objectives' limits are among their boundaries then."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram")
    reader = InMemoryMetricReader()
    with OtelSink([reader]) as otel:
        otel.observe("connect_seconds", 0.05)
        data = collected(reader)["realtime_canary_connect_seconds"].data
    assert isinstance(data, Histogram)
    assert Objectives().connect_s in data.data_points[0].explicit_bounds


def test_what_is_gone_is_not_sent_any_more() -> None:
    """A gauge that is forgotten leaves the metrics; the others stay, also where nothing has set them since."""
    reader = InMemoryMetricReader()
    with OtelSink([reader]) as otel:
        for slot in ("one", "two"):
            otel.set("slot_lag_bytes", 1.0, slot=slot)
        assert len(collected(reader)["realtime_canary_slot_lag_bytes"].data.data_points) == 2
        otel.forget("slot_lag_bytes", slot="one")
        points = collected(reader)["realtime_canary_slot_lag_bytes"].data.data_points
    assert [dict(point.attributes) for point in points] == [{"slot": "two"}]


class Collector(BaseHTTPRequestHandler):
    """Takes what is sent by OTLP over HTTP."""

    taken: list[ExportMetricsServiceRequest]

    def do_POST(self) -> None:
        self.taken.append(ExportMetricsServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def test_a_collector_is_sent_exponential_histograms(monkeypatch: pytest.MonkeyPatch) -> None:
    """What arrives by OTLP has the bucket that a value is in, by the formula of the protocol."""
    Collector.taken = []
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        with OtelSink([otlp_reader(every_s=60)]) as otel:
            otel.observe("heartbeat_seconds", 0.003)
        server.shutdown()
    metrics = [
        metric
        for taken in Collector.taken
        for one in taken.resource_metrics
        for scope in one.scope_metrics
        for metric in scope.metrics
    ]
    (point,) = next(
        one for one in metrics if one.name == "realtime_canary_heartbeat_seconds"
    ).exponential_histogram.data_points
    base = 2.0 ** (2.0**-point.scale)
    assert list(point.positive.bucket_counts) == [1]
    assert base**point.positive.offset < 0.003 <= base ** (point.positive.offset + 1)
