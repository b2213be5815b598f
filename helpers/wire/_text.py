"""Text frames: JSON objects in version 1.0.0, JSON arrays in version 2.0.0.

Numbers: an integer keeps all its digits. A number with a fraction or an exponent becomes a `float`, as everybody
expects of JSON; only in a frame that holds a number beyond the range of a double do such numbers become `Decimal`.
PostgreSQL's `numeric` needs more than that: whoever wants its exact digits takes the frame from `peek`, whose payload
is still bytes, and decodes those with `decode_exact`. (`helpers.wire.events` does so for columns of type numeric.)
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from helpers.wire._types import Frame, MalformedFrame, Version

__all__ = ["decode_exact", "decode_json", "decode_text", "encode_json", "encode_text", "exact_reader", "peek", "reader"]

Buffer = str | bytes | bytearray | memoryview


class _Array(msgspec.Struct, array_like=True, gc=False):
    """Version 2.0.0. Elements after the fifth are ignored, as the server does."""

    join_ref: Any
    ref: Any
    topic: Any
    event: str
    payload: Any


class _RawArray(_Array, array_like=True, gc=False):
    payload: msgspec.Raw


class _Object(msgspec.Struct, gc=False):
    """Version 1.0.0. Only `join_ref` may be missing, and the server's frames never have it."""

    ref: Any
    event: str
    payload: Any
    topic: Any
    join_ref: Any = None


class _RawObject(_Object, kw_only=True, gc=False):
    payload: msgspec.Raw


class _ObjectWithoutJoin(msgspec.Struct):
    ref: Any
    event: str
    payload: Any
    topic: Any


def reader(shape: Any) -> Callable[[Buffer], Any]:
    """A function that decodes JSON of this shape, and raises `MalformedFrame` for anything else."""
    decode = msgspec.json.Decoder(shape).decode
    decode_exactly = exact_reader(shape)

    def read(data: Buffer) -> Any:
        try:
            return decode(data)
        except _BAD_INPUT as error:
            if "out of range" in str(error):
                return decode_exactly(data)
            raise _malformed(error) from error

    return read


def exact_reader(shape: Any) -> Callable[[Buffer], Any]:
    """As `reader`, but every number with a fraction or an exponent becomes a `Decimal` with the digits it had."""
    decode = msgspec.json.Decoder(shape, float_hook=Decimal).decode

    def read(data: Buffer) -> Any:
        try:
            return decode(data)
        except _BAD_INPUT as error:
            raise _malformed(error) from error

    return read


#: What msgspec raises on bad input.
_BAD_INPUT = (msgspec.MsgspecError, UnicodeError, RecursionError)


def _malformed(error: Exception) -> MalformedFrame:
    return MalformedFrame("JSON is nested too deeply" if isinstance(error, RecursionError) else str(error))


_READERS = {Version.V1: reader(_Object), Version.V2: reader(_Array)}
_read_raw_object, _read_raw_array = reader(_RawObject), reader(_RawArray)
_V2 = Version.V2  # to look it up, or anything by it, takes longer than to read a short frame
_read_json = reader(Any)
_read_exact = exact_reader(Any)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def decode_json(data: Buffer) -> Any:
    """A JSON text; numbers as this module's head says.

    Raises:
        MalformedFrame: it is no JSON.
    """
    return _read_json(data)


def decode_exact(data: Buffer) -> Any:
    """A JSON text in which every number with a fraction or an exponent becomes a `Decimal` with the digits it had.

    Raises:
        MalformedFrame: it is no JSON.
    """
    return _read_exact(data)


def decode_text(data: Buffer, version: Version) -> Frame:
    """The frame in a text message, its payload decoded.

    Raises:
        MalformedFrame: it is no JSON, or not of the shape of this version.
    """
    found = _READERS[version](data)
    return Frame(found.topic, found.event, found.payload, found.ref, found.join_ref)


def peek(data: Buffer, version: Version) -> Frame:
    """The frame in a text message, its payload checked but left as it came: a `msgspec.Raw`.

    Raises:
        MalformedFrame: as `decode_text` does.
    """
    found = (_read_raw_array if version is _V2 else _read_raw_object)(data)
    return Frame(found.topic, found.event, found.payload, found.ref, found.join_ref)


def encode_json(value: Any) -> bytes:
    """JSON without spaces. NaN and infinities become null, `Decimal` a number, `msgspec.Raw` stays as it is.

    Raises:
        MalformedFrame: JSON has no form for the value.
    """
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise MalformedFrame(f"the payload has no JSON form: {error}") from error


def encode_text(frame: Frame, version: Version) -> bytes:
    """The text message for a frame, as UTF-8. Version 1.0.0 leaves `join_ref` out when it is None.

    Raises:
        MalformedFrame: the payload has no JSON form.
    """
    topic, event, payload, ref, join_ref = frame.topic, frame.event, frame.payload, frame.ref, frame.join_ref
    if version is Version.V2:
        return encode_json(_Array(join_ref, ref, topic, event, payload))
    if join_ref is None:
        return encode_json(_ObjectWithoutJoin(ref, event, payload, topic))
    return encode_json(_Object(ref, event, payload, topic, join_ref))
