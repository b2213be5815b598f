"""Sections "Optimization Plan", "Additional Optimizations" and "Monitoring Setup"."""

from __future__ import annotations

from helpers.report import performance as measures
from helpers.report.inputs import Inputs

__all__ = ["monitoring", "optimizations", "plan"]


def plan(inputs: Inputs) -> tuple[str, ...]:
    """The specification's three steps of Prisma integration, in the order in which they pay."""
    return (
        "Use the `prisma` client with **real-time state sync**: subscribe with a filter, wait for the `system` message "
        "“Subscribed to PostgreSQL” and only then read the initial state, so that no change falls in between.",
        "Implement **`onUpdate` → Prisma revalidation**: take only the id from the event and read the row again "
        f"through Prisma, many ids in one query. {_faithful(inputs)}",
        f"Batch updates with **transactions** for consistency. {_batching(inputs)}",
    )


def _faithful(inputs: Inputs) -> str:
    if inputs.synced is None:
        return f"(Not measured, because {inputs.why_not('sync')}.)"
    faithful = [run.strategy for run in inputs.synced.runs if run.is_faithful]
    broken = [run.strategy for run in inputs.synced.runs if not run.is_faithful]
    return f"Measured: row for row right with {_names(faithful)}, wrong with {_names(broken)}."


def _names(strategies: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in strategies) or "none"


def _batching(inputs: Inputs) -> str:
    if inputs.synced is None:
        return f"(Not measured, because {inputs.why_not('sync')}.)"
    figures = [
        f"“{run.strategy}” {run.queries:,} queries for {run.events_expected:,} changes, {run.rows_per_s:,.0f} rows/s"
        for run in inputs.synced.runs
        if run.rows_correct  # of what got no row right there is no rate
    ]
    return f"Measured, one run each: {'; '.join(figures) or 'no strategy got a row right'}."


def optimizations(inputs: Inputs) -> tuple[str, ...]:
    """The specification's four, each with what this run measured of it."""
    return (
        "**Subscription batching**: combine multiple updates before database writes, by time and by number.",
        "**State management**: put changes into the store (Zustand, Redux) once for each frame and not once for each "
        "event; a burst is then one render.",
        f"**Connection pooling**: one socket and one channel for several bindings. {_pooling(inputs)}",
        "**Error handling**: reconnect with exponential backoff and full jitter, "
        "`random() × min(30 s, 1 s × 2^attempt)`; do not retry what cannot succeed (a bad filter, no permission), "
        "and poll while the socket is down.",
    )


def _pooling(inputs: Inputs) -> str:
    if inputs.memory is None:
        return f"(Not measured, because {inputs.why_not('profiling')}.)"
    own, shared = inputs.memory.own_socket_kib, inputs.memory.shared_socket_kib
    return f"Measured KiB of client memory for each subscription: a socket each {own}, one shared socket {shared}."


def monitoring(inputs: Inputs) -> tuple[str, ...]:
    """What to watch, and from which value on to worry, taken from this run."""
    return (
        "**Realtime dashboard**: connections, latency, throughput. `workbook watch` measures them with a client of its "
        "own and exports them; `workbook alerts --out monitoring` writes a dashboard for Grafana. Healthy here: "
        f"{_values(inputs)}.",
        "**Alerting**: disconnects, lost messages and slow deliveries, by how fast they burn the error budget: the "
        "same command writes the rules for Prometheus and an example for Alertmanager. Now: "
        f"{measures.stability(inputs)} of connections and heartbeats succeeded.",
        "**Performance logs**: for each filtered subscription, messages, bytes and latency; "
        f"delivery p95 {_twice(inputs)}.",
        "**Usage analytics**: message volume per channel against the plan's quota; every message counts once when it "
        "is sent and once for each receiver.",
        "**Database**: `select slot_name, wal_status, pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn) from "
        "pg_replication_slots` – a slot that falls behind is lost, and Realtime with it.",
    )


def _values(inputs: Inputs) -> str:
    chosen = (measures.connection_latency(inputs), measures.change_latency(inputs), measures.throughput(inputs))
    return "; ".join(f"{measure.name.lower()} {measure.short}" for measure in chosen)


def _twice(inputs: Inputs) -> str:
    latency = inputs.comparison.filtered.latency_ms if inputs.comparison else None
    if latency is None:
        return "has no baseline, because it was not measured"
    return f"was {latency.p95:.0f} ms here, warn at twice that"
