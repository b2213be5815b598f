"""What a subscription is about, and how what its socket did not bring is found again.

A source joins three things: what to ask Realtime for, how to read what was committed, and how to know that a message of
the stream and a row that was read are the same change. The last one is what lets a subscription promise that nothing is
lost and nothing comes twice: Realtime itself promises neither.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from helpers.wire.events import Event
from helpers.wire.join import JoinConfig

__all__ = ["CHECKPOINT", "Gap", "Item", "Origin", "Source"]


#: An item of this type says that everything up to its position has gone before it. Sources send it if asked to.
CHECKPOINT = "CHECKPOINT"


class Origin(StrEnum):
    """By which way something reached the application."""

    STREAM = "stream"  # Realtime brought it
    CATCH_UP = "catch-up"  # read after the server began to deliver (again)
    AUDIT = "audit"  # read while the stream was up: Realtime had lost it without a word
    POLL = "poll"  # read while the socket was down


@dataclass(frozen=True, slots=True)
class Item:
    """One change (or message), as it reaches the application: once.

    Attributes:
        type: ``INSERT``, ``UPDATE``, ``DELETE``, ``TRUNCATE``; ``UPSERT`` for a row that was read and whose history is
            not known; ``BROADCAST`` for a message; `CHECKPOINT` for a word about the stream itself.
        key: of the row; items of one key come in the order of their commits, but for those that are late.
        record: the row after the change, empty for DELETE; the payload of a broadcast.
        position: by which the source knows it again.
        old_record: the row before, as far as it is known. old_key: the key that the change takes away, by a DELETE or
            by a new key.
        late: a later change of the same row went before, as Realtime had lost this one without a word. It tells what
            was; whoever keeps the present state leaves it alone.
    """

    type: str
    key: Hashable
    record: Mapping[str, Any]
    position: Hashable
    origin: Origin = Origin.STREAM
    old_record: Mapping[str, Any] = field(default_factory=dict)
    old_key: Hashable | None = None
    late: bool = False


class Gap(Exception):  # noqa: N818 - a finding, which the subscription mends by reading
    """The stream shows that something is missing, or brought it incomplete."""


class Source(Protocol):
    """What a `Subscription` needs to know. One source serves one subscription."""

    def config(self) -> JoinConfig:
        """What to join with; asked for at each join."""

    def item(self, event: Event) -> Item | None:
        """What an event of the channel tells; None if it is about something else.

        Raises:
            Gap: it shows that something is missing, which `read` will find.
        """

    def read(self, origin: Origin) -> AsyncIterator[Sequence[Item]]:
        """Everything that was committed and not marked yet, in pages. Asking for the next page says that all items of
        the one before are marked; when there is no next one, the source's position moves on.

        Raises:
            WorkbookError: it cannot be read now.
        """

    def admit(self, item: Item) -> Item | None:
        """The item as it is to be delivered now; None if the application has got it."""

    def mark(self, item: Item) -> None:
        """The application has got what was admitted."""
