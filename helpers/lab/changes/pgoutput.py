"""PostgreSQL's logical replication messages, decoded without I/O.

The format is `pgoutput` protocol version 1 with text values:
https://www.postgresql.org/docs/18/protocol-logicalrep-message-formats.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final, Literal

__all__ = [
    "UNCHANGED",
    "Begin",
    "Column",
    "Commit",
    "Delete",
    "Insert",
    "MalformedOutput",
    "Message",
    "Other",
    "Relation",
    "Row",
    "Truncate",
    "Unchanged",
    "Update",
    "Value",
    "decode",
]

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_TEXT, _NULL, _UNCHANGED = b"tnu"


class MalformedOutput(ValueError):  # noqa: N818
    """The bytes are not a message of the protocol."""


class Unchanged(Enum):
    """The value of a large column that an UPDATE left as it was: the log does not repeat it."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED

Value = str | None | Literal[Unchanged.UNCHANGED]
Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Begin:
    """A transaction's changes follow; `commit_time` is UTC, to the microsecond."""

    final_lsn: int
    commit_time: datetime
    xid: int


@dataclass(frozen=True, slots=True)
class Commit:
    """A transaction's changes are complete."""

    end_lsn: int


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation; `identity` tells whether it belongs to the replica identity."""

    name: str
    type_oid: int
    identity: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A table as it was when the following changes were made."""

    oid: int
    schema: str
    table: str
    replica_identity: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Insert:
    oid: int
    new: Row


@dataclass(frozen=True, slots=True)
class Update:
    """`old` is None when the replica identity is not the full row and its columns did not change."""

    oid: int
    old: Row | None
    new: Row


@dataclass(frozen=True, slots=True)
class Delete:
    """Outside the replica identity `old` holds nulls."""

    oid: int
    old: Row


@dataclass(frozen=True, slots=True)
class Truncate:
    oids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Other:
    """A message that says nothing about rows: a type, an origin, a logical message."""

    kind: str


Message = Begin | Commit | Relation | Insert | Update | Delete | Truncate | Other


def decode(data: bytes) -> Message:
    """Decode one message.

    Raises:
        MalformedOutput: when it is cut off, has bytes left over, or holds an unknown code.
    """
    reader = _Reader(data)
    try:
        message = _decode(reader)
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise MalformedOutput(f"not a pgoutput message: {error}") from error
    if reader.at != len(data) and not isinstance(message, Other):
        raise MalformedOutput(f"{len(data) - reader.at} bytes are left over")
    return message


def _decode(reader: _Reader) -> Message:
    kind = reader.code()
    if kind == "I":
        oid = reader.uint32()
        reader.expect("N")
        return Insert(oid, reader.row())
    if kind == "U":
        return _decode_update(reader)
    if kind == "D":
        oid = reader.uint32()
        reader.expect("KO")
        return Delete(oid, reader.row())
    if kind == "B":
        lsn, microseconds, xid = reader.unpack(">QqI")
        return Begin(lsn, _EPOCH + timedelta(microseconds=microseconds), xid)
    if kind == "C":
        _flags, _lsn, end_lsn, _time = reader.unpack(">BQQq")
        return Commit(end_lsn)
    if kind == "R":
        return _decode_relation(reader)
    if kind == "T":
        count, _options = reader.unpack(">IB")
        return Truncate(tuple(reader.uint32() for _ in range(count)))
    if kind in "YOM":
        return Other(kind)
    raise MalformedOutput(f"unknown message {kind!r}")


def _decode_update(reader: _Reader) -> Update:
    oid = reader.uint32()
    old = None
    if reader.expect("KON") != "N":
        old = reader.row()
        reader.expect("N")
    return Update(oid, old, reader.row())


def _decode_relation(reader: _Reader) -> Relation:
    oid, schema, table = reader.uint32(), reader.string(), reader.string()
    replica_identity = reader.code()
    (count,) = reader.unpack(">H")
    columns = []
    for _ in range(count):
        (flags,) = reader.unpack(">B")
        name = reader.string()
        type_oid, _modifier = reader.unpack(">Ii")
        columns.append(Column(name, type_oid, bool(flags & 1)))
    return Relation(oid, schema, table, replica_identity, tuple(columns))


class _Reader:
    """A position in a message."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def unpack(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return values

    def uint32(self) -> int:
        return self.unpack(">I")[0]

    def code(self) -> str:
        return chr(self.unpack(">B")[0])

    def expect(self, codes: str) -> str:
        code = self.code()
        if code not in codes:
            raise MalformedOutput(f"code {code!r} where one of {codes!r} belongs")
        return code

    def string(self) -> str:
        end = self.data.index(b"\0", self.at)
        text = self.data[self.at : end].decode()
        self.at = end + 1
        return text

    def row(self) -> Row:
        """A row's values. In one loop, as all the feed's rows come through it."""
        data, at = self.data, self.at + 2
        values: list[Value] = []
        for _ in range(int.from_bytes(data[self.at : at], "big")):
            code = data[at]
            at += 1
            if code == _TEXT:
                start = at + 4
                at = start + int.from_bytes(data[at:start], "big")
                values.append(data[start:at].decode())
            elif code == _NULL:
                values.append(None)
            elif code == _UNCHANGED:
                values.append(UNCHANGED)
            else:
                raise MalformedOutput(f"unknown kind of value {chr(code)!r}")
        if at > len(data):
            raise MalformedOutput("a value is cut off")
        self.at = at
        return tuple(values)
