"""The connections on which the database evaluates filters and policies for the feed.

Policies asked for many sets of claims are by far the most work of a batch, nearly all of it in the database, where one
connection keeps one core busy. So the questions are cut into portions, which a few connections take in turn.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType

import psycopg
from psycopg import AsyncConnection

from helpers.lab.changes.catalog import TableInfo
from helpers.lab.changes.database import connect
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.changes.visibility import Answers, Inquiry, Key, Sight, Viewer

__all__ = ["Evaluation", "Question", "Visible"]

_log = logging.getLogger(__name__)

#: Somebody, and the oid of a table.
Question = tuple[Viewer, int]
#: Which keys of which table a viewer may see.
Visible = Mapping[Question, frozenset[Key]]

_Portion = tuple[TableInfo, list[Inquiry]]

_PORTION = (
    5_000  # checks (a row for somebody) in one statement: some 15 ms, so that no connection waits long for another
)


class Evaluation:
    """Connections of one life of the feed; the first is there at once, the others when there is work for them.

    Args:
        database: connection string of a superuser.
        settings: how many connections, and the limit of a statement.
    """

    def __init__(self, database: str, settings: ChangeSettings) -> None:
        self._database = database
        self._settings = settings
        self._sights: list[Sight] = []

    async def __aenter__(self) -> Evaluation:
        self._sights.append(await self._connect())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sight in self._sights:
            await sight.connection.close()

    @property
    def connection(self) -> AsyncConnection:
        """For everything that is not asked for many viewers."""
        return self._sights[0].connection

    @property
    def lost(self) -> bool:
        """Whether the database has closed a connection."""
        return any(sight.connection.closed for sight in self._sights)

    async def see(self, questions: Mapping[Question, tuple[Key, ...]], tables: Mapping[int, TableInfo]) -> Visible:
        """Of the keys asked for by viewer and table, those whose rows the viewer may see.

        Questions whose keys are the same object, and of which the same are seen, share the answer's object.

        Raises:
            psycopg.Error: when a policy fails.
        """
        waiting = deque(_portions(questions, tables))
        await self._widen(min(len(waiting), self._settings.evaluation_connections))
        visible: dict[Question, frozenset[Key]] = {}
        answers = Answers()
        outcomes = await asyncio.gather(
            *(_work(sight, waiting, answers, visible) for sight in self._sights), return_exceptions=True
        )
        for outcome in outcomes:  # only when all have ended, as a connection must not be left in the midst of it
            if isinstance(outcome, BaseException):
                raise outcome
        return visible

    async def _widen(self, connections: int) -> None:
        """Connect more often, or work on with what there is: nothing but the speed hangs on it."""
        try:
            while len(self._sights) < connections:
                self._sights.append(await self._connect())
        except psycopg.OperationalError as error:
            _log.warning("policies are evaluated on %d of %d connections: %s", len(self._sights), connections, error)

    async def _connect(self) -> Sight:
        return Sight(await connect(self._database, "realtime_rls_evaluation", self._settings.statement_timeout_s))


async def _work(
    sight: Sight, waiting: deque[_Portion], answers: Answers, visible: dict[Question, frozenset[Key]]
) -> None:
    """Take portions until there are no more; after a failure nobody takes another."""
    while waiting:
        table, inquiries = waiting.popleft()
        try:
            seen = await sight.see(table, inquiries, answers)
        except psycopg.Error:
            waiting.clear()
            raise
        visible.update({(viewer, table.oid): keys for (viewer, _), keys in zip(inquiries, seen, strict=True)})


def _portions(questions: Mapping[Question, tuple[Key, ...]], tables: Mapping[int, TableInfo]) -> Iterator[_Portion]:
    """The questions by table; those of one role stand together, as a plan is good for one role."""
    by_table: dict[int, list[Inquiry]] = {}
    for (viewer, oid), keys in questions.items():
        by_table.setdefault(oid, []).append((viewer, keys))
    for oid, inquiries in by_table.items():
        inquiries.sort(key=lambda inquiry: inquiry[0][0])
        yield from ((tables[oid], some) for some in _cut(inquiries))


def _cut(inquiries: Iterable[Inquiry]) -> Iterator[list[Inquiry]]:
    some: list[Inquiry] = []
    checks = 0
    for inquiry in inquiries:
        some.append(inquiry)
        checks += len(inquiry[1])
        if checks >= _PORTION:
            yield some
            some, checks = [], 0
    if some:
        yield some
