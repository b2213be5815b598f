"""Which questions about row level security a batch raises, and what becomes of it when a policy fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import psycopg

from helpers.lab.changes.catalog import TableInfo
from helpers.lab.changes.counts import ChangeCounts
from helpers.lab.changes.evaluation import Evaluation, Question, Visible
from helpers.lab.changes.matching import Matched
from helpers.lab.changes.routes import Group
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.changes.visibility import Key

__all__ = ["Policies"]

_Questions = dict[Question, tuple[Key, ...]]


class Policies:
    """Asks policies.

    Args:
        settings: whether a failing policy drops the batch.
        counts: counts rows that were skipped.
    """

    def __init__(self, settings: ChangeSettings, counts: ChangeCounts) -> None:
        self._settings = settings
        self._counts = counts

    async def visible(
        self, evaluation: Evaluation, matched: Iterable[Matched], tables: Mapping[int, TableInfo]
    ) -> Visible:
        """Who may see which of the rows.

        Raises:
            psycopg.Error: when a policy fails. With that defect off only when the connection fails.
        """
        questions = _questions(matched)
        try:
            return await evaluation.see(questions, tables) if questions else {}
        except psycopg.Error as error:
            if self._settings.drop_failing_batch or evaluation.lost:
                raise
            return await self._apart(evaluation, questions, tables, error)

    async def _apart(
        self, evaluation: Evaluation, questions: _Questions, tables: Mapping[int, TableInfo], error: psycopg.Error
    ) -> Visible:
        """Ask both halves again, down to a viewer and a key, so that a policy hides only those at which it fails."""
        halves = _halves(questions)
        if not halves:
            ((question, _),) = questions.items()
            table = tables[question[1]].sql_name
            self._counts.skip("evaluation_failed", 1, f"a policy of {table} failed: {error}")
            return {}
        visible: dict[Question, frozenset[Key]] = {}
        for half in halves:
            for question, seen in (await self._half(evaluation, half, tables)).items():
                visible[question] = visible.get(question, frozenset()) | seen
        return visible

    async def _half(self, evaluation: Evaluation, questions: _Questions, tables: Mapping[int, TableInfo]) -> Visible:
        try:
            return await evaluation.see(questions, tables)
        except psycopg.Error as error:
            if evaluation.lost:
                raise
            return await self._apart(evaluation, questions, tables, error)


def _halves(questions: _Questions) -> list[_Questions]:
    """Half of the viewers and the other half, or of one viewer's keys; none when there is but one key."""
    if len(questions) > 1:
        items, middle = list(questions.items()), len(questions) // 2
        return [dict(items[:middle]), dict(items[middle:])]
    ((question, keys),) = questions.items()
    middle = len(keys) // 2
    return [{question: keys[:middle]}, {question: keys[middle:]}] if middle else []


def _questions(matched: Iterable[Matched]) -> _Questions:
    """Which keys each viewer must be asked about; all viewers of a group ask for the same."""
    by_group: dict[Group, dict[int, dict[Key, None]]] = {}
    for found in matched:
        if found.secured:
            for route in found.routes:
                by_group.setdefault(route.group, {}).setdefault(found.table.oid, {})[found.key] = None
    questions: _Questions = {}
    for group, by_table in by_group.items():
        for oid, asked in by_table.items():
            keys = tuple(asked)
            for viewer in group.members:
                others = questions.get((viewer, oid))
                questions[viewer, oid] = tuple(dict.fromkeys(others + keys)) if others else keys
    return questions
