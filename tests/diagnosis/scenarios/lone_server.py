"""A PostgreSQL server of a scenario's own, for settings that the lab's must not get."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from helpers.lab.children import Children
from helpers.lab.cluster import copy_template
from helpers.lab.installation import Installation, find_installation

__all__ = ["LoneServer", "lone_server"]

#: What a healthy server has, if a scenario does not say otherwise; in a file, so that ALTER SYSTEM goes before it.
SETTINGS = {
    "wal_level": "logical",
    "max_slot_wal_keep_size": "'512MB'",
    "listen_addresses": "''",
    "fsync": "off",
    "io_method": "sync",
}
PARTITIONS = "select realtime.create_message_partitions(current_date - 1, current_date + 3)"


@dataclass(frozen=True, slots=True)
class LoneServer:
    """A copy of the lab's empty database with settings of its own, reached through its socket."""

    installation: Installation
    folder: Path

    def url(self, user: str) -> str:
        return f"postgresql://{user}@/postgres?host={self.folder}"

    async def superuser(self, statements: str) -> None:
        """Run statements one by one, as some may not stand in a transaction."""
        async with await psycopg.AsyncConnection.connect(self.url("supabase_admin"), autocommit=True) as connection:
            for statement in statements.split(";\n"):
                await connection.execute(statement.encode())

    async def control(self, *command: str) -> None:
        """Start, stop or restart it, and wait until that is done."""
        options = ("-D", self.folder / "data", "-l", self.folder / "log", "-w", "-s", "-m", "immediate")
        program = self.installation.bin / "pg_ctl"
        done = await asyncio.to_thread(self.installation.run, program, *command, *options)
        assert done.returncode == 0, (self.folder / "log").read_text()


@contextlib.asynccontextmanager
async def lone_server(settings: Mapping[str, str]) -> AsyncIterator[LoneServer]:
    """A running server; afterwards it is stopped and gone."""
    installation = find_installation()
    server = LoneServer(installation, Path(tempfile.mkdtemp(prefix="workbook-lone-")))
    installation.give(server.folder)
    try:
        await asyncio.to_thread(_copy, installation, server.folder)
        text = "".join(f"{name} = {value}\n" for name, value in {**SETTINGS, **settings}.items())
        text += f"unix_socket_directories = '{server.folder}'\n"
        with (server.folder / "data" / "postgresql.conf").open("a") as file:
            file.write(text)
        await server.control("start")
        await server.superuser(PARTITIONS)
        try:
            yield server
        finally:
            await server.control("stop")
    finally:
        shutil.rmtree(server.folder, ignore_errors=True)


def _copy(installation: Installation, folder: Path) -> None:
    data = folder / "data"
    data.mkdir(mode=0o700)
    installation.give(data)
    children = Children()
    try:
        copy_template(installation, children, data)
    finally:
        children.close()
