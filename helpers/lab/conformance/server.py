"""What is put to the test: a lab of its own, or a server that somebody named."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import psycopg

from helpers.errors import LabError
from helpers.lab.children import Children
from helpers.lab.conformance.recording import FOLDER
from helpers.lab.lab import Lab
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.lab.settings import LabSettings

__all__ = ["GivenServer", "LabServer", "Server", "prepare"]

#: As the genuine server was set up: privileges of its day, the quotas of a self-hosted one, in use for some time.
_AS_RECORDED = LabSettings(
    default_grants="all", realtime=RealtimeSettings(limits=Limits.of("self-hosted"), rates_warm=True)
)
_STOP_LIMIT_S = 15.0


class Server(Protocol):
    """Where a scenario is replayed."""

    @property
    def api_url(self) -> str: ...

    @property
    def jwt_secret(self) -> str: ...

    @property
    def database(self) -> str:
        """Connection string of a superuser, as statements were run by one."""
        ...

    async def terminate(self) -> None:
        """Send the server SIGTERM."""
        ...

    async def start_again(self) -> None:
        """Start it anew at the same address, when it has ended."""
        ...


class GivenServer:
    """A server that runs already; it is not ours to end.

    Args:
        info: `api_url`, `jwt_secret` and `database_url`, of a database made with data/recordings/tables.sql.
    """

    def __init__(self, info: Mapping[str, str]) -> None:
        self.api_url = info["api_url"].rstrip("/")
        self.jwt_secret = info["jwt_secret"]
        self.database = info["database_url"]

    async def terminate(self) -> None:
        raise LabError("ending the server", "it is not a lab", "Leave out the scenario server_shutdown")

    start_again = terminate


class LabServer:
    """A lab. Use it with `async with`.

    Args:
        comes_back: keep its data and keys in a folder until the end, so that it can be started again.
    """

    def __init__(self, *, comes_back: bool = False) -> None:
        self._kept = _Kept() if comes_back else None
        self._settings = replace(_AS_RECORDED, data_dir=self._kept.folder / "data") if self._kept else _AS_RECORDED
        self._lab = Lab(self._settings)

    async def __aenter__(self) -> LabServer:
        try:
            await self._start()
            await prepare(self._lab.info["database_url"])
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._lab.stop()
        if self._kept:
            await asyncio.to_thread(self._kept.close)

    async def _start(self) -> None:
        self._lab = await Lab.start(self._settings)
        info = self._lab.info
        self._settings = replace(self._settings, port=_port(info["api_url"]), db_port=_port(info["database_url"]))
        if self._kept and self._lab.pid:
            self._kept.used_by(self._lab.pid)

    @property
    def folder(self) -> Path | None:
        """Where its data is kept until the end."""
        return self._kept.folder if self._kept else None

    @property
    def api_url(self) -> str:
        return self._lab.info["api_url"]

    @property
    def jwt_secret(self) -> str:
        return self._lab.info["jwt_secret"]

    @property
    def database(self) -> str:
        info = self._lab.info
        return f"host={info['db_socket_dir']} port={_port(info['database_url'])} user=supabase_admin dbname=postgres"

    async def terminate(self) -> None:
        assert self._lab.pid is not None
        os.kill(self._lab.pid, signal.SIGTERM)

    async def start_again(self) -> None:
        async with asyncio.timeout(_STOP_LIMIT_S):
            while self._lab.running:  # noqa: ASYNC110 - no event tells of the end of another process
                await asyncio.sleep(0.05)
        await self._lab.stop()
        await self._start()


class _Kept:
    """The folder of a lab that comes back. A leash removes it, also when this process is killed."""

    def __init__(self) -> None:
        self._leash = Children()
        self._pid: int | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="conformance-"))
        self._leash.remove_at_end(self.folder)
        self.folder.chmod(0o711)  # PostgreSQL of a lab that root started has an account of its own

    def used_by(self, pid: int) -> None:
        """A lab runs in the folder, in place of the last one."""
        if self._pid is not None:
            self._leash.release(self._pid)
        self._pid = pid
        self._leash.hold(pid, signal.SIGTERM)

    def close(self) -> None:
        """Remove it, when the lab has ended. Blocking."""
        if self._pid is not None:
            self._leash.release(self._pid)
        self._leash.close()


async def prepare(database_url: str) -> None:
    """Make the tables and policies of the recordings."""
    script = (FOLDER / "tables.sql").read_bytes()
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(script)


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
