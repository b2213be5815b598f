"""Why a write was not done: for good, or for now."""

from __future__ import annotations

import re
from typing import Any

import httpx
from prisma.errors import (
    DataError,
    FieldNotFoundError,
    ForeignKeyViolationError,
    InputError,
    MissingRequiredValueError,
    RecordNotFoundError,
    TableNotFoundError,
    UniqueViolationError,
)

from helpers.errors import ConnectionFailed, FailureError, WorkbookError
from helpers.sync.convert import ConversionError

__all__ = ["Rejected", "failure_of"]

_LASTING = (
    FieldNotFoundError,
    ForeignKeyViolationError,
    InputError,
    MissingRequiredValueError,
    RecordNotFoundError,
    TableNotFoundError,
    UniqueViolationError,
)

#: Classes of SQLSTATE that the same statement meets again: data, constraints, syntax and rights, a trigger's own.
_LASTING_CLASSES = ("22", "23", "42", "44", "P0")
_SQLSTATE = re.compile(r'\bcode: "?(?:SqlState\(E)?([0-9A-Z]{5})|Code: `([0-9A-Z]{5})`')

#: Prisma's codes for a database that cannot be had now: unreachable, timed out, closed, no connection free.
_UNREACHABLE = ("P1001", "P1002", "P1008", "P1017", "P2024")


class Rejected(FailureError):  # noqa: N818 - the sentence it makes reads better
    """The server will not do this write, however often it is asked."""


def failure_of(error: Exception) -> Exception:
    """What it means for the write: `Rejected`, `ConnectionFailed`, or the error itself if that is not known."""
    if isinstance(error, WorkbookError):
        return error
    reason = _reason(error)
    if isinstance(error, (*_LASTING, ConversionError)) or _state(error)[:2] in _LASTING_CLASSES:
        return Rejected("sending a write", reason, "Change the write, or give it up")
    if isinstance(error, httpx.HTTPError | OSError) or getattr(error, "code", None) in _UNREACHABLE:
        return ConnectionFailed("sending a write", reason, "Check that the database is up")
    return error


def _state(error: Exception) -> str:
    found = _SQLSTATE.search(f"{error} {_details(error)}")
    return (found[1] or found[2]) if found else ""


def _details(error: Exception) -> Any:
    return error.data if isinstance(error, DataError) else ""


def _reason(error: Exception) -> str:
    """One line: Prisma tells where in its code it was, before it says what happened."""
    text = str(error)
    told = re.search(r'message: "((?:[^"\\]|\\.)*)"', text)
    lines = [line.strip() for line in (told[1] if told else text).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__).rstrip(".")
