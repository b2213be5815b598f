"""Why a transaction failed: because of a row, of the moment, or for good."""

from __future__ import annotations

from enum import StrEnum

import httpx

from helpers.errors import ConnectionFailed, WorkbookError

__all__ = ["Failure", "failure_of", "reason_of"]


class Failure(StrEnum):
    """What to do about it."""

    ROW = "row"  # some row cannot be written: find it, set it aside, and write the others
    PASSING = "passing"  # the database is away, or was in conflict: the same again in a moment
    LASTING = "lasting"  # no row can be written until somebody mends something


#: Prisma's codes that say nothing against the rows: P1… is about the connection; the pool was busy, the transaction
#: could not begin or ran out of time, it met another one.
#: https://www.prisma.io/docs/orm/reference/error-reference
_PASSING_CODES = frozenset({"P2024", "P2028", "P2034", "P2037"})
#: A table or a column is missing.
_LASTING_CODES = frozenset({"P1000", "P1003", "P1010", "P2021", "P2022"})
#: PostgreSQL's own, in which a raw statement fails (P2010): no such schema, table, column or type, and no privilege.
#: https://www.postgresql.org/docs/current/errcodes-appendix.html
_LASTING_STATES = frozenset({"3F000", "42P01", "42703", "42704", "42501"})
#: The same state of a row that a policy refuses.
_POLICY_WORDS = "row-level security policy"
#: By name, as the generated client brings its own classes, and some have no code.
_PASSING_NAMES = frozenset({"TransactionError", "TransactionExpiredError", "TransactionNotStartedError"})
_LASTING_NAMES = frozenset(
    {
        "ClientNotConnectedError",
        "HTTPClientClosedError",
        "FieldNotFoundError",
        "TableNotFoundError",
        "NotConnectedError",
    }
)
#: PostgreSQL's own words for a server that ends or starts, for deadlocks and serialization failures.
#: https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING_WORDS = (
    "terminating connection", "is shutting down", "starting up", "connection terminated", "econnrefused",
    "econnreset", "server has closed the connection", "deadlock detected", "could not serialize",
    "connection timeout", "in recovery mode",
)  # fmt: skip


def failure_of(error: Exception) -> Failure:
    """Which kind an exception of Prisma, of its transport, or of this workbook is."""
    if isinstance(error, httpx.TransportError | OSError | TimeoutError | ConnectionFailed):
        return Failure.PASSING
    name, code = type(error).__name__, str(getattr(error, "code", "") or "")
    if isinstance(error, WorkbookError) or name in _LASTING_NAMES or code in _LASTING_CODES:
        return Failure.LASTING
    said = str(error).lower()
    if _state_of(error) in _LASTING_STATES and _POLICY_WORDS not in said:
        return Failure.LASTING
    is_passing = name in _PASSING_NAMES or code in _PASSING_CODES or code.startswith("P1")
    return Failure.PASSING if is_passing or any(words in said for words in _PASSING_WORDS) else Failure.ROW


def _state_of(error: Exception) -> str:
    """PostgreSQL's code, for an error that holds it: that of a raw statement."""
    meta = getattr(error, "meta", None)
    return str(meta.get("code", "")) if isinstance(meta, dict) else ""


def reason_of(error: Exception) -> str:
    """One line for people."""
    if isinstance(error, WorkbookError):
        return error.happened
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1].rstrip('.')}" if lines else type(error).__name__
