"""A Supabase database on disk: made once with everything that Supabase puts into it, then copied for each lab."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from pathlib import Path

from helpers.errors import LabError
from helpers.lab.children import Children
from helpers.lab.installation import PG_MAJOR, Installation, disk_full
from helpers.lab.server import SUPERUSER, Server, Tuning
from helpers.locks import made_once
from helpers.places import shared_dir

__all__ = ["copy_template", "sql_text"]

#: What makes the database a Supabase, in this order.
SQL_FILES = ("supabase.sql", "auth.sql", "realtime.sql")

#: Seconds that making a database or copying it may take; each takes less than one.
_RUN_LIMIT = 60.0
_TRIED = "making the lab's database"
_INITDB = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync")
#: The socket's folder is closed to others, so whoever reaches it may be anybody; the port asks for a password.
_PG_HBA = """\
local all         all              trust
local replication all              trust
host  all         all 127.0.0.1/32 scram-sha-256
host  replication all 127.0.0.1/32 scram-sha-256
"""


def sql_text(name: str) -> str:
    """One of the SQL files beside this module."""
    return (Path(__file__).parent / "sql" / name).read_text(encoding="utf-8")


def copy_template(installation: Installation, children: Children, target: Path) -> None:
    """Copy the template into an empty folder, as PostgreSQL's account, whose it must be. Blocking.

    Raises:
        LabError: initdb, the SQL or the copy failed.
    """
    template = _template(installation, children)
    _run(installation, children, "cp", "-Rp", f"{template}/.", target)


def _template(installation: Installation, children: Children) -> Path:
    """The folder of the template, which is made when missing; others who want it meanwhile wait for it."""
    try:
        home = shared_dir() / "database"
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o755)  # whatever the umask
        folder = home / _template_hash(installation)
        made_once(folder, lambda staging: _build(installation, children, staging), 120.0)
    except (OSError, TimeoutError) as error:
        raise _failure(str(error)) from error
    return folder / "data"


def _template_hash(installation: Installation) -> str:
    postgres = (installation.bin / "postgres").stat()
    facts = [str(postgres.st_size), str(postgres.st_mtime_ns), *_INITDB, _PG_HBA, *map(sql_text, SQL_FILES)]
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:16]


def _build(installation: Installation, children: Children, staging: Path) -> None:
    children.remove_at_end(staging)
    installation.give(staging)
    _init(installation, children, staging / "data")
    with tempfile.TemporaryDirectory(prefix="workbook-") as sockets:
        children.remove_at_end(Path(sockets))
        installation.give(Path(sockets))
        _fill(Server(installation, staging / "data", Path(sockets), port=5432, tuning=Tuning.TEMPLATE), children)


def _init(installation: Installation, children: Children, data: Path) -> None:
    options = ("-U", SUPERUSER, "--auth=trust", "--no-instructions", *_INITDB)
    _run(installation, children, installation.bin / "initdb", "-D", data, *options)
    (data / "pg_hba.conf").write_text(_PG_HBA)


def _run(installation: Installation, children: Children, *command: str | Path) -> None:
    try:
        done = children.run(command, installation.account, _RUN_LIMIT)
    except subprocess.SubprocessError as error:
        raise _failure(str(error)) from error
    if done.returncode != 0:
        raise _failure(done.stderr)


def _fill(server: Server, children: Children) -> None:
    import psycopg  # only the first lab of a machine needs it here

    server.spawn(children)
    try:
        server.wait_ready()
        with psycopg.connect(server.conninfo(SUPERUSER), autocommit=True) as connection:
            for name in SQL_FILES:
                connection.execute(sql_text(name).encode())
    except psycopg.Error as error:
        raise _failure(str(error).splitlines()[0]) from error
    finally:
        server.stop(children)


def _failure(text: str) -> LabError:
    if disk_full(text):
        advice = "Free some 100 MB, or set TMPDIR and WORKBOOK_CACHE_DIR to folders on another disk"
        return LabError(_TRIED, "the disk is full", advice)
    if "Permission denied" in text:
        return LabError(_TRIED, text.strip().splitlines()[-1], "Set TMPDIR to a folder that every account may enter")
    lines = [line for line in text.splitlines() if line.strip()]
    happened = lines[-1].strip().rstrip(".") if lines else f"PostgreSQL {PG_MAJOR} did not say why"
    return LabError(_TRIED, happened, "Read the lab's log; if it does not help, delete the workbook's cache folder")
