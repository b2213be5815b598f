"""Typed views of what the server sends.

Every event knows its topic, when it was received (`received_at`, seconds of a monotonic clock) and how large its frame
was (`size_bytes`, the WebSocket message without its header): whoever reads the socket passes both in.
What comes out of JSON holds no circles, so the garbage collector need not look through events.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from helpers.wire._text import decode_json, exact_reader, reader
from helpers.wire._types import BinaryBroadcast, BinaryPush, Encoding, Frame, MalformedFrame, Message

__all__ = [
    "Broadcast",
    "Change",
    "Closed",
    "Column",
    "Errored",
    "Event",
    "Metas",
    "Other",
    "PresenceDiff",
    "PresenceState",
    "Reply",
    "System",
    "parse_event",
]

Metas = dict[str, list[dict[str, Any]]]


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What all events have."""

    topic: str
    received_at: float
    size_bytes: int


class Column(msgspec.Struct, frozen=True):
    """A column of a changed table, its type as PostgreSQL names it (arrays begin with ``_``)."""

    name: str
    type: str


class Change(Event, frozen=True, kw_only=True, gc=False):
    """A row that was inserted, updated or deleted (`postgres_changes`).

    Attributes:
        ids: of the bindings that matched, as the reply to the join numbered them; empty in the legacy form.
        type: ``INSERT``, ``UPDATE`` or ``DELETE``.
        commit_timestamp: of the transaction, ISO 8601 in UTC; None when `errors` says that the row may not be seen.
        columns: of the table.
        record: the row after the change; empty for DELETE. Columns of type numeric hold a `Decimal` with the digits
            the database gave, other numbers with a fraction a `float`.
        old_record: the row before: the primary key, or all columns under replica identity full.
        errors: for example ``Error 413: Payload Too Large``; the record is then not complete.
    """

    ids: tuple[int, ...]
    schema: str
    table: str
    type: str
    commit_timestamp: str | None
    columns: tuple[Column, ...]
    record: dict[str, Any]
    old_record: dict[str, Any]
    errors: tuple[str, ...]


class Broadcast(Event, frozen=True, kw_only=True, gc=False):
    """A message of a client, of the database or of the HTTP endpoint.

    Attributes:
        event: its name, as the sender gave it; empty if the sender gave none.
        payload: a JSON value, or `bytes` if the sender sent bytes.
        id: of the row in `realtime.messages` if it came from the database.
        replayed: whether it is one of the past that the join asked for.
    """

    event: str
    payload: Any
    id: str | None = None
    replayed: bool = False


class PresenceState(Event, frozen=True, kw_only=True, gc=False):
    """Who is there, once after the join: key to list of metas."""

    state: Metas


class PresenceDiff(Event, frozen=True, kw_only=True, gc=False):
    """Who came and who went since. An update is a leave of the old meta and a join of the new one."""

    joins: Metas
    leaves: Metas


class System(Event, frozen=True, kw_only=True, gc=False):
    """A message of the server about the channel, such as "Subscribed to PostgreSQL"."""

    extension: str
    status: str
    message: str

    @property
    def ok(self) -> bool:
        return self.status == "ok"


class Reply(Event, frozen=True, kw_only=True, gc=False):
    """The answer to a push, with the `ref` that the push had."""

    ref: Any
    status: str
    response: Any

    @property
    def ok(self) -> bool:
        return self.status == "ok"

    @property
    def reason(self) -> str:
        """Why it was refused, in the server's words; empty if it gives none."""
        reason = self.response.get("reason", "") if isinstance(self.response, dict) else self.response
        return str(reason or "")


class Closed(Event, frozen=True, kw_only=True, gc=False):
    """The server closed the channel (`phx_close`)."""


class Errored(Event, frozen=True, kw_only=True, gc=False):
    """The channel crashed on the server (`phx_error`)."""

    reason: str


class Other(Event, frozen=True, kw_only=True, gc=False):
    """An event that this module has no name for."""

    event: str
    payload: Any


class _ChangeData(msgspec.Struct):
    schema: str
    table: str
    type: str
    commit_timestamp: str | None = None
    columns: msgspec.Raw = msgspec.Raw(b"[]")
    record: dict[str, Any] | None = None
    old_record: dict[str, Any] | None = None
    errors: tuple[str, ...] | None = None


class _ChangePayload(msgspec.Struct):
    data: _ChangeData
    ids: tuple[int, ...] = ()


class _BroadcastPayload(msgspec.Struct):
    event: Any = ""
    payload: Any = None
    meta: dict[str, Any] | None = None


class _SystemPayload(msgspec.Struct):
    extension: str = ""
    status: str = ""
    message: Any = ""


class _ReplyPayload(msgspec.Struct):
    status: str
    response: Any = None


class _Presence(msgspec.Struct):
    metas: list[dict[str, Any]]


class _DiffPayload(msgspec.Struct):
    joins: dict[str, _Presence]
    leaves: dict[str, _Presence]


_read_change, _read_change_exactly = reader(_ChangePayload), exact_reader(_ChangePayload)
_read_legacy, _read_legacy_exactly = reader(_ChangeData), exact_reader(_ChangeData)
_read_columns = reader(tuple[Column, ...] | None)
_read_broadcast = reader(_BroadcastPayload)
_read_system = reader(_SystemPayload)
_read_reply = reader(_ReplyPayload)
_read_state = reader(dict[str, _Presence])
_read_diff = reader(_DiffPayload)


def parse_event(message: Message, received_at: float, size_bytes: int) -> Event:
    """What a frame from the server means.

    Args:
        message: from `peek` (its payload still raw) or from `decode_binary`.
        received_at: when its bytes arrived.
        size_bytes: of the WebSocket message.

    Raises:
        MalformedFrame: the payload is not what this event has.
    """
    if isinstance(message, BinaryBroadcast):
        return _binary_broadcast(message, received_at, size_bytes)
    if isinstance(message, BinaryPush):
        raise MalformedFrame("a server sends no binary pushes")
    return _PARSERS.get(message.event, _other)(message, received_at, size_bytes)


def _change(frame: Frame, at: float, size: int) -> Change:
    found = _read_change(frame.payload)
    columns, numeric = _columns(bytes(found.data.columns))
    if numeric:
        _exact(found.data, _read_change_exactly(frame.payload).data, numeric)
    return _row_change(frame, at, size, found.data, columns, found.ids)


def _legacy_change(frame: Frame, at: float, size: int) -> Change:
    data = _read_legacy(frame.payload)
    columns, numeric = _columns(bytes(data.columns))
    if numeric:
        _exact(data, _read_legacy_exactly(frame.payload), numeric)
    return _row_change(frame, at, size, data, columns, ())


def _row_change(
    frame: Frame, at: float, size: int, data: _ChangeData, columns: tuple[Column, ...], ids: tuple[int, ...]
) -> Change:
    return Change(
        topic=frame.topic,
        received_at=at,
        size_bytes=size,
        ids=ids,
        schema=data.schema,
        table=data.table,
        type=data.type,
        commit_timestamp=data.commit_timestamp,
        columns=columns,
        record=data.record or {},
        old_record=data.old_record or {},
        errors=data.errors or (),
    )


@lru_cache(maxsize=256)
def _columns(text: bytes) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """The columns, and the names of those of type numeric. Each change repeats them, so they are read once.

    The server sends null in place of none.
    """
    columns = _read_columns(text) or ()
    return columns, tuple(column.name for column in columns if column.type in ("numeric", "_numeric"))


def _exact(data: _ChangeData, exact: _ChangeData, numeric: tuple[str, ...]) -> None:
    """Put the exact values of the numeric columns into the rows."""
    for row, exact_row in ((data.record, exact.record), (data.old_record, exact.old_record)):
        if row and exact_row:
            row.update((name, _as_decimal(exact_row[name])) for name in numeric if name in row)


def _as_decimal(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_decimal(item) for item in value]
    return Decimal(value) if isinstance(value, int) else value


def _broadcast(frame: Frame, at: float, size: int) -> Broadcast:
    if isinstance(frame.payload, bytes) or memoryview(frame.payload)[0] != ord("{"):
        return _bare_broadcast(frame, at, size)
    found = _read_broadcast(frame.payload)
    meta = found.meta or {}
    return Broadcast(
        topic=frame.topic,
        received_at=at,
        size_bytes=size,
        event=str(found.event),
        payload=found.payload,
        id=meta.get("id"),
        replayed=bool(meta.get("replayed")),
    )


def _bare_broadcast(frame: Frame, at: float, size: int) -> Broadcast:
    """A broadcast that names no event: version 1.0.0 and Phoenix's binary frames let any payload through."""
    payload = frame.payload if isinstance(frame.payload, bytes) else decode_json(frame.payload)
    return Broadcast(topic=frame.topic, received_at=at, size_bytes=size, event="", payload=payload)


def _binary_broadcast(message: BinaryBroadcast, at: float, size: int) -> Broadcast:
    is_json = message.encoding is Encoding.JSON
    return Broadcast(
        topic=message.topic,
        received_at=at,
        size_bytes=size,
        event=message.event,
        payload=decode_json(message.payload) if is_json else message.payload,
        id=message.metadata.get("id"),
        replayed=bool(message.metadata.get("replayed")),
    )


def _state(frame: Frame, at: float, size: int) -> PresenceState:
    found = _read_state(frame.payload)
    return PresenceState(topic=frame.topic, received_at=at, size_bytes=size, state=_metas(found))


def _diff(frame: Frame, at: float, size: int) -> PresenceDiff:
    found = _read_diff(frame.payload)
    joins, leaves = _metas(found.joins), _metas(found.leaves)
    return PresenceDiff(topic=frame.topic, received_at=at, size_bytes=size, joins=joins, leaves=leaves)


def _metas(found: dict[str, _Presence]) -> Metas:
    return {key: presence.metas for key, presence in found.items()}


def _system(frame: Frame, at: float, size: int) -> System:
    found = _read_system(frame.payload)
    return System(
        topic=frame.topic,
        received_at=at,
        size_bytes=size,
        extension=found.extension,
        status=found.status,
        message=str(found.message),
    )


def _reply(frame: Frame, at: float, size: int) -> Reply:
    found = _read_reply(frame.payload)
    return Reply(
        topic=frame.topic,
        received_at=at,
        size_bytes=size,
        ref=frame.ref,
        status=found.status,
        response=found.response,
    )


def _closed(frame: Frame, at: float, size: int) -> Closed:
    return Closed(topic=frame.topic, received_at=at, size_bytes=size)


def _errored(frame: Frame, at: float, size: int) -> Errored:
    payload = decode_json(frame.payload)
    reason = payload.get("reason", "") if isinstance(payload, dict) else payload
    return Errored(topic=frame.topic, received_at=at, size_bytes=size, reason=str(reason or ""))


def _other(frame: Frame, at: float, size: int) -> Other:
    payload = frame.payload if isinstance(frame.payload, bytes) else decode_json(frame.payload)
    return Other(topic=frame.topic, received_at=at, size_bytes=size, event=frame.event, payload=payload)


_PARSERS: dict[str, Callable[[Frame, float, int], Event]] = {
    "postgres_changes": _change,
    "INSERT": _legacy_change,
    "UPDATE": _legacy_change,
    "DELETE": _legacy_change,
    "broadcast": _broadcast,
    "presence_state": _state,
    "presence_diff": _diff,
    "system": _system,
    "phx_reply": _reply,
    "phx_close": _closed,
    "phx_error": _errored,
}
