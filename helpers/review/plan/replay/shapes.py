"""Tables as the user has them, as far as a lab needs to know."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Column", "Shape"]


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column.

    Attributes:
        type: as PostgreSQL names it. size_bytes: of a text, a JSON document or bytes.
    """

    name: str
    type: str
    size_bytes: int = 0


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One table.

    Attributes:
        key: columns of the primary key.
        group: the column by which screens tell their own rows; None where they all show the same.
        groups: how many values it has.
        memberships: of a table that says who belongs to which group: in how many groups each person is. Its first rows
            are those of the persons, and stay as they are; all others are strangers'. 0 for any other table.
        rows: that it holds before anything is written.
        policies: expressions after USING, for SELECT; the tables in them have the user's names.
        secured: whether row-level security is on.
        indexes: columns of each, besides that of the key.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ("id",)
    group: str | None = None
    groups: int = 1
    memberships: int = 0
    rows: int = 0
    replica_identity: Literal["default", "full"] = "default"
    policies: tuple[str, ...] = ()
    secured: bool = False
    indexes: tuple[tuple[str, ...], ...] = ()

    @property
    def identity(self) -> str:
        """The column of the key by which a change is told from others."""
        return next((column for column in self.key if column != self.group), self.key[0])

    def group_of(self, number: int, persons: int) -> int:
        """The group of a row: as its person's, in turns; of memberships each person's next one."""
        if self.group == self.identity:  # each row is a group of its own
            return number
        return (number % persons + (number // persons if self.memberships else 0)) % self.groups
