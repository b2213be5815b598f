"""A database URL as people paste it: what is wrong with it is said without a word of it."""

from __future__ import annotations

import psycopg
import pytest

from helpers.database_url import fault_of, libpq_url, reason_of


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("sb_secret_hunter2", "a key"),
        ("eyJhunter2.hunter2.hunter2", "a key"),
        ("https://hunter2.supabase.co", "begins with https://"),
        ("prisma+postgres://accelerate.prisma-data.net/?api_key=hunter2", "begins with prisma+postgres://"),
        ("postgresql://postgres.abc:[YOUR-PASSWORD]@h:5432/postgres", "placeholder"),
        ("postgresql://postgres:p@hunter2@h/d", "@ as %40"),
        ("postgresql://postgres:p/hunter2@h/d", "/ as %2F"),
        ("postgresql://postgres:p?hunter2@h:5432/d", "? as %3F"),
        ("postgresql://postgres:hunter2", "port is not a number"),
        ("postgresql://u:hunter2@h/d?schema=public&foo=bar", "parameter foo"),
        ("hunter2", "not a PostgreSQL URL"),
    ],
)
def test_what_no_driver_can_use_is_named(url: str, fault: str) -> None:
    """The driver's own sentence would quote the rest of the password as a host."""
    found = fault_of(url)
    assert fault in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p%40%2F@h:6543/d?schema=public&pgbouncer=true&connection_limit=1&sslmode=require",
        "postgres://postgres.abc:p#w@aws-0-eu-central-1.pooler.supabase.com:5432/postgres",
        "postgresql://u:p@[::1]:5432/d",
        "postgresql:///d?host=/tmp&user=a@b",
        "host=localhost dbname=d password=p",
    ],
)
def test_what_works_is_let_through(url: str) -> None:
    """Prisma's parameters are no fault, nor is any form that libpq knows."""
    assert fault_of(url) == ""


def test_blanks_stay_blanks() -> None:
    """libpq takes a plus sign for itself."""
    assert libpq_url("postgresql://h/d?options=-c%20a%3Db&schema=x") == "postgresql://h/d?options=-c%20a%3Db"


def test_a_reason_is_what_failed_and_not_the_advice_behind_it() -> None:
    """The last attempt's sentence, without the password."""
    said = 'connection failed: connection to server at "h", port 1 failed: refused hunter2\n\tIs the server running?'
    reason = reason_of(psycopg.OperationalError(said), "postgresql://u:hunter2@h:1/d")
    assert reason == 'connection to server at "h", port 1 failed: refused ***'
