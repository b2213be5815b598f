"""Which bindings a change concerns: an index from table and event to filter values.

A binding whose filter asks a column to equal something is found by that value, so a change costs as much as there are
bindings it concerns, not as there are bindings. All other bindings of a table are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from helpers.lab.changes.admission import Admitted
from helpers.lab.changes.bindings import EVENTS
from helpers.lab.changes.conditions import Check
from helpers.lab.changes.subscription import Subscription

__all__ = ["Route", "Routes", "Texts"]

#: A row's values as text by column; null is None, an unchanged large value is missing.
Texts = Mapping[str, str | None]


@dataclass(slots=True, eq=False)
class Route:
    """One admitted binding of a subscription.

    Attributes:
        subscription: whom to deliver to.
        admitted: the binding and its table.
        key: the check by whose values the index finds it, if there is one.
        checks: all other checks.
        select: wanted columns besides the primary key in a fixed order, None for all.
    """

    subscription: Subscription
    admitted: Admitted
    key: Check | None = field(init=False)
    checks: tuple[Check, ...] = field(init=False)
    select: tuple[str, ...] | None = field(init=False)

    def __post_init__(self) -> None:
        checks, select = self.admitted.checks, self.admitted.binding.select
        self.key = next((check for check in checks if check.equals is not None), None)
        self.checks = tuple(check for check in checks if check is not self.key)
        self.select = None if select is None else tuple(sorted(set(select)))

    @property
    def events(self) -> tuple[str, ...]:
        event = self.admitted.binding.event
        return EVENTS if event == "*" else (event,)


class Routes:
    """All bindings of all subscriptions."""

    def __init__(self) -> None:
        self._tables: dict[tuple[int, str], _TableRoutes] = {}
        self._routes: dict[Subscription, list[Route]] = {}

    def __len__(self) -> int:
        """How many subscriptions there are."""
        return len(self._routes)

    def __contains__(self, subscription: Subscription) -> bool:
        return subscription in self._routes

    def renew(self) -> None:
        """Let new claims take effect. Within a batch everybody keeps the role with which it began."""
        for subscription in self._routes:
            if subscription.renewed is not None:
                subscription.viewer, subscription.renewed = subscription.renewed, None

    def replace(self, subscription: Subscription, admitted: Iterable[Admitted]) -> None:
        """Set a subscription's bindings."""
        self.remove(subscription)
        routes = self._routes[subscription] = [Route(subscription, one) for one in admitted]
        for route in routes:
            for event in route.events:
                self._tables.setdefault((route.admitted.table_oid, event), _TableRoutes()).add(route)

    def remove(self, subscription: Subscription) -> None:
        for route in self._routes.pop(subscription, ()):
            for event in route.events:
                table = self._tables[route.admitted.table_oid, event]
                table.remove(route)
                if not table:
                    del self._tables[route.admitted.table_oid, event]

    def concern(self, table_oid: int, event: str) -> bool:
        """Whether any binding is on this table and event."""
        return (table_oid, event) in self._tables

    def roles(self, table_oids: Iterable[int]) -> set[str]:
        """The roles of all who listen to one of these tables."""
        tables = (self._tables.get((oid, event)) for oid in table_oids for event in EVENTS)
        return {route.subscription.role for table in tables if table for route in table.all()}

    def all(self, table_oid: int, event: str) -> Iterator[Route]:
        """All bindings on this table and event, whatever their filters."""
        return self._tables[table_oid, event].all()

    def candidates(self, table_oid: int, event: str, texts: Texts) -> Iterator[Route]:
        """Bindings that the index finds for a row; their remaining `checks` are still to be made."""
        return self._tables[table_oid, event].candidates(texts)


class _TableRoutes:
    """The bindings on one table and event."""

    def __init__(self) -> None:
        self._unkeyed: dict[Route, None] = {}
        self._keyed: dict[str, dict[str, dict[Route, None]]] = {}

    def __bool__(self) -> bool:
        return bool(self._unkeyed or self._keyed)

    def add(self, route: Route) -> None:
        if route.key is None or route.key.equals is None:
            self._unkeyed[route] = None
            return
        values = self._keyed.setdefault(route.key.column, {})
        for value in route.key.equals:
            values.setdefault(value, {})[route] = None

    def remove(self, route: Route) -> None:
        if route.key is None or route.key.equals is None:
            del self._unkeyed[route]
            return
        values = self._keyed[route.key.column]
        for value in route.key.equals:
            del values[value][route]
            if not values[value]:
                del values[value]
        if not values:
            del self._keyed[route.key.column]

    def all(self) -> Iterator[Route]:
        yield from self._unkeyed
        for values in self._keyed.values():
            yield from dict.fromkeys(route for routes in values.values() for route in routes)

    def candidates(self, texts: Texts) -> Iterator[Route]:
        yield from self._unkeyed
        for column, values in self._keyed.items():
            if (text := texts.get(column)) is not None:
                yield from values.get(text, ())
