"""Recording and alert rules, as the data of a rule file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from helpers.monitoring.indicators import BURNS, Burn, Indicator, Severity, duration, indicators, windows_s
from helpers.monitoring.metrics import family
from helpers.objectives import Objectives

__all__ = ["rules"]

#: What a slot may hold back before it is told: a quarter of the 512 MB at which the hosted service gives a slot up
#: (`max_slot_wal_keep_size`, https://github.com/supabase/postgres/releases/tag/15.14.1.116-x86), to leave time to look.
SLOT_LAG_BYTES = 128_000_000
#: Share of a quota that leaves little for the application.
QUOTA_SHARE = 0.8
#: Outages in an hour that are no accident any more.
OFTEN = 5
#: A canary that is later than this itself has nothing to say about milliseconds.
HARNESS_DELAY_S = 0.05

_Rule = dict[str, Any]


def rules(objectives: Objectives) -> dict[str, Any]:
    """The whole file: recording rules with alerts on error budgets, and alerts on single limits.

    ``yaml.safe_dump(rules(Objectives()), sort_keys=False)`` is what Prometheus reads.
    """
    shares = indicators(objectives)
    windows = [duration(window) for window in windows_s(objectives)]
    recordings = [_recording(one, window) for one in shares for window in windows]
    burns = [rule for one in shares for rule in _burn_alerts(one, objectives)]
    return {
        "groups": [
            # One after the other, so that alerts see what was recorded in the same round.
            {"name": "realtime_canary_budgets", "rules": [*recordings, *_budgets(shares, objectives), *burns]},
            {"name": "realtime_canary_limits", "rules": list(_limits(objectives))},
        ]
    }


def _recording(indicator: Indicator, window: str) -> _Rule:
    return {"record": indicator.recorded(window), "expr": indicator.error_ratio(window)}


def _budgets(shares: tuple[Indicator, ...], objectives: Objectives) -> Iterator[_Rule]:
    """What is left of each budget over the longest window that is recorded; below 0 it is overdrawn."""
    longest = duration(windows_s(objectives)[-1])
    for one in shares:
        name = one.recorded(longest).replace(f"error_ratio_rate{longest}", "error_budget_left_ratio")
        yield {"record": name, "expr": f"1 - {one.recorded(longest)} / {one.budget:.6g}"}


def _burn_alerts(indicator: Indicator, objectives: Objectives) -> Iterator[_Rule]:
    for burn in BURNS:
        most = burn.factor * indicator.budget
        if most < 1:  # more than everything cannot be bad
            yield _burn_alert(indicator, burn, most, objectives.period_days / 30)


def _burn_alert(indicator: Indicator, burn: Burn, most: float, scale: float) -> _Rule:
    long, short = (duration(window * scale) for window in (burn.long_s, burn.short_s))
    both = " and ".join(f"{indicator.recorded(window)} > {most:.6g}" for window in (long, short))
    return _alert(
        f"Realtime{indicator.id.capitalize()}BudgetBurns",
        both,
        burn.severity,
        f"{indicator.says}: {{{{ $value | humanizePercentage }}}} over {long}",
        f"The budget of {indicator.budget:.3%} burns {burn.factor:g} times as fast as it may.",
        indicator=indicator.id,
        window=long,
    )


def _alert(
    name: str, expr: str, severity: str, summary: str, description: str, lasting: float = 0, **labels: str
) -> _Rule:
    held = {"for": duration(lasting)} if lasting else {}
    return {
        "alert": name,
        "expr": expr,
        **held,
        "labels": {"severity": severity, **labels},
        "annotations": {"summary": summary, "description": description},
    }


def _limits(objectives: Objectives) -> Iterator[_Rule]:
    minute = 60 * objectives.period_days / 30
    yield from _serving(objectives, minute)
    yield from _disconnects(minute)
    yield from _messages(objectives, minute)
    yield from _resources(objectives, minute)
    yield from _watcher(minute)


def _serving(objectives: Objectives, minute: float) -> Iterator[_Rule]:
    yield _alert(
        "RealtimeDoesNotRecover",
        f"{family('serving').name} == 0",
        Severity.PAGE,
        "Channel {{ $labels.channel }} has not served for more than " + duration(objectives.recovery_s),
        "Its state and the reason of its last loss are in realtime_canary_state and realtime_canary_disconnects_total.",
        objectives.recovery_s,
    )
    yield _alert(
        "RealtimeOftenInterrupted",
        f"increase({family('outages').name}[{duration(60 * minute)}]) > {OFTEN}",
        Severity.TICKET,
        "Channel {{ $labels.channel }} was interrupted {{ $value | humanize }} times within the hour",
        "Each interruption loses what is committed in it for subscribers that do not read it up.",
    )


def _disconnects(minute: float) -> Iterator[_Rule]:
    yield _alert(
        "RealtimeOftenDisconnected",
        f"increase({family('disconnects').name}[{duration(60 * minute)}]) > {OFTEN}",
        Severity.TICKET,
        "Channel {{ $labels.channel }} was lost {{ $value | humanize }} times: {{ $labels.reason }}",
        "Heartbeats that stay unanswered and connections that break are the network's; what the server closes it logs.",
    )


def _messages(objectives: Objectives, minute: float) -> Iterator[_Rule]:
    yield _alert(
        "RealtimeLosesMessages",
        f"increase({family('lost').name}[{duration(5 * minute)}]) > 0",
        Severity.TICKET,
        "{{ $value | humanize }} messages by {{ $labels.path }} were lost on channel {{ $labels.channel }}",
        "The channel served while they were sent: look at rate limits, payload limits and the server's log.",
    )
    payload, window = family("payload_bytes").name, duration(60 * minute)
    yield _alert(
        "RealtimePayloadTooLarge",
        f"rate({payload}_sum[{window}]) / rate({payload}_count[{window}]) > {objectives.payload_bytes:g}",
        Severity.TICKET,
        "Messages by {{ $labels.path }} have {{ $value | humanize1024 }}B on average",
        "Subscribe to the columns that are used (select), or send the key and fetch the rest when it is shown.",
        5 * minute,
    )


def _resources(objectives: Objectives, minute: float) -> Iterator[_Rule]:
    limits = (
        ("Memory", "client_memory_bytes", objectives.memory_bytes, "{{ $value | humanize1024 }}B"),
        ("Cpu", "client_cpu_ratio", objectives.cpu, "{{ $value | humanizePercentage }} of a core"),
    )
    for name, short, limit, value in limits:
        yield _alert(
            f"RealtimeClient{name}High",
            f"{family(short).name} > {limit:g}",
            Severity.TICKET,
            f"The client takes {value} for each subscription",
            "Look for subscriptions that are never removed, and for handlers that do much for each message.",
            10 * minute,
        )
    yield _alert(
        "RealtimeQuotaNearlyUsed",
        f"{family('quota_used_ratio').name} > {QUOTA_SHARE:g}",
        Severity.TICKET,
        "The canary uses {{ $value | humanizePercentage }} of the quota of {{ $labels.quota }}",
        "What is above a quota is refused or dropped: let the canary send less often, or use a larger plan.",
        5 * minute,
    )
    yield _alert(
        "RealtimeSlotFallsBehind",
        f"{family('slot_lag_bytes').name} > {SLOT_LAG_BYTES:g}",
        Severity.PAGE,
        "Slot {{ $labels.slot }} holds back {{ $value | humanize1024 }}B of the write-ahead log",
        "Changes are delivered late, and lost when the slot is given up: look at the server that reads it.",
        5 * minute,
    )


def _watcher(minute: float) -> Iterator[_Rule]:
    watched = family("watched_seconds").name
    yield _alert(
        "RealtimeCanaryGone",
        f"absent({watched}) or rate({watched}[{duration(5 * minute)}]) == 0",
        Severity.PAGE,
        "Nobody watches Realtime",
        "The canary was ended, or cannot be scraped: `workbook watch` starts it.",
        2 * minute,
    )
    yield _alert(
        "RealtimeCanaryOverloaded",
        f"{family('harness_delay_seconds').name} > {HARNESS_DELAY_S:g}",
        Severity.TICKET,
        "The canary itself is {{ $value | humanizeDuration }} late",
        "Its times are not to be trusted: give it a quieter machine.",
        5 * minute,
    )
