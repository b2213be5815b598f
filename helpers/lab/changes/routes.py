"""Which bindings a change concerns: an index from table and event to filter values.

Subscriptions that ask for the same with the same role are one group: a change is matched once for a group, however
many belong to it. A binding whose filter asks a column to equal something is found by that value, so a change costs as
much as there are bindings it concerns, not as there are bindings. All other bindings of a table are looked at one by
one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from helpers.lab.changes.admission import Admitted
from helpers.lab.changes.bindings import EVENTS
from helpers.lab.changes.conditions import Check
from helpers.lab.changes.subscription import Subscription
from helpers.lab.changes.visibility import Viewer

__all__ = ["Group", "Route", "Routes", "Texts"]

#: A row's values as text by column; null is None, an unchanged large value is missing.
Texts = Mapping[str, str | None]


@dataclass(slots=True, eq=False)
class Group:
    """The subscriptions that ask for the same with the same role.

    Attributes:
        role: of all members.
        members: by viewer, as those with the same claims see the same rows.
        routes: their bindings.
    """

    role: str
    members: dict[Viewer, dict[Subscription, None]] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()


@dataclass(slots=True, eq=False)
class Route:
    """One admitted binding of a group.

    Attributes:
        group: whom to deliver to.
        admitted: the binding and its table.
        key: the check by whose values the index finds it, if there is one.
        checks: all other checks.
        fallible: whether the database may fail at one of them, so that it is asked whatever the others say.
        select: wanted columns besides the primary key in a fixed order, None for all.
    """

    group: Group
    admitted: Admitted
    key: Check | None = field(init=False)
    checks: tuple[Check, ...] = field(init=False)
    select: tuple[str, ...] | None = field(init=False)
    fallible: bool = field(init=False)

    def __post_init__(self) -> None:
        checks, select = self.admitted.checks, self.admitted.binding.select
        self.fallible = any(check.fallible for check in checks)
        by_value = () if self.fallible else checks
        self.key = next((check for check in by_value if check.equals), None)
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
        self._groups: dict[tuple[str, tuple[Admitted, ...]], Group] = {}
        self._admitted: dict[Subscription, tuple[Admitted, ...]] = {}
        self._homes: dict[Subscription, Group] = {}
        self._renewing: dict[Subscription, None] = {}

    def __len__(self) -> int:
        """How many subscriptions there are."""
        return len(self._admitted)

    def __contains__(self, subscription: Subscription) -> bool:
        return subscription in self._admitted

    def replace(self, subscription: Subscription, admitted: Iterable[Admitted]) -> None:
        """Set a subscription's bindings."""
        self.remove(subscription)
        self._admitted[subscription] = tuple(admitted)
        self._enter(subscription)

    def remove(self, subscription: Subscription) -> None:
        if self._admitted.pop(subscription, None) is not None:
            self._leave(subscription)
            self._renewing.pop(subscription, None)

    def look_with(self, subscription: Subscription, viewer: Viewer) -> None:
        """Let a subscription have a new role and claims from the next `renew` on."""
        subscription.renewed = viewer
        if subscription in self._admitted:
            self._renewing[subscription] = None

    def renew(self) -> None:
        """Let new claims take effect. Within a batch everybody keeps the role with which it began."""
        renewing, self._renewing = self._renewing, {}
        for subscription in renewing:
            if subscription.renewed is not None:
                self._leave(subscription)
                subscription.viewer, subscription.renewed = subscription.renewed, None
                self._enter(subscription)

    def concern(self, table_oid: int, event: str) -> bool:
        """Whether any binding is on this table and event."""
        return (table_oid, event) in self._tables

    def roles(self, table_oids: Iterable[int]) -> set[str]:
        """The roles of all who listen to one of these tables."""
        tables = (self._tables.get((oid, event)) for oid in table_oids for event in EVENTS)
        return {role for table in tables if table for role in table.roles}

    def columns(self, table_oid: int, event: str) -> Iterable[str]:
        """The columns at which the filters on this table and event look."""
        return self._tables[table_oid, event].columns

    def all(self, table_oid: int, event: str) -> Iterator[Route]:
        """All bindings on this table and event, whatever their filters."""
        return self._tables[table_oid, event].all()

    def candidates(self, table_oid: int, event: str, texts: Texts) -> Iterator[Route]:
        """Bindings that the index finds for a row; their remaining `checks` are still to be made."""
        return self._tables[table_oid, event].candidates(texts)

    def _enter(self, subscription: Subscription) -> None:
        admitted = self._admitted[subscription]
        group = self._groups.get((subscription.role, admitted))
        if group is None:
            group = self._groups[subscription.role, admitted] = Group(subscription.role)
            group.routes = tuple(Route(group, one) for one in admitted)
            for route in group.routes:
                for event in route.events:
                    self._tables.setdefault((route.admitted.table_oid, event), _TableRoutes()).add(route)
        group.members.setdefault(subscription.viewer, {})[subscription] = None
        self._homes[subscription] = group

    def _leave(self, subscription: Subscription) -> None:
        group = self._homes.pop(subscription)
        alike = group.members[subscription.viewer]
        del alike[subscription]
        if not alike:
            del group.members[subscription.viewer]
        if not group.members:
            self._dissolve(group)

    def _dissolve(self, group: Group) -> None:
        del self._groups[group.role, tuple(route.admitted for route in group.routes)]
        for route in group.routes:
            for event in route.events:
                table = self._tables[route.admitted.table_oid, event]
                table.remove(route)
                if not table:
                    del self._tables[route.admitted.table_oid, event]


class _TableRoutes:
    """The bindings on one table and event."""

    def __init__(self) -> None:
        self._unkeyed: dict[Route, None] = {}
        self._keyed: dict[str, dict[str, dict[Route, None]]] = {}
        self.columns: Counter[str] = Counter()
        self.roles: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._unkeyed or self._keyed)

    def add(self, route: Route) -> None:
        self.columns.update(check.column for check in route.admitted.checks)
        self.roles[route.group.role] += 1
        if route.key is None or route.key.equals is None:
            self._unkeyed[route] = None
            return
        values = self._keyed.setdefault(route.key.column, {})
        for value in route.key.equals:
            values.setdefault(value, {})[route] = None

    def remove(self, route: Route) -> None:
        self.columns -= Counter(check.column for check in route.admitted.checks)
        self.roles -= Counter((route.group.role,))
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
