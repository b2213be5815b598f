"""The change feed: subscriptions in, changes of the database out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.changes.subscription import Claims, Deliver, Subscription

__all__ = ["ChangeFeed"]


class ChangeFeed:
    """Reads the database's replication log and hands each change to the subscriptions that may see it.

    Args:
        database: connection string of a superuser.
        settings: intervals and limits.
    """

    def __init__(self, database: str, settings: ChangeSettings | None = None) -> None:
        self._database = database
        self._settings = settings or ChangeSettings()

    async def start(self) -> None:
        """Connect to the database. Raises LabError when it does not answer."""
        raise NotImplementedError

    async def stop(self) -> None:
        """End polling, drop the slot and close the connections."""
        raise NotImplementedError

    async def subscribe(
        self, bindings: Sequence[Mapping[str, Any] | None], claims: Claims, role: str, deliver: Deliver
    ) -> Subscription:
        """Check the bindings and deliver their changes from now on.

        Args:
            bindings: the entries of `config.postgres_changes` as joined; null entries are passed over.
            claims: of the token, as policies see them in `request.jwt.claims`.
            role: the database role that the token names.
            deliver: called in the event loop for each change.

        Raises:
            SubscriptionRefused: with the real server's own text; nothing is subscribed then.
        """
        raise NotImplementedError

    def update_claims(self, subscription: Subscription, claims: Claims, role: str) -> None:
        """From the next change on, look with a new token's eyes."""
        raise NotImplementedError

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Deliver nothing more to this subscription."""
        raise NotImplementedError
