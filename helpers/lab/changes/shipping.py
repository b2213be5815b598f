"""What goes to whom: payloads made once for all who may see the same, batches shared by all who receive the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from helpers.lab.changes.catalog import TableInfo
from helpers.lab.changes.counts import ChangeCounts
from helpers.lab.changes.evaluation import Visible
from helpers.lab.changes.matching import Matched
from helpers.lab.changes.payload import Layout, error_data, exceeds
from helpers.lab.changes.pgoutput import Relation
from helpers.lab.changes.routes import Group, Route
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.changes.subscription import ChangeBatch, ChangeDelivery, Subscription
from helpers.lab.changes.visibility import Key

__all__ = ["Shipment", "Shipper"]

_BATCH = 500  # changes handed over at once

#: What a group receives of a batch: each change with its deliveries, one for each `select`.
_Parcel = list[tuple[Matched, list[ChangeDelivery]]]


class Shipment(NamedTuple):
    """A batch for all who receive the same.

    Attributes:
        receivers: of the batch.
        batch: one object for all of them.
        changes: of which the deliveries tell.
    """

    receivers: list[Subscription]
    batch: ChangeBatch
    changes: list[Matched]


class Shipper:
    """Makes shipments of changes.

    Args:
        settings: the limit of a row's size.
        counts: counts the sizes of payloads.
    """

    def __init__(self, settings: ChangeSettings, counts: ChangeCounts) -> None:
        self._settings = settings
        self._counts = counts
        self._layouts = _Layouts()

    def shipments(self, matched: Iterable[Matched], visible: Visible) -> list[Shipment]:
        """What is to be handed over, in the order of the changes for each receiver."""
        parcels = self._parcels(matched)
        return [one for group, parcel in parcels.items() for one in _shipments(group, parcel, visible)]

    def _parcels(self, matched: Iterable[Matched]) -> dict[Group, _Parcel]:
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
                        self._counts.payload_bytes.add(len(data[view]))
                    deliveries.append(ChangeDelivery(ids, data[view], found.change.event))
                parcels.setdefault(group, []).append((found, deliveries))
        return parcels

    def _data(self, found: Matched, readable: frozenset[str], select: tuple[str, ...] | None) -> bytes:
        if found.error:
            return error_data(found.change, found.error)
        too_large = exceeds(found.change, self._settings.max_record_bytes)
        layout = self._layouts.get(found.change.relation, found.table, readable, select)
        return layout.data(found.change, too_large=too_large)


class _Layouts:
    """The layout in use for each table and view. A poll describes its tables anew, mostly as they were."""

    _MOST = 1_000  # then all are forgotten: tables that were dropped leave theirs behind

    def __init__(self) -> None:
        self._known: dict[object, tuple[Relation, TableInfo, Layout]] = {}

    def get(
        self, relation: Relation, table: TableInfo, readable: frozenset[str], select: tuple[str, ...] | None
    ) -> Layout:
        view = (table.oid, readable, select)
        known = self._known.get(view)
        if known is None and len(self._known) >= self._MOST:
            self._known.clear()
        alike = known is not None and known[:2] == (relation, table)
        layout = known[2] if known is not None and alike else Layout(relation, table, readable, select)
        self._known[view] = (relation, table, layout)  # the next comparison finds the same objects
        return layout


def _shipments(group: Group, parcel: _Parcel, visible: Visible) -> Iterator[Shipment]:
    """Who of a group receives which of its changes; those who receive the same share the batch."""
    always = [number for number, (found, _) in enumerate(parcel) if not found.secured]
    secured = _secured(parcel)
    nothing: frozenset[Key] = frozenset()
    audiences: dict[tuple[int, ...], tuple[list[Subscription], list[int]]] = {}
    for viewer, members in group.members.items():
        seen = [visible.get((viewer, oid), nothing) for oid in secured]
        alike = tuple(map(id, seen))
        if alike not in audiences:
            looks = zip(secured.values(), seen, strict=True)
            shown = [number for changes, keys in looks for key in keys for number in changes.get(key, ())]
            audiences[alike] = ([], sorted(always + shown))
        audiences[alike][0].extend(members)
    for receivers, numbers in audiences.values():
        for start in range(0, len(numbers), _BATCH):
            some = [parcel[number] for number in numbers[start : start + _BATCH]]
            batch = ChangeBatch([delivery for _, deliveries in some for delivery in deliveries])
            yield Shipment(receivers, batch, [found for found, _ in some])


def _secured(parcel: _Parcel) -> dict[int, dict[Key, list[int]]]:
    """Where the changes of rows under row level security stand, by table and key."""
    places: dict[int, dict[Key, list[int]]] = {}
    for number, (found, _) in enumerate(parcel):
        if found.secured:
            places.setdefault(found.table.oid, {}).setdefault(found.key, []).append(number)
    return places


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
