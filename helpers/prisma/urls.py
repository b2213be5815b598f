"""One database URL, in the dialects of those who read it: Prisma knows parameters that libpq refuses."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

__all__ = ["libpq_url", "prisma_url", "without_password"]

#: https://www.prisma.io/docs/orm/overview/databases/postgresql#arguments, but for those that libpq knows as well
PRISMA_ONLY = frozenset(
    {
        "connection_limit", "pgbouncer", "pool_timeout", "schema", "socket_timeout", "sslaccept", "sslidentity",
        "sslpassword", "statement_cache_size",
    }
)  # fmt: skip


#: Of two meanings: for Prisma the authority's certificate, for libpq the client's own.
RENAMED = {"sslcert": "sslrootcert"}


def libpq_url(database_url: str) -> str:
    """The URL without Prisma's own parameters."""
    address, parameters = _split(database_url)
    known = [(RENAMED.get(name, name), value) for name, value in parameters if name not in PRISMA_ONLY]
    return _join(address, known)


def prisma_url(database_url: str, schema: str) -> str:
    """The URL with ``schema=``, by which Prisma finds tables that are not in `public`."""
    address, parameters = _split(database_url)
    return _join(address, [*((name, value) for name, value in parameters if name != "schema"), ("schema", schema)])


def without_password(text: str, database_url: str) -> str:
    """A message of a database driver, in case it quotes the URL's password."""
    _, _, rest = database_url.partition("://")
    credentials, at, _ = rest.rpartition("@")
    _, _, password = credentials.partition(":")
    return text.replace(password, "***") if at and password else text


def _split(database_url: str) -> tuple[str, list[tuple[str, str]]]:
    address, _, query = database_url.partition("?")
    return address, parse_qsl(query, keep_blank_values=True)


def _join(address: str, parameters: list[tuple[str, str]]) -> str:
    return f"{address}?{urlencode(parameters)}" if parameters else address
