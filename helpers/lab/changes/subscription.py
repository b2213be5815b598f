"""What the change feed and its callers exchange: subscriptions, refusals, deliveries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["ChangeDelivery", "Claims", "Deliver", "Subscription", "SubscriptionRefused"]

Claims = dict[str, Any]


class ChangeDelivery(NamedTuple):
    """One change for one subscription.

    Attributes:
        ids: of the bindings that matched, in the reverse order of the bindings.
        data: the change as JSON, ``{"table", "type", "record", "columns", "errors", "schema", "commit_timestamp",
            "old_record"}``; the same bytes object for all subscriptions that may see the same columns.
        type: INSERT, UPDATE or DELETE, which is the event's name in the legacy API.
    """

    ids: tuple[int, ...]
    data: bytes
    type: str


Deliver = Callable[[ChangeDelivery], None]


class SubscriptionRefused(Exception):  # noqa: N818 - the words of the protocol
    """The bindings cannot be subscribed to; `message` is what the server says in its `system` event.

    `retriable` tells whether the real server would try again by itself (it does not when it cannot parse the bindings).
    """

    def __init__(self, message: str, *, retriable: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.retriable = retriable


@dataclass(slots=True, eq=False)
class Subscription:
    """The bindings of one channel.

    Attributes:
        ids: of the bindings, in their order.
        viewer: role and claims (as JSON) with which policies are asked.
        renewed: the viewer from the next batch on, after a new token.
        deliver: receives the changes.
    """

    ids: tuple[int, ...]
    viewer: tuple[str, str] = field(repr=False)
    deliver: Deliver = field(repr=False)
    renewed: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def role(self) -> str:
        return self.viewer[0]
