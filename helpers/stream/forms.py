"""The forms in which an application's data can travel in a broadcast.

What an application has is either *records* (names and numbers, which JSON was made for) or *bytes* (a picture, sound,
the strokes of a drawing), which JSON can carry only as base64. A form says how these become a payload.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

import msgspec

from helpers.errors import SettingsError
from helpers.wire.frames import Encoding, Version, encode_json
from helpers.wire.numbered import STAMP

__all__ = ["LEAST_BYTES", "MOST_BYTES", "Content", "Form", "Item", "apart", "bodies", "body_of", "together"]

#: One record is as short as this; and 3,000,000 bytes are the largest payload of the larger plans.
LEAST_BYTES, MOST_BYTES = 64, 1_000_000

#: Four times the window of zlib.
_OUT_OF_SIGHT_BYTES = 4 * 32_768

_NAMES = ("Ada", "Grace", "Edsger", "Barbara", "Donald", "Radia", "Leslie", "Frances")


class Content(StrEnum):
    """What an application has to send."""

    RECORDS = "records"
    BYTES = "bytes"

    @property
    def words(self) -> str:
        """For "1,024 bytes of …"."""
        return "records" if self is Content.RECORDS else "binary data"

    @classmethod
    def named(cls, name: Content | str) -> Content:
        """Raises SettingsError if there is no such content."""
        try:
            return cls(name)
        except ValueError:
            happened, advice = f"there is no content {name!r}", f"Say {' or '.join(cls)}"
            raise SettingsError("making a message", happened, advice) from None


class Item(NamedTuple):
    """A message as the application has it, its body decoded.

    Attributes:
        seq: its number. due: when it should have been sent (monotonic seconds).
        key: what it is about; the next message of this key supersedes it.
    """

    seq: int
    due: float
    key: int
    body: Any


class Form(StrEnum):
    """How a message travels; the name is that of an arm."""

    JSON_V1 = "JSON, vsn 1"
    JSON_V2 = "JSON, vsn 2"
    JSON_FRAME = "JSON in a binary frame, vsn 2"
    MESSAGE_PACK = "MessagePack in a binary frame, vsn 2"
    BASE64_V2 = "base64 in JSON, vsn 2"
    BASE64_FRAME = "base64 in JSON in a binary frame, vsn 2"
    BYTES = "bytes in a binary frame, vsn 2"

    @property
    def version(self) -> Version:
        """Of the protocol."""
        return _FORMS[self].version

    @property
    def content(self) -> Content:
        """What it carries."""
        return _FORMS[self].content

    @property
    def encoding(self) -> Encoding:
        """What a binary frame of it says that it holds."""
        return _FORMS[self].encoding

    def payload(self, item: Item) -> Any:
        """What is given to `Channel.broadcast`: this is the sender's work on a message."""
        return _FORMS[self].pack(item)

    def item(self, payload: Any) -> Item:
        """The message in a received payload: this is the receiver's work on it, beyond that of its client library."""
        return _FORMS[self].unpack(payload)

    @classmethod
    def of(cls, content: Content) -> tuple[Form, ...]:
        """All forms for that content, the plainest first."""
        return tuple(form for form in cls if form.content is content)


@cache
def bodies(content: Content, size_bytes: int) -> tuple[Any, ...]:
    """Bodies to be sent in turn, so many that what compresses cannot look back from one to its copy."""
    count = max(1, -(-_OUT_OF_SIGHT_BYTES // size_bytes))
    return tuple(body_of(content, size_bytes, seed) for seed in range(count))


def body_of(content: Content, size_bytes: int, seed: int = 0) -> Any:
    """What an application sends: records whose JSON text has that many bytes, or that many random bytes.

    Raises:
        SettingsError: shorter than one record, or longer than is ever sent here.
    """
    if not LEAST_BYTES <= size_bytes <= MOST_BYTES:
        advice = f"Choose between {LEAST_BYTES} and {MOST_BYTES:,} bytes"
        raise SettingsError("making a message", f"a body of {size_bytes:,} bytes is planned", advice)
    chance = random.Random(seed)
    return chance.randbytes(size_bytes) if content is Content.BYTES else _records(size_bytes, chance)


def _records(size_bytes: int, chance: random.Random) -> list[dict[str, Any]]:
    """Rows as a table of players, orders or cursors has them; the last one's name is as long as is needed."""
    rows = [_record(chance)]
    size = len(encode_json(rows))
    while size + len(encode_json(row := _record(chance))) + 1 <= size_bytes:
        rows.append(row)
        size += len(encode_json(row)) + 1  # and its comma
    rows[-1]["name"] += "x" * (size_bytes - size)
    return rows


def _record(chance: random.Random) -> dict[str, Any]:
    return {
        "id": chance.randrange(1_000, 10_000),
        "name": chance.choice(_NAMES),
        "x": round(chance.uniform(0, 100), 2),
        "y": round(chance.uniform(0, 100), 2),
    }


def together(items: Sequence[Item]) -> dict[str, Any]:
    """Several updates as the JSON payload of one message."""
    return {"items": [_as_object(item) for item in items]}


def apart(payload: Any) -> list[Item]:
    """The updates in such a payload."""
    return [_from_object(item) for item in payload["items"]]


@dataclass(frozen=True, slots=True)
class _Ways:
    version: Version
    content: Content
    pack: Callable[[Item], Any]
    unpack: Callable[[Any], Item]
    encoding: Encoding = Encoding.BINARY


def _as_object(item: Item) -> Any:
    return {"seq": item.seq, "due": item.due, "key": item.key, "body": item.body}


def _from_object(payload: Any) -> Item:
    return Item(payload["seq"], payload["due"], payload["key"], payload["body"])


def _as_base64(item: Item) -> Any:
    return _as_object(item._replace(body=base64.b64encode(item.body).decode()))


def _from_base64(payload: Any) -> Item:
    return _from_object(payload)._replace(body=base64.b64decode(payload["body"]))


def _as_message_pack(item: Item) -> bytes:
    return _stamped(item, msgspec.msgpack.encode(item.body))


def _as_bytes(item: Item) -> bytes:
    return _stamped(item, item.body)


def _stamped(item: Item, body: bytes) -> bytes:
    return b"".join((STAMP.pack(item.seq, item.due), item.key.to_bytes(4, "big"), body))


def _from_bytes(payload: bytes) -> Item:
    seq, due = STAMP.unpack_from(payload)
    key, body = payload[STAMP.size : STAMP.size + 4], payload[STAMP.size + 4 :]
    return Item(seq, due, int.from_bytes(key, "big"), body)


def _from_message_pack(payload: bytes) -> Item:
    item = _from_bytes(payload)
    return item._replace(body=msgspec.msgpack.decode(item.body))


_FORMS = {
    Form.JSON_V1: _Ways(Version.V1, Content.RECORDS, _as_object, _from_object),
    Form.JSON_V2: _Ways(Version.V2, Content.RECORDS, _as_object, _from_object),
    Form.JSON_FRAME: _Ways(
        Version.V2, Content.RECORDS, lambda item: encode_json(_as_object(item)), _from_object, Encoding.JSON
    ),
    Form.MESSAGE_PACK: _Ways(Version.V2, Content.RECORDS, _as_message_pack, _from_message_pack),
    Form.BASE64_V2: _Ways(Version.V2, Content.BYTES, _as_base64, _from_base64),
    Form.BASE64_FRAME: _Ways(
        Version.V2, Content.BYTES, lambda item: encode_json(_as_base64(item)), _from_base64, Encoding.JSON
    ),
    Form.BYTES: _Ways(Version.V2, Content.BYTES, _as_bytes, _from_bytes),
}
