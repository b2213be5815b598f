"""Changes of the lab's database, from real logical replication."""

from __future__ import annotations

from helpers.lab.changes.bindings import binding_id, legacy_binding
from helpers.lab.changes.dispatch import EventRate
from helpers.lab.changes.feed import ChangeFeed
from helpers.lab.changes.messages import BroadcastFeed, DatabaseBroadcast
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.changes.subscription import ChangeBatch, ChangeDelivery, Subscription, SubscriptionRefused

__all__ = [
    "BroadcastFeed",
    "ChangeBatch",
    "ChangeDelivery",
    "ChangeFeed",
    "ChangeSettings",
    "DatabaseBroadcast",
    "EventRate",
    "Subscription",
    "SubscriptionRefused",
    "binding_id",
    "legacy_binding",
]
