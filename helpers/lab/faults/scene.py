"""A lab that can be taken down and brought back at the same address, with a network in front of it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import aiohttp
import psycopg

from helpers.errors import SettingsError
from helpers.lab.faults.application import Application
from helpers.lab.faults.timeline import begin_timeline
from helpers.lab.lab import Lab
from helpers.lab.network import Network, network
from helpers.lab.settings import LabSettings
from helpers.target import Target

__all__ = ["Scene"]

#: Where an operator of a self-hosted server manages a project; any name means the lab's only one.
_TENANT = "/realtime/v1/api/tenants/lab"

_CONNECT_TIMEOUT_S = 5


class Scene(contextlib.AsyncExitStack):
    """`async with Scene() as scene`; at its end lab, network and data are gone.

    Args:
        settings: of the lab; ports and folder are the scene's own.

    Attributes:
        via: the network between clients and the lab.
        lab: the lab that is there now; another one after a restart.
        restarts: how often it was brought back.
    """

    lab: Lab
    via: Network

    def __init__(self, settings: LabSettings | None = None) -> None:
        super().__init__()
        self._settings = settings or LabSettings()
        self._application: Application | None = None
        self.restarts = 0

    async def __aenter__(self) -> Self:
        try:
            self._home = Path(tempfile.mkdtemp(prefix="workbook-scene-", dir="/tmp"))
            self.callback(shutil.rmtree, self._home, ignore_errors=True)
            self._home.chmod(0o755)  # PostgreSQL's account must be able to enter it
            self._place = self._home / "first"
            await self._start()
            self.push_async_callback(self.stop_lab)
            self._settings = replace(
                self._settings, port=_port(self.lab.target.api_url), db_port=_port(self.database_url)
            )
            self.via = await self.enter_async_context(network(self.lab.target))
        except BaseException:
            await self.aclose()
            raise
        return self

    @property
    def target(self) -> Target:
        """What clients use: the lab, through the network. The database is reached directly."""
        return replace(self.lab.target, api_url=self.via.target.api_url)

    @property
    def service(self) -> Target:
        """The same for a client with the rights of the service role."""
        target = self.target
        assert target.secret_key is not None
        return replace(target, publishable_key=target.secret_key)

    @property
    def application(self) -> Application:
        """Whoever uses the scene, if it was said who does: some faults happen to it, and not to the server.

        Raises:
            SettingsError: it was not said.
        """
        if self._application is None:
            happened = "the scene does not know the application"
            advice = "Set `scene.application`, or choose faults of `FAULTS` that do not need one"
            raise SettingsError("breaking an application", happened, advice)
        return self._application

    @application.setter
    def application(self, application: Application) -> None:
        self._application = application

    @property
    def database_url(self) -> str:
        url = self.lab.target.database_url
        assert url is not None
        return url

    @property
    def events_per_s(self) -> float:
        """The server's limit."""
        return self._settings.realtime.limits.events_per_s

    async def stop_lab(self) -> None:
        """Take the whole server down: Realtime, REST, Auth and PostgreSQL. Its data stay."""
        await self.lab.stop()

    async def start_lab(self) -> None:
        """Bring it back at the same address."""
        await self._start()
        self.restarts += 1

    async def move(self, prepare: Callable[[str], None]) -> None:
        """Bring another server to the address, with the same keys and a history of its own.

        Args:
            prepare: fills it, given its database URL, before anybody can reach it at the address. Blocking.
        """
        keys = (self._place / "lab.json").read_bytes()
        self._place = self._home / f"server-{self.restarts + 2}"
        async with Lab(replace(self._settings, port=0, db_port=0, data_dir=self._place)) as fresh:
            assert fresh.target.database_url is not None
            await asyncio.to_thread(prepare, fresh.target.database_url)
        (self._place / "lab.json").write_bytes(keys)
        await asyncio.to_thread(begin_timeline, self._place / "postgres", self.restarts + 2)
        await self.start_lab()

    async def connection(self) -> psycopg.AsyncConnection:
        """A new one to the database, in autocommit, to be closed by the caller."""
        return await psycopg.AsyncConnection.connect(
            self.database_url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S
        )

    async def operate(self, method: str, path: str = "", tenant: dict[str, object] | None = None) -> None:
        """Ask the server something that only its operator may."""
        url = f"{self.lab.target.api_url}{_TENANT}{path}"
        headers = {"Authorization": f"Bearer {self.lab.info['service_role_key']}"}
        body = None if tenant is None else {"tenant": tenant}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, json=body, headers=headers) as answer,
        ):
            answer.raise_for_status()

    async def _start(self) -> None:
        self.lab = await Lab.start(replace(self._settings, data_dir=self._place))


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None, "a lab's addresses have ports"
    return port
