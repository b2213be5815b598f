"""One database URL, in the dialects of those who read it, and what can be said of it without quoting it.

Prisma knows parameters that libpq refuses; people paste keys, placeholders and passwords that need encoding.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

__all__ = ["fault_of", "libpq_url", "prisma_url", "reason_of", "schema_in", "without_password"]

#: https://www.prisma.io/docs/orm/overview/databases/postgresql#arguments, but for those that libpq knows as well
PRISMA_ONLY = frozenset(
    {
        "connection_limit", "pgbouncer", "pool_timeout", "schema", "socket_timeout", "sslaccept", "sslidentity",
        "sslpassword", "statement_cache_size",
    }
)  # fmt: skip


#: Of two meanings: for Prisma the authority's certificate, for libpq the client's own.
RENAMED = {"sslcert": "sslrootcert"}
SCHEMES = ("postgres", "postgresql")
_PLACEHOLDER = re.compile(r"\[(?:your[-_ ]?)?password\]|<(?:your[-_ ]?)?password>", re.IGNORECASE)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,20})://", re.IGNORECASE)
_ENCODE = "the password holds characters that a URL cannot: write @ as %40, / as %2F, ? as %3F"


def libpq_url(database_url: str) -> str:
    """The URL without Prisma's own parameters."""
    address, parameters = _split(database_url)
    known = [(RENAMED.get(name, name), value) for name, value in parameters if name not in PRISMA_ONLY]
    return _join(address, known)


def prisma_url(database_url: str, schema: str) -> str:
    """The URL with ``schema=``, by which Prisma finds tables that are not in `public`."""
    address, parameters = _split(database_url)
    return _join(address, [*((name, value) for name, value in parameters if name != "schema"), ("schema", schema)])


def schema_in(database_url: str) -> str:
    """The schema in which Prisma looks for tables with this URL."""
    _, parameters = _split(database_url)
    return dict(parameters).get("schema", "public")


def without_password(text: str, database_url: str) -> str:
    """A message of a database driver, in case it quotes the URL's password."""
    _, _, rest = database_url.partition("://")
    credentials, at, _ = rest.rpartition("@")
    _, _, password = credentials.partition(":")
    return text.replace(password, "***") if at and password else text


def fault_of(database_url: str) -> str:
    """Why no driver can use this URL, without a word of what stands in it; empty when one can.

    A driver is not asked: its sentences quote what it took for a host, which is often the rest of a password.
    """
    text = database_url.strip()
    if text.startswith(("sb_", "eyJ")):
        return "it holds a key, not a connection string"
    scheme = _SCHEME.match(text)
    if scheme and scheme[1].lower() not in SCHEMES:
        return f"it begins with {scheme[1]}://, and a connection string with postgresql://"
    if _PLACEHOLDER.search(text):
        return "a placeholder still stands where the password belongs"
    credentials = text.partition("://")[2].partition("?")[0].rpartition("@")[0]
    if any(sign in credentials for sign in "@/"):
        return _ENCODE
    try:
        ports = str(conninfo_to_dict(libpq_url(text)).get("port") or "5432")
    except psycopg.ProgrammingError:
        return _unreadable(text)
    return "" if ports.replace(",", "").isdigit() else "its port is not a number"


def reason_of(error: psycopg.Error, database_url: str) -> str:
    """What the server or the driver said, in one line; of several attempts the last one's, without advice."""
    text = error.diag.message_primary or str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
    told = [line for line in lines if "failed:" in line]
    line = (told or lines)[-1].rpartition("connection failed: ")[2]
    return without_password(line.rstrip("."), database_url)


def _unreadable(text: str) -> str:
    """A parameter that nobody knows can be named: it stands behind the address."""
    query = text.partition("?")[2]
    if "@" in query:
        return _ENCODE
    names = [name for name, _ in parse_qsl(query) if re.fullmatch(r"\w{1,40}", name) and name not in PRISMA_ONLY]
    unknown = [name for name in names if name not in _known()]
    return f"PostgreSQL does not know its parameter {unknown[0]}" if unknown else "it is not a PostgreSQL URL"


def _known() -> frozenset[str]:
    return frozenset(option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults())


def _split(database_url: str) -> tuple[str, list[tuple[str, str]]]:
    address, _, query = database_url.partition("?")
    return address, parse_qsl(query, keep_blank_values=True)


def _join(address: str, parameters: list[tuple[str, str]]) -> str:
    return f"{address}?{urlencode(parameters, quote_via=quote)}" if parameters else address
