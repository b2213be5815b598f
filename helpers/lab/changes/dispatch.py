"""From a batch of changes to deliveries: filters, privileges, row level security, payloads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import AsyncConnection

from helpers.lab.changes.catalog import TableInfo, describe_tables, transactions_settled
from helpers.lab.changes.change import Change
from helpers.lab.changes.conditions import Answer, Check, evaluate_in_database
from helpers.lab.changes.counts import ChangeCounts
from helpers.lab.changes.payload import ERROR_NO_KEY, ERROR_UNAUTHORIZED, change_data, error_data, exceeds
from helpers.lab.changes.routes import Route, Routes, Texts
from helpers.lab.changes.rows import RawChange, RowReader
from helpers.lab.changes.subscription import ChangeDelivery, Subscription
from helpers.lab.changes.types import TypeCatalog
from helpers.lab.changes.visibility import Key, Viewer, visible_keys

__all__ = ["Dispatcher"]

_SETTLE_TRIES = 50
_SETTLE_WAIT_S = 0.002
_YIELD_AFTER = 500  # changes or deliveries in one go, before other tasks of the event loop get their turn

#: Which columns a receiver sees: those its role may select, narrowed by its binding's `select`.
View = tuple[frozenset[str], tuple[str, ...] | None]


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


class Dispatcher:
    """Delivers batches of changes.

    Args:
        routes: all bindings.
        types: of the database.
        counts: what is sent is added to it.
        max_record_bytes: larger rows lose their large columns.
    """

    def __init__(self, routes: Routes, types: TypeCatalog, counts: ChangeCounts, max_record_bytes: int) -> None:
        self._routes = routes
        self.counts = counts
        self._max_record_bytes = max_record_bytes
        self._rows = RowReader(types)

    @property
    def rows(self) -> RowReader:
        return self._rows

    async def dispatch(self, connection: AsyncConnection, changes: Sequence[RawChange]) -> int:
        """Deliver a batch; returns the number of deliveries.

        Raises:
            psycopg.Error: when a filter, a policy or a privilege cannot be evaluated. As on the real server nothing
                of the batch has been delivered then.
        """
        self._routes.renew()
        wanted = [change for change in changes if self._routes.concern(change.relation.oid, change.event)]
        if not wanted:
            return 0
        await _wait_until_settled(connection, {change.xid for change in wanted})
        oids = {change.relation.oid for change in wanted}
        tables = await describe_tables(connection, list(oids), list(self._routes.roles(oids)))
        matched = await self._match_all(connection, wanted, tables)
        await _decide(connection, matched)
        await _hide_invisible(connection, matched, tables)
        return await self._deliver(matched)

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
            routes = [route for route in self._routes.all(oid, event) if route.subscription.role == role]
            yield _Matched(change, table, error, routes)
        texts = change.filtered
        found = _Matched(change, table, None, [], key=_key(table, texts), texts=texts)
        for route in self._routes.candidates(oid, event, texts):
            if route.subscription.role not in refused and route.subscription.role in table.readable:
                _sort(route, found)
        yield found

    async def _deliver(self, matched: Sequence[_Matched]) -> int:
        batch = [delivery for found in matched for delivery in self._deliveries(found)]
        self.counts.dispatched += sum(1 for found in matched if found.routes)
        for number, (subscription, delivery) in enumerate(batch):
            await _breathe(number)
            if subscription in self._routes:
                subscription.deliver(delivery)
        return len(batch)

    def _deliveries(self, found: _Matched) -> Iterator[tuple[Subscription, ChangeDelivery]]:
        data: dict[View, bytes] = {}
        too_large = exceeds(found.change, self._max_record_bytes)
        for (subscription, select), ids in _grouped(found.routes):
            view = (found.table.readable[subscription.role], select)
            if view not in data:
                data[view] = (
                    error_data(found.change, found.error)
                    if found.error
                    else change_data(found.change, found.table, *view, too_large=too_large)
                )
                self.counts.payload_bytes.add(len(data[view]))
            yield subscription, ChangeDelivery(ids, data[view], found.change.event)


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


def _key(table: TableInfo, texts: Texts) -> Key:
    return tuple(texts.get(column.name) for column in table.primary_key)


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


async def _decide(connection: AsyncConnection, matched: Sequence[_Matched]) -> None:
    """Ask the database about the undecided: one question for each check with all its values."""
    values: dict[Check, set[str | None]] = {}
    for found in matched:
        for _, checks in found.undecided:
            for check in checks:
                values.setdefault(check, set()).add(found.texts[check.column])
    answers: dict[Check, dict[str | None, Answer]] = {
        check: await evaluate_in_database(connection, check, list(asked)) for check, asked in values.items()
    }
    for found in matched:
        found.routes += [
            route
            for route, checks in found.undecided
            if all(answers[check][found.texts[check.column]] for check in checks)
        ]


async def _hide_invisible(
    connection: AsyncConnection, matched: Sequence[_Matched], tables: Mapping[int, TableInfo]
) -> None:
    """Remove the bindings of those who may not see the row."""
    secured = [
        found for found in matched if found.table.row_security and found.change.event != "DELETE" and not found.error
    ]
    questions: dict[tuple[Viewer, int], set[Key]] = {}
    for found in secured:
        for route in found.routes:
            questions.setdefault((route.subscription.viewer, found.table.oid), set()).add(found.key)
    if not questions:
        return
    visible = await visible_keys(connection, questions, tables)
    for found in secured:
        oid, key = found.table.oid, found.key
        found.routes = [route for route in found.routes if key in visible[route.subscription.viewer, oid]]


def _grouped(
    routes: Iterable[Route],
) -> Iterator[tuple[tuple[Subscription, tuple[str, ...] | None], tuple[int, ...]]]:
    """Bindings by subscription and `select`, those without `select` first; ids in the reverse order of the bindings."""
    groups: dict[tuple[Subscription, tuple[str, ...] | None], list[Route]] = {}
    for route in routes:
        groups.setdefault((route.subscription, route.select), []).append(route)
    for group, members in sorted(groups.items(), key=lambda item: item[0][1] or ()):
        if len(members) > 1:
            members.sort(key=lambda route: -route.admitted.position)
        yield group, tuple(route.admitted.binding.id for route in members)


async def _wait_until_settled(connection: AsyncConnection, xids: set[int]) -> None:
    """A commit is in the log a moment before its rows can be seen; a policy asked too early would say no."""
    for _ in range(_SETTLE_TRIES):
        if await transactions_settled(connection, xids):
            return
        await asyncio.sleep(_SETTLE_WAIT_S)
