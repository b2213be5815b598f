"""Whom a change concerns: privileges and filters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import AsyncConnection

from helpers.lab.changes.catalog import TableInfo
from helpers.lab.changes.change import Change
from helpers.lab.changes.conditions import Answer, Check, evaluate_in_database
from helpers.lab.changes.counts import ChangeCounts
from helpers.lab.changes.payload import ERROR_NO_KEY, ERROR_UNAUTHORIZED
from helpers.lab.changes.routes import Route, Routes, Texts
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.changes.turns import breathe
from helpers.lab.changes.visibility import Key

__all__ = ["Matched", "Matcher"]


@dataclass(slots=True)
class Matched:
    """A change with the bindings whose filters it passes."""

    change: Change
    table: TableInfo
    error: str | None
    routes: list[Route]
    key: Key = ()
    #: bindings that wait for the database's answer about these checks
    undecided: list[tuple[Route, tuple[Check, ...]]] = field(default_factory=list)
    #: checks of bindings that do not match anyway, asked because the database may fail at them
    asked_too: list[Check] = field(default_factory=list)
    texts: Texts = field(default_factory=dict)

    @property
    def secured(self) -> bool:
        """Whether row level security decides who may see it."""
        return self.table.row_security and self.change.event != "DELETE" and not self.error


class Matcher:
    """Finds the bindings that changes concern.

    Args:
        routes: all bindings.
        settings: whether a failing filter drops the batch.
        counts: counts rows that were skipped.
    """

    def __init__(self, routes: Routes, settings: ChangeSettings, counts: ChangeCounts) -> None:
        self._routes = routes
        self._settings = settings
        self._counts = counts

    async def match(
        self, connection: AsyncConnection, changes: Sequence[Change], tables: Mapping[int, TableInfo]
    ) -> list[Matched]:
        """The changes with the bindings whose filters they pass.

        Raises:
            psycopg.Error: when a filter cannot be evaluated. With that defect off only when the connection fails.
        """
        matched: list[Matched] = []
        for number, change in enumerate(changes):
            await breathe(number)
            matched.extend(self._match(change, tables[change.relation.oid]))
        await self._decide(connection, matched)
        return matched

    def _match(self, change: Change, table: TableInfo) -> Iterator[Matched]:
        """The change for those who may be told it, and as an error for roles that may not.

        Who has subscribed since the batch began, with a role that nobody had, is passed over.
        """
        event, oid = change.event, table.oid
        if not self._routes.concern(oid, event):
            return
        refused = _refused_roles(change, table)
        for role, error in refused.items():
            routes = [route for route in self._routes.all(oid, event) if route.group.role == role]
            yield Matched(change, table, error, routes)
        key = [column.name for column in table.primary_key]
        texts = change.texts({*self._routes.columns(oid, event), *key})
        found = Matched(change, table, None, [], key=tuple(map(texts.get, key)), texts=texts)
        for route in self._routes.candidates(oid, event, texts):
            if route.group.role not in refused and route.group.role in table.readable:
                _sort(route, found)
        yield found

    async def _decide(self, connection: AsyncConnection, matched: Sequence[Matched]) -> None:
        """Ask the database about the undecided: one question for each check with all its values."""
        values: dict[Check, set[str | None]] = {}
        for found in matched:
            undecided = [check for _, checks in found.undecided for check in checks]
            for check in (*undecided, *found.asked_too):
                values.setdefault(check, set()).add(found.texts[check.column])
        answers = {check: await self._evaluate(connection, check, list(asked)) for check, asked in values.items()}
        for found in matched:
            found.routes += [
                route
                for route, checks in found.undecided
                if all(answers[check].get(found.texts[check.column]) for check in checks)
            ]

    async def _evaluate(
        self, connection: AsyncConnection, check: Check, values: Sequence[str | None]
    ) -> Mapping[str | None, Answer]:
        """Answers of the database; without the defect, a value at which the check fails has none."""
        try:
            return await evaluate_in_database(connection, check, values)
        except psycopg.Error as error:
            if self._settings.drop_failing_batch or connection.closed:
                raise
            if len(values) > 1:
                apart = [await self._evaluate(connection, check, [value]) for value in values]
                return {value: answer for answers in apart for value, answer in answers.items()}
            self._counts.skip("evaluation_failed", 1, f"a filter on {check.column} failed: {error}")
            return {}


def _refused_roles(change: Change, table: TableInfo) -> dict[str, str]:
    """Roles that get an error in place of the row. Nobody is refused a DELETE."""
    if change.event == "DELETE":
        return {}
    key = frozenset(column.name for column in table.primary_key)
    if not key:
        return dict.fromkeys(table.readable, ERROR_NO_KEY)
    return {role: ERROR_UNAUTHORIZED for role, columns in table.readable.items() if not key <= columns}


def _sort(route: Route, found: Matched) -> None:
    """Put a binding among those that match, or among the undecided, or nowhere.

    The real server evaluates all conditions of a filter, and fails if one does, whatever the others say.
    """
    undecided, matches = [], True
    for check in route.checks:
        if check.column not in found.texts:
            matches = False
        elif check.evaluate is None:
            undecided.append(check)
        elif not check.evaluate(found.texts[check.column]):
            matches = False
        if not matches and not route.fallible:
            return
    if not matches:
        found.asked_too += (check for check in undecided if check.fallible)
    elif undecided:
        found.undecided.append((route, tuple(undecided)))
    else:
        found.routes.append(route)
