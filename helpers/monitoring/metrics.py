"""The metrics of the canary, declared once: what exports them, what alerts on them and what draws them agree by this.

Names keep to Prometheus' conventions: base units, `_total` for what only grows. Every label has few values that are
known beforehand (states, paths, reasons, quotas) or are named in the canary's settings (channels).

Histograms have classic buckets. The limits of the objectives are among their boundaries, so the shares that alerts are
made of are exact. `prometheus_client` cannot expose native ones: up to 0.26 its `Histogram` takes only `buckets`; and
samples of native histograms, which another collector may hand it, it writes in the text of OpenMetrics 2.0 alone, while
Prometheus scrapes them as protobuf, which the library does not write (prometheus/client_python, issue 918 and pull
request 1104). Two ways lead to native histograms all the same: `otel` sends exponential ones, which a collector hands
on as native, and Prometheus from version 3 on stores classic ones as native with these very boundaries where its
configuration says `convert_classic_histograms_to_nhcb: true`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from helpers.objectives import Objectives

__all__ = ["FAMILIES", "Family", "Kind", "Path", "boundary", "family"]

#: What every name begins with.
PREFIX = "realtime_canary_"


class Kind(StrEnum):
    """As Prometheus has them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Path(StrEnum):
    """The way of a message that the canary sends and waits for."""

    BROADCAST = "broadcast"
    CHANGES = "changes"


#: Seconds.
TIMES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
SIZES = (100.0, 250.0, 500.0, 1_000.0, 2_500.0, 10_000.0, 100_000.0, 1_000_000.0)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: its name without the prefix (and, of a counter, without `_total`), and what it tells."""

    short: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """As a query names it; of a histogram, without `_bucket`, `_count` and `_sum`."""
        return f"{PREFIX}{self.short}{'_total' if self.kind is Kind.COUNTER else ''}"

    def boundaries(self, objectives: Objectives) -> tuple[float, ...]:
        """The upper ends of its buckets, the limits of the objectives among them: a share is exact only there."""
        if self.buckets is not TIMES:
            return self.buckets
        limits = (objectives.connect_s, objectives.delivery_s, objectives.change_alert_s, objectives.recovery_s)
        return tuple(sorted({*self.buckets, *map(float, limits)}))


def boundary(limit: float) -> str:
    """The end of a bucket as it is exported and queried: always with a point."""
    return repr(float(limit))


def _histograms() -> Iterator[Family]:
    times = (
        ("connect_seconds", "From DNS to an open socket.", ()),
        ("join_seconds", "From asking for a channel to the server's answer.", ("channel",)),
        ("ready_seconds", "From asking for a channel until its changes are delivered.", ("channel",)),
        ("delivery_seconds", "From the moment a message was due to its arrival.", ("channel", "path")),
        ("heartbeat_seconds", "Round trip of a heartbeat.", ()),
        ("recovery_seconds", "From the loss of a channel until it served again.", ("channel",)),
        (
            "poll_lag_seconds",
            "From a change's commit to its arrival, by two clocks: their offset is in it.",
            ("channel",),
        ),
    )
    for short, help, labels in times:
        yield Family(short, Kind.HISTOGRAM, help, labels, TIMES)
    labels = ("channel", "path")
    yield Family("payload_bytes", Kind.HISTOGRAM, "Size of a received message on the wire.", labels, SIZES)


def _counters() -> Iterator[Family]:
    messages = (
        ("sent", "Messages that the canary sent."),
        ("received", "Messages that arrived, each counted once."),
        ("lost", "Messages that never arrived, while the one before and the one after did."),
        ("missed", "Messages that never arrived, several in a row: the channel did not serve."),
        ("duplicated", "Messages that arrived again."),
        ("reordered", "Messages that arrived after a later one."),
    )
    for short, help in messages:
        yield Family(short, Kind.COUNTER, help, ("channel", "path"))
    yield Family("watched_seconds", Kind.COUNTER, "Time for which the channel was watched.", ("channel",))
    yield Family("unserved_seconds", Kind.COUNTER, "Time in which the channel did not serve.", ("channel",))
    yield Family("outages", Kind.COUNTER, "How often a channel ceased to serve.", ("channel",))
    yield Family("disconnects", Kind.COUNTER, "Losses of a channel that stood, by reason.", ("channel", "reason"))
    yield Family("failed_attempts", Kind.COUNTER, "Attempts to connect or to join that failed, by reason.", ("reason",))
    yield Family("scrape_failures", Kind.COUNTER, "How often another source of metrics did not answer.", ("source",))


def _gauges() -> Iterator[Family]:
    yield Family("serving", Kind.GAUGE, "1 while changes reach the application, else 0.", ("channel",))
    yield Family("state", Kind.GAUGE, "1 for the state in which the channel is, else 0.", ("channel", "state"))
    yield Family("quota_used_ratio", Kind.GAUGE, "Share of a quota that the canary itself uses.", ("quota",))
    yield Family("slot_lag_bytes", Kind.GAUGE, "Write-ahead log that a replication slot still holds back.", ("slot",))
    yield Family("client_cpu_ratio", Kind.GAUGE, "CPU of this client for each subscription, as a share of one core.")
    yield Family("client_memory_bytes", Kind.GAUGE, "Growth of this client by each of its subscriptions.")
    yield Family("subscriptions", Kind.GAUGE, "Subscriptions that this client holds.")
    yield Family("harness_delay_seconds", Kind.GAUGE, "How late the canary's own event loop was at worst, lately.")


FAMILIES = (*_histograms(), *_counters(), *_gauges())
_BY_NAME = {family.short: family for family in FAMILIES}


def family(short: str) -> Family:
    """The one of a name.

    Raises:
        KeyError: there is none.
    """
    return _BY_NAME[short]
