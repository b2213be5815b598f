"""From a batch of changes to deliveries: filters, privileges, row level security, payloads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import psycopg
from psycopg import AsyncConnection

from helpers.lab.changes.catalog import TableInfo
from helpers.lab.changes.change import Change
from helpers.lab.changes.conditions import Answer, Check, evaluate_in_database
from helpers.lab.changes.counts import ChangeCounts
from helpers.lab.changes.payload import ERROR_NO_KEY, ERROR_UNAUTHORIZED, Layout, error_data, exceeds
from helpers.lab.changes.pgoutput import Relation
from helpers.lab.changes.routes import Group, Route, Routes, Texts
from helpers.lab.changes.rows import RawChange, RowReader
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.changes.subscription import ChangeBatch, ChangeDelivery, Subscription
from helpers.lab.changes.tables import Tables
from helpers.lab.changes.types import TypeCatalog
from helpers.lab.changes.visibility import Key, Sight, Viewer

__all__ = ["Dispatcher", "EventRate"]

_YIELD_AFTER = 200  # changes or receivers in one go, before other tasks of the event loop get their turn
_BATCH = 500  # changes handed over at once

_log = logging.getLogger(__name__)


class EventRate(Protocol):
    """Counts deliveries against the quota of events per second."""

    @property
    def exceeded(self) -> bool: ...

    def add(self, events: int = 1) -> None: ...


@dataclass(slots=True)
class _Matched:
    """A change with the bindings whose filters it passes."""

    change: Change
    table: TableInfo
    error: str | None
    routes: list[Route]
    key: Key = ()
    #: bindings that wait for the database's answer about these checks
    undecided: list[tuple[Route, tuple[Check, ...]]] = field(default_factory=list)
    texts: Texts = field(default_factory=dict)

    @property
    def secured(self) -> bool:
        """Whether row level security decides who may see it."""
        return self.table.row_security and self.change.event != "DELETE" and not self.error


#: What a group receives of a batch: each change with its deliveries, one for each `select`.
_Parcel = list[tuple[_Matched, list[ChangeDelivery]]]
#: Which keys of which table a viewer may see.
_Visible = Mapping[tuple[Viewer, int], frozenset[Key]]


class Dispatcher:
    """Delivers batches of changes.

    Args:
        routes: all bindings.
        types: of the database.
        settings: the limit of a row's size and which defects are on.
        counts: counts deliveries and rows that were skipped.

    Attributes:
        rate: counts deliveries against a quota, if there is one.
    """

    def __init__(self, routes: Routes, types: TypeCatalog, settings: ChangeSettings, counts: ChangeCounts) -> None:
        self._routes = routes
        self._settings = settings
        self.counts = counts
        self._rows = RowReader(types)
        self._tables = Tables(routes)
        self._layouts = _Layouts()
        self._sight: Sight | None = None
        self._limiting = False
        self.rate: EventRate | None = None

    @property
    def rows(self) -> RowReader:
        return self._rows

    async def dispatch(self, connection: AsyncConnection, changes: Sequence[RawChange]) -> int:
        """Deliver a batch; returns the number of changes that concerned somebody.

        Raises:
            psycopg.Error: when a filter, a policy or a privilege cannot be evaluated. As on the real server nothing
                of the batch has been delivered then. With that defect off only failures of the connection are raised.
        """
        self._routes.renew()
        wanted = [change for change in changes if self._routes.concern(change.relation.oid, change.event)]
        if not wanted:
            return 0
        tables = await self._tables.describe(connection, wanted)
        matched = await self._match_all(connection, wanted, tables)
        await self._decide(connection, matched)
        visible = await self._visible(connection, matched, tables)
        return await self._deliver(matched, visible)

    async def _match_all(
        self, connection: AsyncConnection, changes: Sequence[RawChange], tables: Mapping[int, TableInfo]
    ) -> list[_Matched]:
        """All changes of tables that are still there."""
        matched: list[_Matched] = []
        for number, change in enumerate(
            await self._rows.encode(connection, [change for change in changes if change.relation.oid in tables])
        ):
            await _breathe(number)
            matched.extend(self._match(change, tables[change.relation.oid]))
        return matched

    def _match(self, change: Change, table: TableInfo) -> Iterator[_Matched]:
        """The change for those who may be told it, and as an error for roles that may not.

        Who has subscribed since the batch began, with a role that nobody had, is passed over.
        """
        event, oid = change.event, table.oid
        if not self._routes.concern(oid, event):
            return
        refused = _refused_roles(change, table)
        for role, error in refused.items():
            routes = [route for route in self._routes.all(oid, event) if route.group.role == role]
            yield _Matched(change, table, error, routes)
        key = [column.name for column in table.primary_key]
        texts = change.texts({*self._routes.columns(oid, event), *key})
        found = _Matched(change, table, None, [], key=tuple(map(texts.get, key)), texts=texts)
        for route in self._routes.candidates(oid, event, texts):
            if route.group.role not in refused and route.group.role in table.readable:
                _sort(route, found)
        yield found

    async def _decide(self, connection: AsyncConnection, matched: Sequence[_Matched]) -> None:
        """Ask the database about the undecided: one question for each check with all its values."""
        values: dict[Check, set[str | None]] = {}
        for found in matched:
            for _, checks in found.undecided:
                for check in checks:
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
            self._skip("evaluation_failed", 1, f"a filter on {check.column} failed: {error}")
            return {}

    async def _visible(
        self, connection: AsyncConnection, matched: Sequence[_Matched], tables: Mapping[int, TableInfo]
    ) -> _Visible:
        questions = _questions(matched)
        if not questions:
            return {}
        if self._sight is None or self._sight.connection is not connection:
            self._sight = Sight(connection)
        try:
            return await self._sight.visible(questions, tables)
        except psycopg.Error:
            if self._settings.drop_failing_batch or connection.closed:
                raise
        return await self._visible_apart(self._sight, questions, tables)

    async def _visible_apart(
        self, sight: Sight, questions: Mapping[tuple[Viewer, int], tuple[Key, ...]], tables: Mapping[int, TableInfo]
    ) -> _Visible:
        """Each viewer and key by itself, so that a policy hides only those at which it fails."""
        visible: dict[tuple[Viewer, int], frozenset[Key]] = {}
        for question, keys in questions.items():
            seen: set[Key] = set()
            for key in keys:
                try:
                    seen |= (await sight.visible({question: (key,)}, tables))[question]
                except psycopg.Error as error:
                    if sight.connection.closed:
                        raise
                    self._skip("evaluation_failed", 1, f"a policy of {tables[question[1]].sql_name} failed: {error}")
            visible[question] = frozenset(seen)
        return visible

    async def _deliver(self, matched: Sequence[_Matched], visible: _Visible) -> int:
        parcels = self._parcels(matched)
        shipments = [one for group, parcel in parcels.items() for one in _shipments(group, parcel, visible)]
        concerned = {id(found) for _, _, parcel in shipments for found, _ in parcel}
        if self._over_rate():
            reason = "there are more deliveries a second than the quota allows"
            self._skip("rate_limited", len(concerned), reason, once=self._limiting)
            self._limiting = True
            return len(concerned)
        self._limiting = False
        self.counts.dispatched += len(concerned)
        sent = 0
        for receivers, batch, _ in shipments:
            for receiver in receivers:
                await _breathe(sent)
                sent += 1
                if receiver in self._routes:
                    receiver.deliver(batch)
                    self._count(len(batch))
        return len(concerned)

    def _count(self, deliveries: int) -> None:
        self.counts.deliveries += deliveries
        if self.rate is not None:
            self.rate.add(deliveries)

    def _over_rate(self) -> bool:
        return self._settings.drop_above_rate and self.rate is not None and self.rate.exceeded

    def _skip(self, reason: str, rows: int, why: str, *, once: bool = False) -> None:
        self.counts.skipped[reason] += rows
        if rows and not once:
            _log.warning("%d changes are not delivered (%s), nobody is told: %s", rows, reason, why)

    def _parcels(self, matched: Sequence[_Matched]) -> dict[Group, _Parcel]:
        parcels: dict[Group, _Parcel] = {}
        for found in matched:
            data: dict[object, bytes] = {}
            for group, routes in _by_group(found.routes):
                readable = found.table.readable[group.role]
                deliveries = []
                for select, ids in _by_select(routes):
                    view = (readable, select)
                    if view not in data:
                        data[view] = self._data(found, readable, select)
                        self.counts.payload_bytes.add(len(data[view]))
                    deliveries.append(ChangeDelivery(ids, data[view], found.change.event))
                parcels.setdefault(group, []).append((found, deliveries))
        return parcels

    def _data(self, found: _Matched, readable: frozenset[str], select: tuple[str, ...] | None) -> bytes:
        if found.error:
            return error_data(found.change, found.error)
        too_large = exceeds(found.change, self._settings.max_record_bytes)
        layout = self._layouts.get(found.change.relation, found.table, readable, select)
        return layout.data(found.change, too_large=too_large)


class _Layouts:
    """The layouts in use, by table and view."""

    _MOST = 1_000  # then all are forgotten: tables that were altered leave theirs behind

    def __init__(self) -> None:
        # The values keep the objects alive by whose identity they are found.
        self._known: dict[object, tuple[Relation, TableInfo, Layout]] = {}

    def get(
        self, relation: Relation, table: TableInfo, readable: frozenset[str], select: tuple[str, ...] | None
    ) -> Layout:
        key = (id(relation), id(table), readable, select)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= self._MOST:
                self._known.clear()
            known = self._known[key] = (relation, table, Layout(relation, table, readable, select))
        return known[2]


async def _breathe(number: int) -> None:
    """Give other tasks of the event loop their turn now and then."""
    if number % _YIELD_AFTER == _YIELD_AFTER - 1:
        await asyncio.sleep(0)


def _refused_roles(change: Change, table: TableInfo) -> dict[str, str]:
    """Roles that get an error in place of the row. Nobody is refused a DELETE."""
    if change.event == "DELETE":
        return {}
    key = frozenset(column.name for column in table.primary_key)
    if not key:
        return dict.fromkeys(table.readable, ERROR_NO_KEY)
    return {role: ERROR_UNAUTHORIZED for role, columns in table.readable.items() if not key <= columns}


def _sort(route: Route, found: _Matched) -> None:
    """Put a binding among those that match, or among the undecided, or nowhere."""
    undecided = []
    for check in route.checks:
        if check.column not in found.texts:
            return
        if check.evaluate is None:
            undecided.append(check)
        elif not check.evaluate(found.texts[check.column]):
            return
    if undecided:
        found.undecided.append((route, tuple(undecided)))
    else:
        found.routes.append(route)


def _questions(matched: Iterable[_Matched]) -> dict[tuple[Viewer, int], tuple[Key, ...]]:
    """Which keys each viewer must be asked about; all viewers of a group ask for the same."""
    by_group: dict[Group, dict[int, dict[Key, None]]] = {}
    for found in matched:
        if found.secured:
            for route in found.routes:
                by_group.setdefault(route.group, {}).setdefault(found.table.oid, {})[found.key] = None
    questions: dict[tuple[Viewer, int], tuple[Key, ...]] = {}
    for group, by_table in by_group.items():
        for oid, asked in by_table.items():
            keys = tuple(asked)
            for viewer in group.members:
                others = questions.get((viewer, oid))
                questions[viewer, oid] = tuple(dict.fromkeys(others + keys)) if others else keys
    return questions


def _shipments(
    group: Group, parcel: _Parcel, visible: _Visible
) -> Iterator[tuple[list[Subscription], ChangeBatch, _Parcel]]:
    """Who of a group receives which of its changes; those who receive the same share the batch."""
    secured = list(dict.fromkeys(found.table.oid for found, _ in parcel if found.secured))
    nothing: frozenset[Key] = frozenset()
    audiences: dict[tuple[int, ...], tuple[list[Subscription], _Parcel]] = {}
    for viewer, members in group.members.items():
        seen = {oid: visible.get((viewer, oid), nothing) for oid in secured}
        alike = tuple(map(id, seen.values()))
        if alike not in audiences:
            shown = [item for item in parcel if not item[0].secured or item[0].key in seen[item[0].table.oid]]
            audiences[alike] = ([], shown)
        audiences[alike][0].extend(members)
    for receivers, shown in audiences.values():
        for start in range(0, len(shown), _BATCH):
            some = shown[start : start + _BATCH]
            yield receivers, ChangeBatch([delivery for _, deliveries in some for delivery in deliveries]), some


def _by_group(routes: Iterable[Route]) -> Iterable[tuple[Group, list[Route]]]:
    groups: dict[Group, list[Route]] = {}
    for route in routes:
        groups.setdefault(route.group, []).append(route)
    return groups.items()


def _by_select(routes: Sequence[Route]) -> Iterator[tuple[tuple[str, ...] | None, tuple[int, ...]]]:
    """Ids by `select`, those without `select` first; ids in the reverse order of the bindings."""
    if len(routes) == 1:
        yield routes[0].select, (routes[0].admitted.binding.id,)
        return
    groups: dict[tuple[str, ...] | None, list[Route]] = {}
    for route in routes:
        groups.setdefault(route.select, []).append(route)
    for select, members in sorted(groups.items(), key=lambda item: item[0] or ()):
        members.sort(key=lambda route: -route.admitted.position)
        yield select, tuple(route.admitted.binding.id for route in members)
