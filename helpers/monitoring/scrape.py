"""Metrics of somebody else beside the canary's own: a Realtime server's, or a hosted project's.

Sources: a Realtime server answers `/metrics` and `/tenant-metrics` to a bearer token (OBSERVABILITY_METRICS.md of
supabase/realtime); a hosted project answers `/customer/v1/privileged/metrics` to the user `service_role` with the
secret key as password, and measures once a minute (supabase.com/docs/guides/telemetry/metrics).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import aiohttp
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from helpers.monitoring.exporter import Sink
from helpers.target import Target, TargetKind

__all__ = ["Others", "Source", "sources"]

LIMIT_S = 10
#: Metrics that concern Realtime or what it hangs on, by the beginning of their names.
WANTED = (
    "realtime_",
    "phoenix_",
    "pg_replication",
    "pg_stat_replication",
    "supavisor_",
    "node_load",
    "node_memory_Mem",
)
#: A server with thousands of tenants must not flood ours.
MOST_SAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Source:
    """Where metrics are fetched.

    Attributes:
        name: its label. headers: with the secret, which is never shown.
        every_s: between two fetches.
    """

    name: str
    url: str
    headers: dict[str, str] = field(repr=False)
    every_s: float = 15.0


def sources(target: Target) -> tuple[Source, ...]:
    """Those that a target has; none without its secret key."""
    if target.secret_key is None:
        return ()
    if target.kind is TargetKind.HOSTED:
        login = aiohttp.encode_basic_auth("service_role", target.secret_key)
        url = f"{target.api_url}/customer/v1/privileged/metrics"
        return (Source("project", url, {"Authorization": login}, every_s=60.0),)
    bearer = {"Authorization": f"Bearer {target.secret_key}"}
    paths = (("server", "metrics"), ("tenant", "tenant-metrics"))
    return tuple(Source(name, f"{target.api_url}/{path}", bearer) for name, path in paths)


class Others(Collector):
    """Fetches, and hands over the latest of each source whenever ours are scraped.

    Give it to `Exporter.include` and run it beside the canary.
    """

    def __init__(self, found: Sequence[Source], sink: Sink) -> None:
        self._sources, self._sink = tuple(found), sink
        self._latest: dict[str, list[Metric]] = {}
        for source in self._sources:
            sink.add("scrape_failures", 0, source=source.name)

    async def run(self) -> None:
        """Fetch from all of them, until cancelled."""
        timeout = aiohttp.ClientTimeout(total=LIMIT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as tasks:
            for source in self._sources:
                tasks.create_task(self._follow(session, source))

    def collect(self) -> Iterable[Metric]:
        """What was fetched last; a name that two sources have comes from the first."""
        seen: set[str] = set()
        for name in [source.name for source in self._sources]:
            for metric in self._latest.get(name, ()):
                if metric.name not in seen:
                    seen.add(metric.name)
                    yield metric

    async def _follow(self, session: aiohttp.ClientSession, source: Source) -> None:
        while True:
            try:
                async with session.get(source.url, headers=source.headers) as answer:
                    answer.raise_for_status()
                    self._latest[source.name] = list(_wanted(await answer.text()))
            except (aiohttp.ClientError, TimeoutError, ValueError):
                self._latest.pop(source.name, None)  # what is old would look like what is so
                self._sink.add("scrape_failures", 1, source=source.name)
            await asyncio.sleep(source.every_s)


def _wanted(text: str) -> Iterator[Metric]:
    """Raises ValueError if it is not in Prometheus' format."""
    samples = 0
    for metric in text_string_to_metric_families(text):
        samples += len(metric.samples)
        if metric.name.startswith(WANTED) and samples <= MOST_SAMPLES:
            yield metric
