"""A write that has been made here and is not on the server yet."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

__all__ = ["Answer", "Key", "Write", "WriteType", "blocked_by", "depends_on", "is_temporary", "temporary_key"]

#: Values of the columns of the primary key.
Key = tuple[Any, ...]

_TEMPORARY = "temporary:"


class WriteType(StrEnum):
    """As changes are called."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Write:
    """One row's change, in the database's names and in values as JSON has them.

    Attributes:
        key: of the row; holds a `temporary_key` if the server is to choose it.
        values: of an INSERT the row, of an UPDATE what it sets. They are set, not added to: a write is shown above the
            server's row again and again, also when the server has it already.
        base: what the user saw of the row when changing it, for conflict policies; None asks for no comparison.
        table: of the row; an outbox may hold writes of several.
        after: ids of writes without which this one makes no sense, beyond those that `depends_on` finds by itself.
        id: the idempotency key: the write is done once, however often it is sent.
    """

    type: WriteType
    key: Key
    values: Mapping[str, Any] = field(default_factory=dict)
    base: Mapping[str, Any] | None = None
    after: Sequence[str] = ()
    table: str = ""
    id: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def temporaries(self) -> set[str]:
        """Temporary keys of which the real ones are to be known before this can be sent."""
        own = {value for value in self.key if is_temporary(value)}
        used = {value for value in self.values.values() if is_temporary(value)}
        return used - own if self.type is WriteType.INSERT else used | own

    def renamed(self, names: Mapping[str, Any]) -> Write:
        """With real keys in place of temporary ones."""
        key = tuple(_real(value, names) for value in self.key)
        values = {column: _real(value, names) for column, value in self.values.items()}
        return replace(self, key=key, values=values)


@dataclass(frozen=True, slots=True)
class Answer:
    """The server has done a write.

    Attributes:
        key: of the row, the real one. mark: by which its echo is recognised, see `Marks`; None if nothing
            was changed, so that there will be none.
        yielded: columns in which the server's value was kept, by the conflict policy.
    """

    key: Key
    mark: Any = None
    yielded: tuple[str, ...] = ()


def temporary_key() -> str:
    """Stands for a key that the server will choose."""
    return _TEMPORARY + secrets.token_hex(8)


def is_temporary(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_TEMPORARY)


def depends_on(write: Write, earlier: Write) -> bool:
    """Whether a write makes no sense without an earlier one.

    It says so itself, or refers to the row that the earlier one makes, or is about a row that the earlier one makes or
    takes away. Two updates of a row do not depend on each other: each sets what it sets.
    """
    if earlier.id in write.after:
        return True
    if _same_row(write, earlier) and earlier.type not in (WriteType.UPDATE, write.type):
        return True
    made = {value for value in earlier.key if is_temporary(value)} if earlier.type is WriteType.INSERT else set()
    return bool(made & ({*write.key} | {value for value in write.values.values() if is_temporary(value)}))


def blocked_by(write: Write, earlier: Iterable[Write]) -> bool:
    """Whether it has to wait for one of those before it: one of the same key, or one that it depends on."""
    return bool(write.temporaries) or any(_same_row(write, one) or depends_on(write, one) for one in earlier)


def _same_row(one: Write, other: Write) -> bool:
    return (one.table, one.key) == (other.table, other.key)


def _real(value: Any, names: Mapping[str, Any]) -> Any:
    return names.get(value, value) if isinstance(value, str) else value
