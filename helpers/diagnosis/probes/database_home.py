"""Reads in DATABASE_URL whose database it is. Nobody is asked, and nothing else of it is told."""

from __future__ import annotations

import re
import time

import psycopg
from psycopg.conninfo import conninfo_to_dict

from helpers.database_url import libpq_url
from helpers.diagnosis.evidence import DatabaseHome, Missing
from helpers.target import Target

__all__ = ["probe_database_home"]

#: Supabase's pooler serves many projects and is told which one by the role's name, a database's own host names it.
POOLER = re.compile(r".+\.pooler\.supabase\.com$")
OWN_HOST = re.compile(r"db\.([a-z0-9]+)\.supabase\.(?:co|in)$")
ROLE = re.compile(r".+\.([a-z0-9]+)$")
HERE = ("localhost", "127.0.0.1", "::1")


def probe_database_home(target: Target) -> DatabaseHome | Missing:
    """The project that the URL names, if it is one of Supabase's addresses."""
    if not target.database_url:
        return Missing("DATABASE_URL is not set")
    started = time.monotonic()
    try:
        parts = conninfo_to_dict(libpq_url(target.database_url))
    except psycopg.ProgrammingError:
        return Missing("DATABASE_URL cannot be read")
    host, role = str(parts.get("host") or "").lower(), str(parts.get("user") or "")
    found = ROLE.match(role) if POOLER.match(host) else OWN_HOST.match(host)
    took_ms = (time.monotonic() - started) * 1000
    return DatabaseHome(found[1] if found else "", host in HERE, target.host, took_ms)
