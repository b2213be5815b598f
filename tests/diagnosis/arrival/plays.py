"""Single cases written by hand, in the form in which the court takes generated ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.diagnosis.arrival.scenes import Binding, Change, quoted

__all__ = ["Play", "delete", "insert", "update"]


@dataclass(slots=True)
class Play:
    """One table, called `table`, one listener and one change."""

    make: list[str]
    change_made: Change
    filter: str | None = None
    role: str = "anon"
    claims: dict[str, Any] = field(default_factory=dict)
    event: str = "*"
    select: tuple[str, ...] | None = None
    operations: tuple[str, ...] = ("insert", "update", "delete")
    schema: str = "arrival"
    table: str = "notes"
    number: int = 0
    cases: int = 1

    def __post_init__(self) -> None:
        self.claims = {"role": self.role, "sub": None, **self.claims}

    @property
    def quoted(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.table)}"

    @property
    def unmake(self) -> str:
        return f"drop table if exists {self.quoted} cascade"

    @property
    def acts(self) -> list[tuple[Binding, int]]:
        return [(Binding(self.event, self.filter, self.select), 1)]

    def change(self) -> Change:
        return self.change_made


def insert(**row: Any) -> Change:
    """Insert a row, whose values are texts or numbers."""
    names, marks = ", ".join(map(quoted, row)), ", ".join(["%s"] * len(row))
    statement = f"insert into arrival.notes ({names}) values ({marks})"
    return Change("INSERT", statement, tuple(map(_text, row.values())), row, None, lambda: None)


def update(id: int, **sets: Any) -> Change:
    """Set columns of the row with that id."""
    assigned = ", ".join(f"{quoted(name)} = %s" for name in sets)
    values = (*map(_text, sets.values()), str(id))
    statement = f"update arrival.notes set {assigned} where id = %s"
    return Change("UPDATE", statement, values, {"id": id, **sets}, None, lambda: None)


def delete(id: int) -> Change:
    return Change("DELETE", "delete from arrival.notes where id = %s", (str(id),), {"id": id}, None, lambda: None)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
