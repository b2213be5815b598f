"""The canary's measurements to an OpenTelemetry collector as well, through the official SDK (extra ``otel``).

Histograms are exponential: their buckets fit themselves to what is measured, and a collector makes native histograms of
Prometheus from them. Who wants the explicit ones of `metrics` sets the SDK's own variable
`OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION` to `explicit_bucket_histogram`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from helpers.errors import SettingsError
from helpers.monitoring.exporter import Sink
from helpers.monitoring.metrics import FAMILIES, PREFIX, Kind
from helpers.objectives import Objectives

if TYPE_CHECKING:
    from opentelemetry.metrics import Observation
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.metrics.view import View

__all__ = ["Both", "OtelSink", "otlp_reader"]

#: Names and values, sorted.
Labels = tuple[tuple[str, str], ...]

#: What the variable says where exponential buckets are not wanted.
EXPLICIT = "explicit_bucket_histogram"


def otlp_reader(every_s: float = 15.0) -> MetricReader:
    """Sends by OTLP over HTTP to where `OTEL_EXPORTER_OTLP_ENDPOINT` says, by default port 4318 of this machine.

    Raises:
        SettingsError: the SDK is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    except ImportError:
        raise _absent() from None
    return PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=1e3 * every_s)


def _absent() -> SettingsError:
    advice = "Install the extra: uv sync --extra otel"
    return SettingsError("exporting to OpenTelemetry", "its SDK is not installed", advice)


class OtelSink:
    """A sink whose instruments have the names of the families, without Prometheus' suffix of counters.

    Args:
        readers: of the SDK; each collects, and sends or keeps.
        objectives: their limits become boundaries of explicit buckets.
    """

    def __init__(self, readers: Sequence[MetricReader], objectives: Objectives | None = None) -> None:
        try:
            from opentelemetry.sdk.metrics import MeterProvider
            from opentelemetry.sdk.resources import Resource
        except ImportError:
            raise _absent() from None
        resource = Resource.create({"service.name": "realtime-canary"})
        self._values: dict[str, dict[Labels, float]] = {one.short: {} for one in FAMILIES if one.kind is Kind.GAUGE}
        self._provider: MeterProvider = MeterProvider(list(readers), resource, views=_views())
        self._instruments = {family.short: self._instrument(family.short, objectives) for family in FAMILIES}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._provider.shutdown()

    def add(self, short: str, amount: float = 1, **labels: str) -> None:
        self._instruments[short].add(amount, labels)

    def set(self, short: str, value: float, **labels: str) -> None:
        self._values[short][tuple(sorted(labels.items()))] = value

    def observe(self, short: str, value: float, **labels: str) -> None:
        self._instruments[short].record(value, labels)

    def forget(self, short: str, **labels: str) -> None:
        self._values[short].pop(tuple(sorted(labels.items())), None)

    def _instrument(self, short: str, objectives: Objectives | None) -> Any:
        family = next(one for one in FAMILIES if one.short == short)
        meter = self._provider.get_meter(PREFIX.rstrip("_"))
        name = f"{PREFIX}{short}"
        match family.kind:
            case Kind.COUNTER:
                return meter.create_counter(name, description=family.help)
            case Kind.GAUGE:
                return meter.create_observable_gauge(name, [lambda _: self._seen(short)], description=family.help)
            case Kind.HISTOGRAM:
                boundaries = list(family.boundaries(objectives or Objectives()))
                return meter.create_histogram(
                    name, description=family.help, explicit_bucket_boundaries_advisory=boundaries
                )

    def _seen(self, short: str) -> Iterator[Observation]:
        """What a gauge has now. Asked for by a thread of the SDK; what is not told any more is thereby forgotten."""
        from opentelemetry.metrics import Observation

        for labels, value in self._values[short].copy().items():
            yield Observation(value, dict(labels))


def _views() -> list[View]:
    from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION
    from opentelemetry.sdk.metrics import Histogram
    from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View

    if os.environ.get(OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION, "").lower() == EXPLICIT:
        return []
    return [View(instrument_type=Histogram, aggregation=ExponentialBucketHistogramAggregation())]


class Both:
    """Two sinks as one."""

    def __init__(self, first: Sink, second: Sink) -> None:
        self._sinks = (first, second)

    def add(self, short: str, amount: float = 1, **labels: str) -> None:
        for sink in self._sinks:
            sink.add(short, amount, **labels)

    def set(self, short: str, value: float, **labels: str) -> None:
        for sink in self._sinks:
            sink.set(short, value, **labels)

    def observe(self, short: str, value: float, **labels: str) -> None:
        for sink in self._sinks:
            sink.observe(short, value, **labels)

    def forget(self, short: str, **labels: str) -> None:
        for sink in self._sinks:
            sink.forget(short, **labels)
