"""From objectives to what can be counted: shares of time and of messages that were not good enough, as queries.

An indicator has an error ratio over any window, and a target; what the target leaves is the error budget. How fast it
may burn before somebody is roused is the scheme of several windows of Google's Site Reliability Workbook, chapter 5
(“Alerting on SLOs”): 2 % of the budget in an hour or 5 % in six rouse somebody, 10 % in one or three days make a
ticket; a short window beside each long one ends the alert soon after its cause.
"""

from __future__ import annotations

from dataclasses import dataclass

from helpers.monitoring.metrics import Family, Path, boundary, family
from helpers.objectives import Objectives

__all__ = ["BURNS", "Burn", "Indicator", "Severity", "duration", "indicators", "windows_s"]

HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S


class Severity:
    """What an alert is for."""

    PAGE = "page"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True)
class Burn:
    """How much of the budget may go in which time; the windows are those of a period of 30 days, and scale with it."""

    budget: float
    long_s: float
    short_s: float
    severity: str

    @property
    def factor(self) -> float:
        """How many times faster than evenly that is."""
        return self.budget * 30 * DAY_S / self.long_s


BURNS = (
    Burn(0.02, HOUR_S, HOUR_S / 12, Severity.PAGE),
    Burn(0.05, 6 * HOUR_S, HOUR_S / 2, Severity.PAGE),
    Burn(0.10, DAY_S, 2 * HOUR_S, Severity.TICKET),
    Burn(0.10, 3 * DAY_S, 6 * HOUR_S, Severity.TICKET),
)


@dataclass(frozen=True, slots=True)
class Indicator:
    """A share that can be bad.

    Attributes:
        id: for names of rules.
        says: what is bad about it, as a sentence.
        target: share that is to be good.
        by: labels that it is told apart by.
        bad, all: counters, or what is as good as one; `{window}` stands for the window of a rate.
    """

    id: str
    says: str
    target: float
    by: tuple[str, ...]
    bad: str
    all: str

    @property
    def budget(self) -> float:
        """Share that may be bad."""
        return 1 - self.target

    def error_ratio(self, window: str) -> str:
        """The query of its error ratio over a window such as ``5m``."""
        by = ", ".join(("instance", *self.by))
        bad, all = (f"sum by ({by}) ({text.replace('{window}', window)})" for text in (self.bad, self.all))
        return f"{bad} / {all}"

    def recorded(self, window: str) -> str:
        """The name under which it is recorded, by Prometheus' convention of level, metric and operation."""
        return f"{'_'.join(self.by) or 'instance'}:realtime_canary_{self.id}:error_ratio_rate{window}"


def indicators(objectives: Objectives) -> tuple[Indicator, ...]:
    """Those that have an error budget. Loss has none that the specification names, and so is told at once."""
    return (
        Indicator(
            "uptime",
            "The channel does not serve for too much of the time",
            objectives.uptime,
            ("channel",),
            f"rate({family('unserved_seconds').name}[{{window}}])",
            f"rate({family('watched_seconds').name}[{{window}}])",
        ),
        _slower("connect", "Connections take too long", family("connect_seconds"), objectives.connect_s, objectives),
        _slower(
            "broadcast",
            "Broadcasts arrive too late",
            family("delivery_seconds"),
            objectives.delivery_s,
            objectives,
            Path.BROADCAST,
        ),
        _slower(
            "changes",
            "Database changes arrive too late",
            family("delivery_seconds"),
            objectives.change_alert_s,
            objectives,
            Path.CHANGES,
        ),
    )


def _slower(
    id: str, says: str, times: Family, limit_s: float, objectives: Objectives, path: Path | None = None
) -> Indicator:
    """The share of a histogram above a limit, which has to be one of its boundaries for the share to be exact."""
    path_is = f'path="{path}"' if path else ""
    labels = ", ".join(part for part in (path_is, f'le="{boundary(limit_s)}"') if part)
    within = f"{times.name}_bucket{{{labels}}}"
    count = f"{times.name}_count" + (f"{{{path_is}}}" if path_is else "")
    return Indicator(
        id,
        says,
        objectives.share,
        tuple(label for label in times.labels if label != "path"),
        f"(rate({count}[{{window}}]) - ignoring(le) rate({within}[{{window}}]))",
        f"rate({count}[{{window}}])",
    )


def windows_s(objectives: Objectives) -> tuple[float, ...]:
    """Every window that an alert looks at, shortest first."""
    both = {window for burn in BURNS for window in (burn.long_s, burn.short_s)}
    return tuple(sorted(window * objectives.period_days / 30 for window in both))


def duration(seconds: float) -> str:
    """As Prometheus writes durations: ``5m``, ``1h``, ``400ms``."""
    left = round(seconds * 1_000)
    text = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)):
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"
