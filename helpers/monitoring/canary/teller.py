"""From a path's ledger to metrics: counters grow by what was counted since the last look."""

from __future__ import annotations

from collections import deque

from helpers.monitoring.canary.paths import Way
from helpers.monitoring.exporter import Sink
from helpers.monitoring.service import Arrival, Kind, Service

__all__ = ["Teller"]

#: Counters of the ledger by their names there and in the metrics.
_MESSAGES = ("received", "lost", "missed", "duplicated", "reordered")
_TIMES = ("watched", "unserved")
#: Delivery times that are kept to be shown.
KEPT = 600


class Teller:
    """Keeps the ledger of one way and tells what changes in it.

    Attributes:
        latencies_s: of the latest 600 messages that arrived.
        begun: whether watching has begun; nothing is told of the time before.
    """

    def __init__(self, way: Way, service: Service, sink: Sink) -> None:
        self.way, self.service = way, service
        self._sink = sink
        self._told: dict[str, float] = {}
        self._was_serving = True
        self.begun = False
        self.latencies_s: deque[float] = deque(maxlen=KEPT)
        labels = self._labels
        for short in ("sent", *_MESSAGES):
            sink.add(short, 0, **labels)  # so that a rate has a beginning
        for short in ("watched_seconds", "unserved_seconds", "outages"):
            sink.add(short, 0, channel=way.name)
        sink.set("serving", 0, channel=way.name)

    @property
    def is_serving(self) -> bool:
        """As far as is known by now; not before watching begins."""
        return self.begun and self.service.is_serving

    def begin(self, at: float) -> None:
        """Watching begins, or began at a moment of the ledger's clock."""
        self.begun = True
        self.service.begin(at)

    def sent(self) -> None:
        """A message was handed over."""
        self._sink.add("sent", 1, **self._labels)

    def arrived(self, number: int, at: float, size_bytes: int) -> Arrival:
        """A message came, at a moment of the ledger's clock."""
        arrival = self.service.arrived(number, at)
        if arrival.kind is Kind.EXPECTED and arrival.latency_s is not None:
            self.latencies_s.append(arrival.latency_s)
            self._sink.observe("delivery_seconds", arrival.latency_s, **self._labels)
            self._sink.observe("payload_bytes", size_bytes, **self._labels)
        if arrival.ended is not None:
            self._sink.observe("recovery_seconds", arrival.ended.seconds, channel=self.way.name)
        self.look(at)
        return arrival

    def look(self, now: float) -> None:
        """Tell what has become of the ledger by now."""
        if not self.begun:
            return
        service = self.service
        service.look(now)
        for short in _MESSAGES:
            self._grow(short, getattr(service, short), self._labels)
        for short in _TIMES:
            self._grow(f"{short}_seconds", getattr(service, f"{short}_s"), {"channel": self.way.name})
        self._sink.set("serving", float(service.is_serving), channel=self.way.name)
        if self._was_serving and not service.is_serving:
            self._sink.add("outages", channel=self.way.name)
        self._was_serving = service.is_serving

    @property
    def _labels(self) -> dict[str, str]:
        return {"channel": self.way.name, "path": self.way.path}

    def _grow(self, short: str, total: float, labels: dict[str, str]) -> None:
        self._sink.add(short, total - self._told.get(short, 0.0), **labels)
        self._told[short] = total
