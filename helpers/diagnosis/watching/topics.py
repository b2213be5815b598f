"""Counts the broadcasts of one topic."""

from __future__ import annotations

from dataclasses import dataclass, field

from helpers.diagnosis.evidence.watch import TopicSeen
from helpers.diagnosis.watching.memory import Recent
from helpers.wire.events import Broadcast

__all__ = ["TopicLedger"]

KEPT_IDS = 20_000


@dataclass(slots=True)
class TopicLedger:
    """The broadcasts of one topic; `sequence` names a field of their payloads that counts, if one does."""

    name: str
    sequence: str | None
    began: float
    ids: Recent[str] = field(default_factory=lambda: Recent(KEPT_IDS))
    _broadcasts: int = 0
    _with_id: int = 0
    _duplicates: int = 0
    _skipped: int = 0
    _reordered: int = 0
    _numbers: dict[str, int] = field(default_factory=dict)
    _last_at: float = 0.0
    _quiet_s: float = 0.0

    def receive(self, broadcast: Broadcast) -> None:
        self._broadcasts += 1
        self._quiet_s = max(self._quiet_s, broadcast.received_at - (self._last_at or self.began))
        self._last_at = broadcast.received_at
        if broadcast.id is not None:
            self._with_id += 1
            self._duplicates += not self.ids.add(broadcast.id)
        number = broadcast.payload.get(self.sequence) if isinstance(broadcast.payload, dict) else None
        if isinstance(number, int):
            self._note_number(broadcast.event, number)

    def seen(self, until: float) -> TopicSeen:
        return TopicSeen(
            self.name,
            self._broadcasts,
            self._with_id,
            self._duplicates,
            self._skipped,
            self._reordered,
            max(self._quiet_s, until - (self._last_at or self.began)),
        )

    def _note_number(self, event: str, number: int) -> None:
        """A number that was skipped and comes after all is only late."""
        last = self._numbers.get(event)
        if last is None and len(self._numbers) >= KEPT_IDS:
            return
        if last is None or number == last + 1:
            self._numbers[event] = number
        elif number > last:
            self._skipped += number - last - 1
            self._numbers[event] = number
        elif number == last:
            self._duplicates += 1
        else:
            self._reordered += 1
            self._skipped = max(0, self._skipped - 1)
