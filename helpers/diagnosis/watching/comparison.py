"""What was committed against what arrived. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from helpers.diagnosis.evidence.watch import Committed, Subscribed, TopicSeen
from helpers.diagnosis.watching.committed import After, Rows
from helpers.diagnosis.watching.tables import TableLedger
from helpers.diagnosis.watching.topics import TopicLedger

__all__ = ["Comparison"]

MOST_EXAMPLES = 3
#: What the publication must send for a row's arrival to be expected.
NEEDED = {"insert", "update"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The database at the end of a watch, beside the watch's ledgers."""

    after: After
    tables: Mapping[str, TableLedger]
    topics: Mapping[str, TopicLedger]
    subscriptions: tuple[Subscribed, ...]
    operations: tuple[str, ...]

    def committed(self) -> tuple[Committed, ...]:
        """One entry for each table."""
        return tuple(map(self._compared, self.after.rows))

    def completed(self, topic: TopicSeen) -> TopicSeen:
        """With what the database sent to that topic, if that could be read."""
        ids = self.after.messages.get(topic.name)
        if ids is None:
            return topic
        arrived = self.topics[topic.name].ids
        return replace(topic, committed=len(ids), missed=sum(each not in arrived for each in ids))

    def lacks(self) -> bool:
        """Whether something may still be under way."""
        topics = (self.completed(TopicSeen(name)) for name in self.topics)
        return any(each.missed for each in self.committed()) or any(each.missed for each in topics)

    def _compared(self, rows: Rows) -> Committed:
        name = str(rows.table.name)
        unsure = rows.unsure or self._obstacle(name)
        missing = self._missing(name, rows) if not self._obstacle(name) else None
        return Committed(
            rows.table.name,
            None if rows.changed is None else len(rows.changed),
            None if rows.visible is None else len(rows.visible),
            None if missing is None else len(missing),
            tuple(key.replace("\x1f", ", ") for key in (missing or ())[:MOST_EXAMPLES]),
            rows.statistics,
            unsure,
        )

    def _obstacle(self, name: str) -> str:
        """Why the rows of that table cannot be expected to arrive, or not be known again."""
        if not set(self.operations) >= NEEDED:
            return "the publication does not send both inserts and updates"
        if any(each.name == name and not each.gaps_ms for each in self.subscriptions):
            return "Realtime did not subscribe to its changes"
        ledger = self.tables.get(name)
        if ledger is not None and ledger.blank:
            return "changes arrived without their keys"
        if ledger is not None and ledger.arrived.overflowed:
            return "more changes arrived than are kept"
        return ""

    def _missing(self, name: str, rows: Rows) -> tuple[str, ...] | None:
        if rows.visible is None:
            return None
        ledger = self.tables.get(name)
        return tuple(sorted(key for key in rows.visible if ledger is None or key not in ledger.arrived))
