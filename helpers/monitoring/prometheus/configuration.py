"""An example of a whole set-up: Prometheus that scrapes the canary, and Alertmanager that tells somebody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from helpers.monitoring.indicators import Severity, duration

__all__ = ["alertmanager_configuration", "prometheus_configuration"]


def prometheus_configuration(
    canary: str,
    rule_files: Sequence[str] = ("realtime.rules.yml",),
    alertmanagers: Sequence[str] = (),
    scrape_s: float = 15,
) -> dict[str, Any]:
    """What `prometheus.yml` holds.

    Args:
        canary: host and port where the canary is scraped.
        alertmanagers: hosts and ports of those that are told.
        scrape_s: between two scrapes, and between two looks at the rules.
    """
    every = duration(scrape_s)
    told = [{"static_configs": [{"targets": list(alertmanagers)}]}] if alertmanagers else []
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": list(rule_files),
        "alerting": {"alertmanagers": told},
        "scrape_configs": [{"job_name": "realtime_canary", "static_configs": [{"targets": [canary]}]}],
    }


def alertmanager_configuration(webhook: str = "http://127.0.0.1:9099/alerts") -> dict[str, Any]:
    """What `alertmanager.yml` holds: pages at once, tickets in one message a few hours, and no alarm about an alarm.

    Args:
        webhook: where messages go; an example to be replaced by the receiver of one's own.
    """
    receiver = {"webhook_configs": [{"url": webhook, "send_resolved": True}]}
    return {
        "route": {
            "receiver": "tickets",
            "group_by": ["alertname", "instance"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
            "routes": [
                {
                    "receiver": "pages",
                    "matchers": [f'severity="{Severity.PAGE}"'],
                    "group_wait": "0s",
                    "repeat_interval": "1h",
                }
            ],
        },
        "inhibit_rules": [
            _silences('severity="page"', 'severity="ticket"', "channel", "indicator"),
            _silences('alertname="RealtimeCanaryGone"', 'alertname=~"Realtime.*"'),
            _silences('alertname="RealtimeCanaryOverloaded"', 'indicator=~"connect|broadcast|changes"'),
        ],
        "receivers": [{"name": "pages", **receiver}, {"name": "tickets", **receiver}],
    }


def _silences(source: str, target: str, *equal: str) -> dict[str, Any]:
    """While alerts of the first kind stand, those of the second are not told about the same instance."""
    return {"source_matchers": [source], "target_matchers": [target], "equal": ["instance", *equal]}
