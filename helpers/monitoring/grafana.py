"""The dashboard of the canary, built with Grafana's own library, so that it is what Grafana reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from string import ascii_uppercase
from typing import Any

from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold, ThresholdsMode

from helpers.monitoring.indicators import Indicator, duration, indicators, windows_s
from helpers.monitoring.metrics import Path, family
from helpers.objectives import Objectives

__all__ = ["Panel", "Row", "dashboard_json", "rows"]

#: The variable that lets a reader choose where the data comes from.
SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
#: Rates over a window that Grafana fits to its own step.
WINDOW = "$__rate_interval"
#: Of the 24 columns of a dashboard, and in rows of its grid.
WIDTH, HEIGHT = 8, 7


class Look(StrEnum):
    """How a panel shows its values."""

    LINES = "lines"
    NUMBER = "number"
    STATES = "states"


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: its queries, each with the text of its legend.

    Attributes:
        unit: as Grafana names units.
        limit: of an objective, drawn as a line; beyond it is bad.
    """

    title: str
    says: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    look: Look = Look.LINES
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Panels that answer one question."""

    title: str
    panels: tuple[Panel, ...]


def rows(objectives: Objectives) -> tuple[Row, ...]:
    """What the dashboard shows, from "does it work?" to "what does it cost?"."""
    return (
        Row("Does it serve?", tuple(_serving(objectives))),
        Row("How fast?", tuple(_times(objectives))),
        Row("Does everything arrive?", tuple(_messages(objectives))),
        Row("What does it cost?", tuple(_costs(objectives))),
    )


def _serving(objectives: Objectives) -> Iterator[Panel]:
    serving, state = family("serving").name, family("state").name
    yield Panel("Serving", "Changes reach the application.", "bool_yes_no", ((serving, "{{channel}}"),), Look.NUMBER)
    yield Panel("State", "Where each channel is.", "none", ((f"{state} == 1", "{{channel}} {{state}}"),), Look.STATES)
    lost = family("disconnects").name
    by_reason = f"sum by (reason) (increase({lost}[{WINDOW}]))"
    yield Panel("Lost connections", "By reason.", "short", ((by_reason, "{{reason}}"),))
    watched, unserved = family("watched_seconds").name, family("unserved_seconds").name
    uptime = f"1 - increase({unserved}[$__range]) / increase({watched}[$__range])"
    says = "Share of the time shown in which the channel served."
    yield Panel("Uptime", says, "percentunit", ((uptime, "{{channel}}"),), Look.NUMBER)
    for one in indicators(objectives):
        yield _budget(one, objectives)


def _budget(indicator: Indicator, objectives: Objectives) -> Panel:
    windows = [duration(window) for window in windows_s(objectives)]
    queries = tuple((indicator.recorded(window), f"over {window}") for window in (windows[0], windows[-1]))
    return Panel(f"Error ratio: {indicator.id}", f"{indicator.says}.", "percentunit", queries, limit=indicator.budget)


def _times(objectives: Objectives) -> Iterator[Panel]:
    for path in Path:
        labels = f'{{path="{path}"}}'
        yield _quantiles(f"Delivery: {path}", "delivery_seconds", objectives.delivery_s, labels)
    yield _quantiles("Connecting", "connect_seconds", objectives.connect_s)
    yield _quantiles("Joining", "join_seconds")
    yield _quantiles("Joining until changes are delivered", "ready_seconds")
    yield _quantiles("From commit to arrival", "poll_lag_seconds")
    yield _quantiles("Heartbeat", "heartbeat_seconds")
    yield _quantiles("Recovery", "recovery_seconds", objectives.recovery_s)


def _quantiles(title: str, short: str, limit: float | None = None, labels: str = "") -> Panel:
    times = family(short)
    rate = f"sum by (le) (rate({times.name}_bucket{labels}[{WINDOW}]))"
    queries = tuple((f"histogram_quantile({q}, {rate})", f"p{round(100 * q)}") for q in (0.5, 0.95, 0.99))
    return Panel(title, times.help, "s", queries, limit=limit)


def _messages(objectives: Objectives) -> Iterator[Panel]:
    rate = tuple((f"sum by (path) (rate({family(kind).name}[{WINDOW}]))", f"{kind}, {{{{path}}}}") for kind in _FLOWS)
    yield Panel("Messages", "Sent and received, in a second.", "cps", rate)
    wrong = tuple(
        (f"sum by (path) (increase({family(kind).name}[{WINDOW}]))", f"{kind}, {{{{path}}}}") for kind in _FAULTS
    )
    yield Panel("Faults of delivery", "Lost, missed in an outage, doubled, out of order.", "short", wrong)
    payload = family("payload_bytes").name
    average = f"sum by (path) (rate({payload}_sum[{WINDOW}])) / sum by (path) (rate({payload}_count[{WINDOW}]))"
    yield Panel("Size", "Of a message, on average.", "bytes", ((average, "{{path}}"),), limit=objectives.payload_bytes)


_FLOWS = ("sent", "received")
_FAULTS = ("lost", "missed", "duplicated", "reordered")


def _costs(objectives: Objectives) -> Iterator[Panel]:
    gauges = (
        ("Memory", "client_memory_bytes", "bytes", "client", objectives.memory_bytes),
        ("CPU", "client_cpu_ratio", "percentunit", "client", objectives.cpu),
        ("Quota", "quota_used_ratio", "percentunit", "{{quota}}", 1.0),
        ("Slots", "slot_lag_bytes", "bytes", "{{slot}}", None),
        ("The canary itself", "harness_delay_seconds", "s", "delay", None),
    )
    for title, short, unit, legend, limit in gauges:
        one = family(short)
        yield Panel(title, one.help, unit, ((one.name, legend),), limit=limit)


def dashboard_json(objectives: Objectives) -> str:
    """The dashboard as a file that Grafana 11 imports."""
    board = boards.Dashboard("Supabase Realtime").uid("supabase-realtime-canary").tags(["supabase", "realtime"])
    board.refresh("10s").time("now-1h", "now").timezone("browser").editable()
    board.with_variable(boards.DatasourceVariable("source").label("Data source").type("prometheus"))
    number = count(1)
    for row in rows(objectives):
        board.with_row(boards.Row(row.title).id(next(number)))
        for panel in row.panels:
            board.with_panel(_BUILDERS[panel.look](panel).id(next(number)))
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build())


def _lines(panel: Panel) -> Any:
    built = _filled(timeseries.Panel(), panel).min(0).line_width(1).fill_opacity(10)
    if panel.limit is not None:
        built.thresholds(_beyond(panel.limit))
    return built


def _number(panel: Panel) -> Any:
    return _filled(stat.Panel(), panel)


def _states(panel: Panel) -> Any:
    return _filled(statetimeline.Panel(), panel).fill_opacity(70).line_width(0)


_BUILDERS = {Look.LINES: _lines, Look.NUMBER: _number, Look.STATES: _states}


def _filled(builder: Any, panel: Panel) -> Any:
    """What every kind of panel has; their builders share these methods, and no class."""
    builder.title(panel.title).description(panel.says).unit(panel.unit).datasource(SOURCE).span(WIDTH).height(HEIGHT)
    for (expr, legend), name in zip(panel.queries, ascii_uppercase, strict=False):
        query = prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(name)
        builder.with_target(query.datasource(SOURCE))
    return builder


def _beyond(limit: float) -> boards.ThresholdsConfig:
    steps = [Threshold(value=None, color="green"), Threshold(value=limit, color="red")]
    return boards.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
