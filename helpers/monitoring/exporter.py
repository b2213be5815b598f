"""What the canary measures, as Prometheus scrapes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import start_http_server
from prometheus_client.registry import Collector

from helpers.errors import FailureError
from helpers.monitoring.metrics import FAMILIES, PREFIX, Family, Kind
from helpers.objectives import Objectives

__all__ = ["Exporter", "Sink"]

#: Where the exporter listens: whoever wants it elsewhere puts a proxy with a password before it.
LOOPBACK = "127.0.0.1"


class Sink(Protocol):
    """Where measurements go. Labels are those that the family declares, by name."""

    def add(self, short: str, amount: float = 1, **labels: str) -> None:
        """Let a counter grow."""

    def set(self, short: str, value: float, **labels: str) -> None:
        """Give a gauge its value."""

    def observe(self, short: str, value: float, **labels: str) -> None:
        """Put a value into a histogram."""

    def forget(self, short: str, **labels: str) -> None:
        """Tell nothing any more of what is gone."""


class Exporter:
    """A registry with every family of the canary, served by HTTP on loopback while its block runs.

    Args:
        objectives: their limits become boundaries of buckets.
        port: to listen on; 0 takes a free one, None does not listen.

    Attributes:
        registry: of `prometheus_client`, for whoever wants to serve it by other means.
        port: on which it listens.
    """

    def __init__(self, objectives: Objectives | None = None, port: int | None = 0) -> None:
        self.registry = CollectorRegistry()
        self.port = port
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        for family in FAMILIES:
            self._declare(family, objectives or Objectives())
        ProcessCollector(namespace=PREFIX.rstrip("_"), registry=self.registry)

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen.

        Raises:
            FailureError: the port is taken, or there is none of that number.
        """
        if self.port is None:
            return
        try:
            self._server, self._thread = start_http_server(self.port, LOOPBACK, self.registry)
        except (OSError, OverflowError) as error:
            tried = f"serving metrics on {LOOPBACK}:{self.port}"
            happened = getattr(error, "strerror", None) or str(error)
            raise FailureError(tried, happened, "Choose another port with --port") from None
        self.port = self._server.server_port

    def stop(self) -> None:
        """Listen no longer."""
        if self.port is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    @property
    def address(self) -> str:
        """Host and port, as Prometheus' configuration names its targets."""
        return f"{LOOPBACK}:{self.port}"

    def text(self) -> str:
        """All metrics as they are scraped."""
        return generate_latest(self.registry).decode()

    def include(self, collector: Collector) -> None:
        """Serve the metrics of somebody else beside those of the canary."""
        self.registry.register(collector)

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        """One sample by its full name (``realtime_canary_lost_total``); 0 where there is none yet."""
        return self.registry.get_sample_value(name, dict(labels or {})) or 0.0

    def add(self, short: str, amount: float = 1, **labels: str) -> None:
        counter = self._counters[short]
        (counter.labels(**labels) if labels else counter).inc(amount)

    def set(self, short: str, value: float, **labels: str) -> None:
        gauge = self._gauges[short]
        (gauge.labels(**labels) if labels else gauge).set(value)

    def observe(self, short: str, value: float, **labels: str) -> None:
        histogram = self._histograms[short]
        (histogram.labels(**labels) if labels else histogram).observe(value)

    def forget(self, short: str, **labels: str) -> None:
        family = next(family for family in FAMILIES if family.short == short)
        self._gauges[short].remove(*(labels[name] for name in family.labels))

    def _declare(self, family: Family, objectives: Objectives) -> None:
        name = f"{PREFIX}{family.short}"
        match family.kind:
            case Kind.COUNTER:
                self._counters[family.short] = Counter(name, family.help, family.labels, registry=self.registry)
            case Kind.GAUGE:
                self._gauges[family.short] = Gauge(name, family.help, family.labels, registry=self.registry)
            case Kind.HISTOGRAM:
                buckets = family.boundaries(objectives)
                self._histograms[family.short] = Histogram(
                    name, family.help, family.labels, buckets=buckets, registry=self.registry
                )
