"""The change feed: subscriptions in, changes of the database out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from helpers.errors import LabError
from helpers.lab.changes.admission import Admitted
from helpers.lab.changes.admissions import Admissions
from helpers.lab.changes.bindings import Binding, parse_binding
from helpers.lab.changes.catalog import DROPPED_MEANWHILE
from helpers.lab.changes.counts import ChangeCounts
from helpers.lab.changes.dispatch import Dispatcher, EventRate
from helpers.lab.changes.poller import Poller
from helpers.lab.changes.routes import Routes
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.changes.subscription import Claims, Deliver, Republished, Subscription, SubscriptionRefused
from helpers.lab.changes.types import TypeCatalog

__all__ = ["ChangeFeed"]

_log = logging.getLogger(__name__)


class ChangeFeed:
    """Reads the database's replication log and hands each change to the subscriptions that may see it.

    Args:
        database: connection string of a superuser.
        settings: intervals and limits.

    Attributes:
        counts: for monitoring only.
    """

    def __init__(self, database: str, settings: ChangeSettings | None = None) -> None:
        self._database = database
        self._settings = settings or ChangeSettings()
        self._routes = Routes()
        self._bindings: dict[Subscription, tuple[Binding, ...]] = {}
        self._published: frozenset[int] = frozenset()
        types = TypeCatalog()
        self._admissions = Admissions(database, types, self._settings)
        self.counts = ChangeCounts()
        self._dispatcher = Dispatcher(self._routes, types, self._settings, self.counts)
        self._poller = Poller(database, self._settings, self._dispatcher, self._refresh)
        self._warm_at: float | None = None
        self._deserted_at: float | None = None
        self._polling: asyncio.Task[None] | None = None

    @property
    def settings(self) -> ChangeSettings:
        """The intervals and limits."""
        return self._settings

    @property
    def subscribers(self) -> int:
        """How many subscriptions there are."""
        return len(self._bindings)

    def limit(self, rate: EventRate) -> None:
        """Count deliveries with `rate`; while it is exceeded changes are dropped, if the settings say so."""
        self._dispatcher.rate = rate

    async def start(self) -> None:
        """Connect to the database.

        Raises:
            LabError: when it does not answer.
        """
        try:
            self._published = await self._admissions.published()
        except psycopg.Error as error:
            raise LabError(
                "connecting the change feed to the lab's database",
                str(error).strip(),
                "Look at the lab's log, then start the lab again",
            ) from error
        self._polling = asyncio.create_task(self._poller.run(), name="change feed")

    async def stop(self) -> None:
        """End polling, drop the slot and close the connections."""
        if self._polling is not None:
            self._polling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._polling
        await self._admissions.close()

    async def subscribe(
        self,
        bindings: Sequence[Mapping[str, Any] | None],
        claims: Claims,
        role: str,
        deliver: Deliver,
        republished: Republished | None = None,
    ) -> Subscription:
        """Check the bindings and deliver their changes from now on.

        Args:
            bindings: the entries of `config.postgres_changes` as joined; null entries are passed over.
            claims: of the token, as policies see them in `request.jwt.claims`.
            role: the database role that the token names.
            deliver: called in the event loop for each batch of changes.
            republished: called when the publication's tables have changed and the bindings were checked again.

        Raises:
            SubscriptionRefused: with the real server's own text; nothing is subscribed then.
        """
        await self._warm_up()
        parsed = tuple(parse_binding(binding) for binding in bindings if binding is not None)
        subscription = Subscription(tuple(one.id for one in parsed), _viewer(claims, role), deliver, republished)
        self._routes.replace(subscription, await self._admit(parsed, subscription.role))
        self._bindings[subscription] = parsed
        try:
            await asyncio.wait_for(self._poller.wake(), self._settings.statement_timeout_s)
        except TimeoutError as error:
            await self.unsubscribe(subscription)
            raise SubscriptionRefused(
                "Unable to subscribe to changes: the replication slot could not be opened in time", retriable=True
            ) from error
        except asyncio.CancelledError:
            await self.unsubscribe(subscription)
            raise
        return subscription

    def update_claims(self, subscription: Subscription, claims: Claims, role: str) -> None:
        """From the next batch on, look with a new token's eyes."""
        self._routes.look_with(subscription, _viewer(claims, role))

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Deliver nothing more to this subscription."""
        self._bindings.pop(subscription, None)
        self._routes.remove(subscription)
        if not len(self._routes):
            self._poller.sleep()
            self._deserted_at = time.monotonic()

    async def _warm_up(self) -> None:
        """Let the first subscriber after a long while, and all who come meanwhile, wait as on the real server."""
        now, idle_since = time.monotonic(), self._deserted_at
        deserted = not len(self._routes) and idle_since is not None and now - idle_since > self._settings.warm_for_s
        if self._warm_at is None or (deserted and now > self._warm_at):
            self._warm_at = now + random.uniform(*self._settings.cold_start_s)
            if self._warm_at > now:
                self.counts.cold_starts += 1
                _log.warning("cold start: subscribers wait %.1f s until changes can be delivered", self._warm_at - now)
        if self._warm_at > now:
            await asyncio.sleep(self._warm_at - now)

    async def _admit(self, bindings: tuple[Binding, ...], role: str) -> Sequence[Admitted]:
        try:
            admitted = await self._admissions.admit(bindings, role)
        except psycopg.OperationalError as error:
            raise SubscriptionRefused(f"Unable to subscribe to changes: {error}", retriable=True) from error
        self._tell_misnamed(admitted)
        return admitted

    def _tell_misnamed(self, admitted: Sequence[Admitted]) -> None:
        for one in admitted:
            if one.misnamed:
                self.counts.misnamed_tables += 1
                named = f"{one.binding.schema}.{one.binding.table}"
                _log.warning("changes of %s are sent to who asked for %s: _ and %% are wildcards", one.misnamed, named)

    async def _refresh(self) -> None:
        """If the publication's tables have changed, subscribe everybody anew; who is refused then is out for good."""
        try:
            published = await self._admissions.published()
        except (psycopg.OperationalError, *DROPPED_MEANWHILE):
            return  # asked again at the next refresh
        if published == self._published:
            return
        self._published = published
        self.counts.publication_changes += 1
        _log.warning("the publication's tables have changed: %d subscriptions are made anew", len(self._bindings))
        for subscription, bindings in list(self._bindings.items()):
            await self._readmit(subscription, bindings)

    async def _readmit(self, subscription: Subscription, bindings: tuple[Binding, ...]) -> None:
        """Ask again, and tell what came of it; one that has left meanwhile stays away and is told nothing."""
        refusal: SubscriptionRefused | None = None
        admitted: Sequence[Admitted] = ()
        try:
            admitted = await self._admit(bindings, subscription.role)
        except SubscriptionRefused as refused:
            refusal = refused
        if subscription not in self._bindings:
            return
        if refusal is not None and refusal.retriable:
            self._published = frozenset()  # nothing speaks against the bindings: they hold until the next refresh asks
            return
        if refusal is None:
            self._routes.replace(subscription, admitted)
        else:
            await self.unsubscribe(subscription)
        if subscription.republished is not None:
            subscription.republished(refusal)


def _viewer(claims: Claims, role: str) -> tuple[str, str]:
    return role, json.dumps(claims, separators=(",", ":"), sort_keys=True, default=str)
