"""What the canary itself takes: CPU, memory, quota and the log that slots hold back."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import psutil
import psycopg

from helpers.database_url import libpq_url
from helpers.monitoring.canary.settings import CanarySettings
from helpers.monitoring.exporter import Sink
from helpers.plans import QUOTAS, Plan
from helpers.target import Target

__all__ = ["Resources"]

LIMIT_S = 5
_SLOTS = (
    "select slot_name, pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint from pg_replication_slots"
)


class Resources:
    """Looks every few seconds.

    Args:
        subscriptions: that this client holds.
    """

    def __init__(self, target: Target, sink: Sink, settings: CanarySettings, subscriptions: int) -> None:
        self._target, self._sink, self._settings, self._subscriptions = target, sink, settings, subscriptions
        self._process = psutil.Process()
        self._resident = self._process.memory_info().rss
        self._worst_s = 0.0
        self._slots: set[str] = set()

    def late(self, seconds: float) -> None:
        """The canary's own loop came so much too late."""
        self._worst_s = max(self._worst_s, seconds)

    async def run(self) -> None:
        """Look, until cancelled."""
        self._sink.set("subscriptions", self._subscriptions)
        self._tell_quota()
        cpu_s, at = self._cpu_s(), time.monotonic()
        while True:
            await asyncio.sleep(self._settings.resources_s)
            used, now = self._cpu_s(), time.monotonic()
            self._sink.set("client_cpu_ratio", (used - cpu_s) / (now - at) / self._subscriptions)
            cpu_s, at = used, now
            grown = max(0, self._process.memory_info().rss - self._resident)
            self._sink.set("client_memory_bytes", grown / self._subscriptions)
            self._sink.set("harness_delay_seconds", self._worst_s)
            self._worst_s = 0.0
            await self._look_at_slots()

    def _cpu_s(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _tell_quota(self) -> None:
        """A broadcast counts when it is sent and when it is delivered, a change when it is delivered."""
        quota = QUOTAS[self._target.plan or Plan.FREE]
        messages_per_s = (self._subscriptions + 1) / self._settings.every_s
        used = {
            "messages_per_s": messages_per_s / quota.messages_per_s,
            "connections": 2 / quota.connections,
            "channels_per_connection": self._subscriptions / quota.channels_per_connection,
        }
        if quota.messages_a_month is not None:
            used["messages_a_month"] = messages_per_s * 30 * 86_400 / quota.messages_a_month
        for name, share in used.items():
            self._sink.set("quota_used_ratio", share, quota=name)

    async def _look_at_slots(self) -> None:
        """Reads only. Nothing is told while the database does not answer."""
        if self._target.database_url is None:
            return
        try:
            async with asyncio.timeout(2 * LIMIT_S):
                lags = await self._slot_lags(libpq_url(self._target.database_url))
        except (psycopg.Error, OSError, TimeoutError):
            lags = {}
        for slot, lag in lags.items():
            self._sink.set("slot_lag_bytes", lag, slot=slot)
        for gone in self._slots - lags.keys():
            self._sink.forget("slot_lag_bytes", slot=gone)
        self._slots = set(lags)

    async def _slot_lags(self, url: str) -> dict[str, int]:
        connection: psycopg.AsyncConnection[Any]
        async with await psycopg.AsyncConnection.connect(
            url, autocommit=True, connect_timeout=LIMIT_S, prepare_threshold=None
        ) as connection:
            rows = await (await connection.execute(_SLOTS.encode())).fetchall()
        return {str(slot): int(lag) for slot, lag in rows if lag is not None}
