"""How each kind of path is read: many subscribers that enter whatever comes into one set of books."""

from __future__ import annotations

from helpers.experiments.paths.catalog import Kind
from helpers.experiments.paths.readers.notify import NotifyReader
from helpers.experiments.paths.readers.polling import RestReader, SqlReader
from helpers.experiments.paths.readers.reader import Plan, Reader
from helpers.experiments.paths.readers.realtime import RealtimeReader

__all__ = ["Plan", "Reader", "reader_of"]


def reader_of(plan: Plan) -> Reader:
    """The reader of a path."""
    kind = plan.path.kind
    if kind is Kind.REST:
        return RestReader(plan)
    if kind is Kind.SQL:
        return SqlReader(plan)
    if kind is Kind.NOTIFY:
        return NotifyReader(plan)
    return RealtimeReader(plan)
