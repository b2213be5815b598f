"""Who would be told of a change: the same question for several listeners, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from helpers.diagnosis.arrival import Arrival, would_arrive
from helpers.diagnosis.arrival.facts import EVENTS
from helpers.errors import WorkbookError
from helpers.target import Target

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answer", "Audience", "who_would_hear"]

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One listener and one kind of change. `told` is None where it could not be asked, and `because` says why."""

    listener: str
    event: str
    told: bool | None
    because: str


@dataclass(frozen=True, slots=True)
class Audience:
    """What each listener would be told of; `skipped` says why nobody could be asked about."""

    table: str
    heard: tuple[Answer, ...] = ()
    skipped: str = ""

    def to_frame(self) -> pd.DataFrame:
        """One row for each listener, a column for each kind of change."""
        import pandas as pd

        cells = {(each.listener, each.event): f"{_sign(each)} {each.because}" for each in self.heard}
        rows = list(dict.fromkeys(listener for listener, _ in cells))
        columns = list(dict.fromkeys(event for _, event in cells))
        return pd.DataFrame([[cells[row, column] for column in columns] for row in rows], index=rows, columns=columns)

    def __str__(self) -> str:
        if self.skipped:
            return f"Skipped, because {self.skipped}."
        lines = (f"{each.listener:<24} {each.event:<8} {_sign(each)} {each.because}" for each in self.heard)
        return "\n".join([f"Changes of {self.table}", *lines])

    def _repr_html_(self) -> str:
        if self.skipped:
            return f"<p>{escape(str(self))}</p>"
        return f"<p>Changes of {escape(self.table)}</p>{self.to_frame().to_html()}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))


async def who_would_hear(
    target: Target,
    table: str,
    listeners: Mapping[str, Claims | None],
    events: Sequence[str] = EVENTS,
    row: Claims | None = None,
    filter: str | None = None,
) -> Audience:
    """Ask `would_arrive` for each listener and each kind of change. Nothing is written.

    Args:
        target: which Supabase; without its database URL the result says what to set.
        table: such as ``chat.messages``.
        listeners: by what you call them, the claims of their tokens; None for a client without a token, which is anon.
        events: of INSERT, UPDATE and DELETE.
        row: see `would_arrive`; a row of the table when None.
        filter: of the binding.

    Raises:
        InputError: an unknown event.
    """
    if not target.database_url:
        return Audience(table, skipped="policies cannot be asked about without a database: set DATABASE_URL")
    asked = [(name, who, event) for name, who in listeners.items() for event in events]
    heard = [Answer(name, event, *await _asked(target, table, who, event, row, filter)) for name, who, event in asked]
    return Audience(table, tuple(heard))


async def _asked(
    target: Target, table: str, claims: Claims | None, event: str, row: Claims | None, filter: str | None
) -> tuple[bool | None, str]:
    try:
        arrival = await would_arrive(target, table=table, claims=claims, event=event, row=row, filter=filter)
    except WorkbookError as error:
        return None, error.happened
    return arrival.delivered, _because(arrival)


def _because(arrival: Arrival) -> str:
    """What withholds it, or what a listener who is told should know."""
    if arrival.cause is not None:
        return f"but {arrival.cause.value}" if arrival.delivered else arrival.cause.value
    return f"but {arrival.reasons[0].cause.value}" if arrival.reasons else "as it was written"


def _sign(heard: Answer) -> str:
    return {True: "✓", False: "✗", None: "–"}[heard.told]
