"""A real Prometheus, on loopback and a folder of its own, for the time of a block."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from helpers.monitoring.indicators import Severity
from helpers.monitoring.prometheus import prometheus_configuration, rules
from helpers.objectives import Objectives

__all__ = ["PrometheusServer", "prometheus_server"]

#: Between scrapes, and between looks at the rules.
SCRAPE_S = 0.25


@dataclass(frozen=True)
class PrometheusServer:
    """One that runs."""

    url: str
    session: aiohttp.ClientSession

    async def query(self, expr: str) -> list[dict[str, Any]]:
        """The result of an instant query."""
        async with self.session.get(f"{self.url}/api/v1/query", params={"query": expr}) as answer:
            body = await answer.json()
        assert body["status"] == "success", (expr, body)
        return list(body["data"]["result"])

    async def firing(self) -> set[str]:
        """Names of the alerts that stand now and are to rouse somebody."""
        async with self.session.get(f"{self.url}/api/v1/alerts") as answer:
            alerts = (await answer.json())["data"]["alerts"]
        pages = [alert["labels"] for alert in alerts if alert["state"] == "firing"]
        return {labels["alertname"] for labels in pages if labels["severity"] == Severity.PAGE}

    async def until(self, name: str, *, firing: bool, timeout_s: float = 30.0) -> None:
        """Wait until an alert stands, or does not."""
        async with asyncio.timeout(timeout_s):
            while True:
                if (name in await self.firing()) is firing:
                    return
                await asyncio.sleep(SCRAPE_S)


@asynccontextmanager
async def prometheus_server(
    executable: str, folder: Path, canary: str, objectives: Objectives
) -> AsyncIterator[PrometheusServer]:
    """Start it with the rules of some objectives, scraping the canary."""
    (folder / "realtime.rules.yml").write_text(yaml.safe_dump(rules(objectives)))
    (folder / "prometheus.yml").write_text(yaml.safe_dump(prometheus_configuration(canary, scrape_s=SCRAPE_S)))
    port = _free_port()
    arguments = (
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    )
    process = await asyncio.create_subprocess_exec(executable, *arguments, cwd=folder)
    try:
        async with aiohttp.ClientSession() as session:
            server = PrometheusServer(f"http://127.0.0.1:{port}", session)
            await _ready(server)
            yield server
    finally:
        process.kill()
        await process.wait()


async def _ready(server: PrometheusServer) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                async with server.session.get(f"{server.url}/-/ready") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)


def _free_port() -> int:
    """Prometheus 2.42 cannot say which port it took when it is given 0."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
