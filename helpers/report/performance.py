"""Section "Current Performance Analysis"."""

from __future__ import annotations

from helpers.experiments.experiment import estimate
from helpers.profiling.statistics import Summary, wilson
from helpers.report.inputs import Inputs, missing
from helpers.report.model import Measure

__all__ = [
    "MESSAGES_PER_S",
    "active_channels",
    "broadcast_latency",
    "change_latency",
    "connection_latency",
    "cpu",
    "loss",
    "memory",
    "message_size",
    "performance",
    "stability",
    "throughput",
]


#: The specification's target for one channel.
MESSAGES_PER_S = 1_000.0


def performance(inputs: Inputs) -> tuple[Measure, ...]:
    """The five figures of the specification, and what else was measured about messages."""
    return (
        active_channels(inputs),
        connection_latency(inputs),
        throughput(inputs),
        stability(inputs),
        memory(inputs),
        change_latency(inputs),
        broadcast_latency(inputs),
        message_size(inputs),
        loss(inputs),
        cpu(inputs),
    )


def active_channels(inputs: Inputs) -> Measure:
    """How many channels the workbook itself held open at once: nobody but Realtime can count those of others."""
    name = "Active channels"
    if inputs.memory is None:
        return missing(name, inputs.why_not("profiling"))
    return Measure(
        name,
        "at once",
        inputs.memory.own_socket_kib.largest + 1,
        source="profiling.json: memory.own_socket_kib.largest",
        note="opened by the workbook; a project's own channels are counted on its Realtime dashboard",
    )


def connection_latency(inputs: Inputs) -> Measure:
    """From opening the socket to the end of the handshake."""
    name = "Avg connection latency"
    connection = inputs.connection
    if connection is None or connection.connect_ms is None:
        return missing(name, inputs.why_not("profiling"))
    connect = connection.connect_ms
    note = f"median {connect.p50:.3g} ms, p95 {connect.p95:.3g} ms"
    return _of_summary(name, "ms", connect, "connections", "profiling.json: connection.connect_ms", note, mean=True)


def throughput(inputs: Inputs) -> Measure:
    """The highest rate of broadcasts on one channel at which nothing was lost."""
    name = "Message throughput"
    if inputs.broadcast is None:
        return missing(name, inputs.why_not("profiling"))
    best = inputs.broadcast.best
    if best is None:
        return missing(name, "messages were lost at every rate that was tried")
    return Measure(
        name,
        "/sec",
        best.received_per_s,
        n=best.received,
        counted="messages",
        source="profiling.json: broadcast.steps",
        note=f"{best.lost} lost at {best.rate_per_s:,.0f} a second on one channel, the fastest step tried without loss",
    )


def stability(inputs: Inputs) -> Measure:
    """Share of connections and heartbeats that succeeded."""
    name = "Connection stability"
    connection = inputs.connection
    if connection is None:
        return missing(name, inputs.why_not("profiling"))
    tried = connection.attempts + connection.heartbeats
    good = connection.succeeded + connection.answered
    low, high = wilson(good, tried)
    return Measure(
        name,
        "%",
        100 * good / tried,
        100 * low,
        100 * high,
        n=tried,
        counted="connections and heartbeats",
        source="profiling.json: connection.succeeded, connection.answered",
    )


def memory(inputs: Inputs) -> Measure:
    """Growth of the client's memory with each subscription on a socket of its own."""
    name = "Client memory usage"
    if inputs.memory is None:
        return missing(name, inputs.why_not("profiling"))
    own = inputs.memory.own_socket_kib
    shared = inputs.memory.shared_socket_kib
    return Measure(
        name,
        "MB per subscription",
        own.per_subscription / 1024,
        own.low / 1024,
        own.high / 1024,
        n=own.n,
        counted="points of the line",
        source="profiling.json: memory.own_socket_kib",
        note=f"a socket each; on one shared socket {shared.per_subscription / 1024:.3g} MB",
    )


def change_latency(inputs: Inputs) -> Measure:
    """From when a row was due to when its change arrived, with a filter."""
    name = "Latency of a database change, filtered"
    comparison = inputs.comparison
    if comparison is None or comparison.filtered.latency_ms is None:
        return missing(name, inputs.why_not("profiling"))
    latency = comparison.filtered.latency_ms
    poll = f"up to {comparison.poll_wait_ms:.0f} ms of it is the server's poll"
    note = f"p95 {latency.p95:.0f} ms, p99 {latency.p99:.0f} ms; {poll}"
    return _of_summary(name, "ms", latency, "changes", "profiling.json: comparison.filtered.latency_ms", note)


def broadcast_latency(inputs: Inputs) -> Measure:
    """From when a broadcast was due to when it arrived, at the rate that the specification asks for."""
    name = "Latency of a broadcast"
    step = inputs.broadcast.at(MESSAGES_PER_S) if inputs.broadcast else None
    if step is None or step.latency_ms is None:
        return missing(name, inputs.why_not("profiling"))
    note = f"p95 {step.latency_ms.p95:.3g} ms, p99 {step.latency_ms.p99:.3g} ms, at {step.rate_per_s:,.0f} a second"
    return _of_summary(name, "ms", step.latency_ms, "messages", "profiling.json: broadcast.steps", note)


def message_size(inputs: Inputs) -> Measure:
    """Mean size of a change as it arrives."""
    name = "Message size, average"
    comparison = inputs.comparison
    if comparison is None or comparison.filtered.payload_bytes is None:
        return missing(name, inputs.why_not("profiling"))
    size = comparison.filtered.payload_bytes
    source = "profiling.json: comparison.filtered.payload_bytes"
    return _of_summary(
        name, "bytes", size, "changes", source, f"median {size.p50:,.0f}, largest {size.max:,.0f}", mean=True
    )


def loss(inputs: Inputs) -> Measure:
    """Changes that never arrived, of all that were expected in both arms."""
    name = "Lost changes"
    comparison = inputs.comparison
    if comparison is None:
        return missing(name, inputs.why_not("profiling"))
    arms = (comparison.full, comparison.filtered)
    expected = sum(arm.expected for arm in arms)
    lost = sum(arm.lost for arm in arms)
    low, high = wilson(lost, expected)
    doubled, moved = sum(arm.duplicated for arm in arms), sum(arm.reordered for arm in arms)
    return Measure(
        name,
        "%",
        100 * lost / expected,
        100 * low,
        100 * high,
        n=expected,
        counted="changes",
        source="profiling.json: comparison.full.lost, comparison.filtered.lost",
        note=f"{doubled} duplicated, {moved} reordered",
    )


def cpu(inputs: Inputs) -> Measure:
    """Processor time of the client with the filtered subscription under load."""
    name = "Client CPU"
    comparison = inputs.comparison
    if comparison is None:
        return missing(name, inputs.why_not("profiling"))
    filtered = comparison.filtered
    runs = estimate([run.client_cpu_percent for _, run in comparison.pairs])
    return Measure(
        name,
        "% of a core",
        filtered.client_cpu_percent,
        runs.low if runs.n > 1 else None,
        runs.high if runs.n > 1 else None,
        interval_of="mean of the runs",
        n=runs.n,
        counted=f"runs with {filtered.received:,} changes",
        source="profiling.json: comparison.filtered.client_cpu_percent",
        note=f"filtered, at {filtered.rate_per_s:g} rows/s; full table {comparison.full.client_cpu_percent:.2g} %",
    )


def _of_summary(
    name: str, unit: str, summary: Summary, counted: str, source: str, note: str, *, mean: bool = False
) -> Measure:
    """A sample as a measure: its mean or its median, with the interval of what is stated."""
    low, high = (summary.mean_ci95 or (None, None)) if mean else summary.ci95
    return Measure(
        name,
        unit,
        summary.mean if mean else summary.p50,
        low,
        high,
        interval_of="mean" if mean else "median",
        n=summary.n,
        counted=counted,
        source=source,
        note=note,
    )
