"""The specification's targets, each against what was measured."""

from __future__ import annotations

from helpers.report import performance as measures
from helpers.report.inputs import Inputs, missing
from helpers.report.model import Measure, Verdict
from helpers.report.performance import MESSAGES_PER_S

__all__ = ["verdicts"]

# The specification's own numbers: "Performance Targets" and "Optimization Goals".
CONNECT_MS = 100.0
DELIVERY_MS = 50.0
PAYLOAD_BYTES = 1_000.0
MEMORY_MB = 10.0
CPU_PERCENT = 5.0


def verdicts(inputs: Inputs) -> tuple[Verdict, ...]:
    """One verdict for each target, in the order of the specification."""
    return (
        _below("Initial connection", "below 100 ms (p95)", _connect_p95(inputs), CONNECT_MS),
        _broadcast_delivery(inputs),
        _below("Message delivery, database change", "below 50 ms (p95)", _change_p95(inputs), DELIVERY_MS),
        _throughput(inputs),
        Verdict("Uptime", "99.9 % for critical channels", _uptime(inputs), None),
        _below("Payload size", "below 1 KB on average", measures.message_size(inputs), PAYLOAD_BYTES),
        _efficiency(inputs),
        _below("Memory usage", "below 10 MB per subscription", measures.memory(inputs), MEMORY_MB),
        _below("CPU overhead", "below 5 %", measures.cpu(inputs), CPU_PERCENT),
        Verdict("Recovery", "reconnect in less than 30 s", _not_broken("Recovery"), None),
    )


def _below(objective: str, threshold: str, measure: Measure, limit: float) -> Verdict:
    return Verdict(objective, threshold, measure, None if measure.value is None else measure.value < limit)


def _throughput(inputs: Inputs) -> Verdict:
    measure = measures.throughput(inputs)
    met: bool | None = None
    if measure.value is not None and inputs.broadcast is not None:
        tried = max(step.rate_per_s for step in inputs.broadcast.steps)
        # A step below the target that lost nothing leaves the question open.
        met = True if measure.value >= MESSAGES_PER_S else None if tried < MESSAGES_PER_S else False
    return Verdict("Throughput", "1,000 or more messages/sec per channel", measure, met)


def _efficiency(inputs: Inputs) -> Verdict:
    """The specification asks for "only necessary fields"; measured is whether only necessary rows arrive."""
    name, comparison = "Messages that the application did not want", inputs.comparison
    if comparison is None or not comparison.filtered.received:
        measure = missing(name, inputs.why_not("profiling"))
    else:
        filtered, full = comparison.filtered, comparison.full
        measure = Measure(
            name,
            "%",
            100 * filtered.wasted / filtered.received,
            n=filtered.received,
            counted="messages",
            source="profiling.json: comparison.filtered.wasted",
            note=f"filtered; full table {100 * full.wasted / max(full.received, 1):.0f} %",
        )
    return Verdict("Subscription efficiency", "nothing unnecessary", measure, _is_zero(measure))


def _is_zero(measure: Measure) -> bool | None:
    return None if measure.value is None else measure.value == 0


def _connect_p95(inputs: Inputs) -> Measure:
    name, connection = "Connecting, 95th percentile", inputs.connection
    if connection is None or connection.connect_ms is None:
        return missing(name, inputs.why_not("profiling"))
    connect = connection.connect_ms
    return Measure(
        name, "ms", connect.p95, n=connect.n, counted="connections", source="profiling.json: connection.connect_ms"
    )


def _broadcast_delivery(inputs: Inputs) -> Verdict:
    """Judged at the rate that the specification asks for. A sender that was late itself proves nothing against it."""
    name, step = "Broadcast, 95th percentile", inputs.broadcast.at(MESSAGES_PER_S) if inputs.broadcast else None
    if step is None or step.latency_ms is None:
        measure, met = missing(name, inputs.why_not("profiling")), None
    else:
        p95, late = step.latency_ms.p95, step.send_late_ms
        note = f"at {step.rate_per_s:,.0f} a second; this machine sent up to {late:.1f} ms late"
        source = "profiling.json: broadcast.steps"
        measure = Measure(name, "ms", p95, n=step.received, counted="messages", source=source, note=note)
        met = True if p95 < DELIVERY_MS else None if late > DELIVERY_MS else False
    return Verdict("Message delivery, broadcast", "below 50 ms (p95)", measure, met)


def _change_p95(inputs: Inputs) -> Measure:
    name, comparison = "Database change, 95th percentile", inputs.comparison
    if comparison is None or comparison.filtered.latency_ms is None:
        return missing(name, inputs.why_not("profiling"))
    latency = comparison.filtered.latency_ms
    source = "profiling.json: comparison.filtered.latency_ms"
    note = f"the server's poll alone waits up to {comparison.poll_wait_ms:.0f} ms"
    return Measure(name, "ms", latency.p95, n=latency.n, counted="changes", source=source, note=note)


def _uptime(inputs: Inputs) -> Measure:
    reached = measures.stability(inputs)
    so_far = "" if reached.value is None else f"; in this run {reached}"
    return missing("Uptime", f"99.9 % can only be shown by watching for days{so_far}")


def _not_broken(name: str) -> Measure:
    return missing(name, "no connection was broken in this run")
