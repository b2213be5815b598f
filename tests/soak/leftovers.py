"""What the lab says of itself at /metrics and /tenant-metrics, and what it should say when visitors have gone."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping

import aiohttp

from helpers.lab import Lab

__all__ = ["DROPS", "HELD", "differences", "read_metrics", "settled"]

#: What each client has a part in while it is there.
HELD = ("phoenix_connections_total", "lab_channels", "lab_topics", "realtime_subscriptions_manager_subscribers")
#: What would explain that something was not delivered, and must not have happened.
DROPS = (
    'realtime_replication_poller_changes_skip{reason="rate_limited"}',
    'realtime_replication_poller_changes_skip{reason="evaluation_failed"}',
    "lab_changes_batches_dropped_total",
)
_LINE = re.compile(r"^(\w+(?:\{[^}]*\})?) ([-+.\de]+)$", re.MULTILINE)
_TENANT = re.compile(r'\{tenant="lab"\}|tenant="lab",|,tenant="lab"')


async def read_metrics(lab: Lab) -> dict[str, float]:
    """All numbers by name and labels, without the label `tenant`."""
    headers = {"Authorization": f"Bearer {lab.info['secret_key']}"}
    found: dict[str, float] = {}
    async with aiohttp.ClientSession(headers=headers) as session:
        for path in ("metrics", "tenant-metrics"):
            async with session.get(f"{lab.info['api_url']}/{path}") as response:
                text = _TENANT.sub("", await response.text())
                found |= {name: float(value) for name, value in _LINE.findall(text)}
    return found


async def settled(lab: Lab, expected: Mapping[str, float], within_s: float) -> dict[str, float]:
    """The metrics, as soon as they are as expected, or after so long."""
    deadline = time.monotonic() + within_s
    metrics = await read_metrics(lab)
    while differences(metrics, expected) and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        metrics = await read_metrics(lab)
    return metrics


def differences(metrics: Mapping[str, float], expected: Mapping[str, float]) -> list[str]:
    """In words; what is missing among the metrics counts as 0."""
    return [
        f"{name} is {metrics.get(name, 0):g} in place of {value:g}"
        for name, value in expected.items()
        if metrics.get(name, 0) != value
    ]
