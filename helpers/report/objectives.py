"""The specification's targets, each against what was measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from helpers.monitoring.watched import WatchedChannel
from helpers.objectives import Objectives
from helpers.profiling.statistics import Summary, quantile_interval, wilson
from helpers.report import performance as measures
from helpers.report.inputs import Inputs, missing
from helpers.report.model import Measure, Verdict, number
from helpers.report.performance import MESSAGES_PER_S

__all__ = ["verdicts"]

#: A share of 99.9 % is not shown in less: a day without an outage leaves room for a minute and a half.
LONG_ENOUGH_S = 86_400.0


def verdicts(inputs: Inputs, objectives: Objectives | None = None) -> tuple[Verdict, ...]:
    """One verdict for each target, in the order of the specification, whose numbers are the defaults."""
    asked = objectives or Objectives()
    connect, delivery = f"below {1e3 * asked.connect_s:g} ms (p95)", f"below {1e3 * asked.delivery_s:g} ms (p95)"
    return (
        _below("Initial connection", connect, _connect_p95(inputs), 1e3 * asked.connect_s),
        _broadcast_delivery(inputs, 1e3 * asked.delivery_s),
        _below("Message delivery, database change", delivery, _change_p95(inputs), 1e3 * asked.delivery_s),
        _throughput(inputs, asked.throughput_per_s),
        _uptime(inputs, asked.uptime),
        _below(
            "Payload size",
            f"below {asked.payload_bytes / 1_000:g} KB on average",
            measures.message_size(inputs),
            asked.payload_bytes,
        ),
        _efficiency(inputs),
        _below(
            "Memory usage",
            f"below {asked.memory_bytes / 1e6:g} MB per subscription",
            measures.memory(inputs),
            asked.memory_bytes / 1e6,
        ),
        _below("CPU overhead", f"below {100 * asked.cpu:g} %", measures.cpu(inputs), 100 * asked.cpu),
        _below("Recovery", f"reconnect in less than {asked.recovery_s:g} s", _recovery(inputs), asked.recovery_s),
    )


def _below(objective: str, threshold: str, measure: Measure, limit: float) -> Verdict:
    """Judged by the interval: a value below the limit, whose interval reaches beyond it, proves nothing."""
    met = _is_below(measure, limit)
    if measure.value is not None and met is None:
        by_value = "met" if measure.value < limit else "missed"
        why = "measured too few times to be sure" if measure.low is not None else "without an interval"
        unsure = f"{by_value} by the value, but {why}"
        measure = replace(measure, note="; ".join(part for part in (unsure, measure.note) if part))
    return Verdict(objective, threshold, measure, met)


def _is_below(measure: Measure, limit: float) -> bool | None:
    """Whether all of the interval is; None where it holds the limit, or where there is none."""
    if measure.high is not None and measure.high < limit:
        return True
    return False if measure.low is not None and measure.low >= limit else None


def _throughput(inputs: Inputs, asked_per_s: float) -> Verdict:
    measure = measures.throughput(inputs)
    met: bool | None = None
    if measure.value is not None and inputs.broadcast is not None:
        tried = max(step.rate_per_s for step in inputs.broadcast.steps)
        # A step below the target that lost nothing leaves the question open.
        met = True if measure.value >= asked_per_s else None if tried < asked_per_s else False
    return Verdict("Throughput", f"{asked_per_s:,.0f} or more messages/sec per channel", measure, met)


def _efficiency(inputs: Inputs) -> Verdict:
    """The specification asks for "only necessary fields"; measured is whether only necessary rows arrive."""
    name, comparison = "Messages that the application did not want", inputs.comparison
    if comparison is None or not comparison.filtered.received:
        measure = missing(name, inputs.why_not("profiling"))
    else:
        filtered, full = comparison.filtered, comparison.full
        low, high = wilson(filtered.wasted, filtered.received)
        measure = Measure(
            name,
            "%",
            100 * filtered.wasted / filtered.received,
            100 * low,
            100 * high,
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
    return _p95(name, connect, "connections", "profiling.json: connection.connect_ms")


def _broadcast_delivery(inputs: Inputs, limit_ms: float) -> Verdict:
    """Judged at the rate that the specification asks for. A sender that was late itself proves nothing against it."""
    name, step = "Broadcast, 95th percentile", inputs.broadcast.at(MESSAGES_PER_S) if inputs.broadcast else None
    objective, threshold = "Message delivery, broadcast", f"below {limit_ms:g} ms (p95)"
    if step is None or step.latency_ms is None:
        return _below(objective, threshold, missing(name, inputs.why_not("profiling")), limit_ms)
    late = step.send_late_ms
    note = f"at {step.rate_per_s:,.0f} a second; this machine sent up to {late:.1f} ms late"
    measure = _p95(name, step.latency_ms, "messages", "profiling.json: broadcast.steps", note)
    judged = _below(objective, threshold, measure, limit_ms)
    return replace(judged, met=None) if judged.met is False and late > limit_ms else judged


def _change_p95(inputs: Inputs) -> Measure:
    name, comparison = "Database change, 95th percentile", inputs.comparison
    if comparison is None or comparison.filtered.latency_ms is None:
        return missing(name, inputs.why_not("profiling"))
    latency = comparison.filtered.latency_ms
    source = "profiling.json: comparison.filtered.latency_ms"
    note = f"the server's poll alone waits up to {comparison.poll_wait_ms:.0f} ms"
    return _p95(name, latency, "changes", source, note)


def _p95(name: str, sample: Summary, counted: str, source: str, note: str = "") -> Measure:
    low, high = sample.p95_ci95 or (None, None)
    return Measure(name, "ms", sample.p95, low, high, n=sample.n, counted=counted, source=source, note=note)


def _uptime(inputs: Inputs, asked: float) -> Verdict:
    """Of the channel that served least. Less than a day proves no target met, but may prove it missed.

    A share of time has no interval: outages are no sample.
    """
    name, worst = "Uptime", inputs.worst_channel
    threshold = f"{100 * asked:g} % for critical channels"
    if worst is None:
        return Verdict(name, threshold, missing(name, inputs.why_not("monitoring")), None)
    if worst.uptime is None or not worst.due:
        return Verdict(name, threshold, missing(name, f"no message was due on {worst.name} while it was watched"), None)
    met = _is_up(worst, asked)
    served = f"{worst.received:,} of {worst.due:,} messages arrived, {_time(worst.unserved_s)} not served"
    note = f"{served} in {_time(worst.watched_s)}{'; a day or more is needed to judge' if met is None else ''}"
    measure = Measure(name, "%", 100 * worst.uptime, source="monitoring.json: channels", note=note)
    return Verdict(name, threshold, measure, met)


def _is_up(channel: WatchedChannel, asked: float) -> bool | None:
    """Missed as soon as even a perfect rest of the day could not reach what is asked; met after a day at the least."""
    best = 1 - channel.unserved_s / max(channel.watched_s, LONG_ENOUGH_S)
    if best < asked:
        return False
    return True if channel.watched_s >= LONG_ENOUGH_S else None


def _time(seconds: float) -> str:
    """In the unit that is read most easily."""
    for unit, size in (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{number(seconds / size)} {unit}"
    return f"{number(seconds)} s"


def _recovery(inputs: Inputs) -> Measure:
    """From a fault's end until a change that was committed then had arrived, over all faults that were tried."""
    name = "Recovery, 95th percentile"
    if inputs.recovery is None:
        return missing(name, inputs.why_not("recovery"))
    found = inputs.recovery.result.recoveries
    times = [seconds for one in found for seconds in one.seconds]
    slowest = max(found, key=lambda one: max(one.seconds))
    low, high = quantile_interval(times, 0.95)
    return Measure(
        name,
        "s",
        float(np.quantile(times, 0.95)),
        low,
        high,
        n=len(times),
        counted=f"recoveries from {len(found)} kinds of faults",
        source="recovery.json: recoveries",
        note=f"slowest {number(max(times))} s ({slowest.fault}); the workbook's subscription on a lab, behind a "
        f"network that breaks{'' if high is not None else '; for more recoveries: `workbook run --size full`'}",
    )
