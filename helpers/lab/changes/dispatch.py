"""From a batch of changes to deliveries: filters, privileges, row level security, payloads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from helpers.lab.changes.counts import ChangeCounts
from helpers.lab.changes.evaluation import Evaluation
from helpers.lab.changes.matching import Matcher
from helpers.lab.changes.policies import Policies
from helpers.lab.changes.routes import Routes
from helpers.lab.changes.rows import RawChange, RowReader
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.changes.shipping import Shipment, Shipper
from helpers.lab.changes.tables import Tables
from helpers.lab.changes.turns import breathe
from helpers.lab.changes.types import TypeCatalog

__all__ = ["Dispatcher", "EventRate"]


class EventRate(Protocol):
    """Counts deliveries against the quota of events per second."""

    @property
    def exceeded(self) -> bool: ...

    def add(self, events: int = 1) -> None: ...


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
        self._matcher = Matcher(routes, settings, counts)
        self._policies = Policies(settings, counts)
        self._shipper = Shipper(settings, counts)
        self._limiting = False
        self.rate: EventRate | None = None

    @property
    def rows(self) -> RowReader:
        return self._rows

    async def dispatch(self, evaluation: Evaluation, changes: Sequence[RawChange]) -> int:
        """Deliver a batch; returns the number of changes that concerned somebody.

        Raises:
            psycopg.Error: when a filter, a policy or a privilege cannot be evaluated. As on the real server nothing
                of the batch has been delivered then. With that defect off only failures of the connection are raised.
        """
        self._routes.renew()
        wanted = [change for change in changes if self._routes.concern(change.relation.oid, change.event)]
        if not wanted:
            return 0
        tables = await self._tables.describe(evaluation.connection, wanted)
        there = [change for change in wanted if change.relation.oid in tables]
        encoded = await self._rows.encode(evaluation.connection, there)
        matched = await self._matcher.match(evaluation.connection, encoded, tables)
        visible = await self._policies.visible(evaluation, matched, tables)
        return await self._deliver(self._shipper.shipments(matched, visible))

    async def _deliver(self, shipments: Sequence[Shipment]) -> int:
        concerned = len({id(change) for shipment in shipments for change in shipment.changes})
        if self._over_rate():
            reason = "there are more deliveries a second than the quota allows"
            self.counts.skip("rate_limited", concerned, reason, quietly=self._limiting)
            self._limiting = True
            return concerned
        self._limiting = False
        self.counts.dispatched += concerned
        sent = 0
        for receivers, batch, _ in shipments:
            for receiver in receivers:
                await breathe(sent)
                sent += 1
                if receiver in self._routes:
                    receiver.deliver(batch)
                    self._count(len(batch))
        return concerned

    def _count(self, deliveries: int) -> None:
        self.counts.deliveries += deliveries
        if self.rate is not None:
            self.rate.add(deliveries)

    def _over_rate(self) -> bool:
        return self._settings.drop_above_rate and self.rate is not None and self.rate.exceeded
