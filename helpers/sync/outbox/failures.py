"""Why a write was not done: for good, or for now."""

from __future__ import annotations

import re

from helpers.errors import ConnectionFailed, FailureError, WorkbookError
from helpers.sync import failures
from helpers.sync.convert import ConversionError
from helpers.sync.failures import Failure

__all__ = ["Rejected", "failure_of"]

#: Classes of SQLSTATE that the same statement meets again: data, constraints, syntax and rights, a trigger's own.
_LASTING_CLASSES = ("22", "23", "42", "44", "P0")
_SQLSTATE = re.compile(r'\bcode: "?(?:SqlState\(E)?([0-9A-Z]{5})|Code: `([0-9A-Z]{5})`')

#: Prisma's code for a raw query that failed, whatever for: the SQLSTATE in it tells.
_RAW = "P2010"


class Rejected(FailureError):  # noqa: N818 - the sentence it makes reads better
    """The server will not do this write, however often it is asked."""


def failure_of(error: Exception) -> Exception:
    """What it means for the write: `Rejected`, `ConnectionFailed`, or the error itself if that is not known."""
    if isinstance(error, WorkbookError):
        return error
    reason, kind = _reason(error), failures.failure_of(error)
    if _is_about_the_write(error, kind):
        return Rejected("sending a write", reason, "Change the write, or give it up")
    if kind is not Failure.ROW:
        return ConnectionFailed("sending a write", reason, "Check that the database is up, and has the tables")
    return error


def _is_about_the_write(error: Exception, kind: Failure) -> bool:
    """Not so if nothing is known about it: it may pass."""
    if isinstance(error, ConversionError) or type(error).__name__ == "FieldNotFoundError":
        return True
    code = str(getattr(error, "code", None) or _RAW)
    return kind is Failure.ROW and (code != _RAW or _state(error)[:2] in _LASTING_CLASSES)


def _state(error: Exception) -> str:
    found = _SQLSTATE.search(f"{error} {getattr(error, 'data', '')}")
    return (found[1] or found[2]) if found else ""


def _reason(error: Exception) -> str:
    """One line: Prisma tells where in its code it was, before it says what happened."""
    text = str(error)
    told = re.search(r'message: "((?:[^"\\]|\\.)*)"', text)
    lines = [line.strip() for line in (told[1] if told else text).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__).rstrip(".")
