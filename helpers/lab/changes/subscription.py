"""What the change feed and its callers exchange: subscriptions, refusals, deliveries."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["ChangeBatch", "ChangeDelivery", "Claims", "Deliver", "Republished", "Subscription", "SubscriptionRefused"]

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


class ChangeBatch(Sequence[ChangeDelivery]):
    """Changes for all subscriptions that receive the same ones: one object, handed to each of them.

    Whoever puts changes into another form does it once for all receivers, with `form`.
    """

    __slots__ = ("_deliveries", "_forms")

    def __init__(self, deliveries: Sequence[ChangeDelivery]) -> None:
        self._deliveries = deliveries
        self._forms: dict[Hashable, bytes] = {}

    def __len__(self) -> int:
        return len(self._deliveries)

    def __getitem__(self, index: Any) -> Any:
        return self._deliveries[index]

    def form(self, key: Hashable, make: Callable[[Sequence[ChangeDelivery]], bytes]) -> bytes:
        """What `make` makes of the deliveries; made at the first call with this key."""
        made = self._forms.get(key)
        if made is None:
            made = self._forms[key] = make(self._deliveries)
        return made


Deliver = Callable[[ChangeBatch], None]


class SubscriptionRefused(Exception):  # noqa: N818 - the words of the protocol
    """The bindings cannot be subscribed to; `message` is what the server says in its `system` event.

    `retriable` tells whether the real server would try again by itself. It does when its database fails, not when the
    bindings are at fault.
    """

    def __init__(self, message: str, *, retriable: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.retriable = retriable


#: Called after the publication's tables changed: with None when the subscription goes on, or with the refusal.
Republished = Callable[[SubscriptionRefused | None], None]


@dataclass(slots=True, eq=False)
class Subscription:
    """The bindings of one channel.

    Attributes:
        ids: of the bindings, in their order.
        viewer: role and claims (as JSON) with which policies are asked.
        renewed: the viewer from the next batch on, after a new token.
        deliver: receives the changes.
        republished: hears of changes of the publication.
    """

    ids: tuple[int, ...]
    viewer: tuple[str, str] = field(repr=False)
    deliver: Deliver = field(repr=False)
    republished: Republished | None = field(default=None, repr=False)
    renewed: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def role(self) -> str:
        return self.viewer[0]
