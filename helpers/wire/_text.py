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

__all__ = ["decode_exact", "decode_json", "decode_text", "encode_json", "encode_text", "guarded", "peek"]

Buffer = str | bytes | bytearray | memoryview


class _Array(msgspec.Struct, array_like=True):
    """Version 2.0.0. Elements after the fifth are ignored, as the server does."""

    join_ref: Any
    ref: Any
    topic: Any
    event: str
    payload: Any


class _RawArray(_Array, array_like=True):
    payload: msgspec.Raw


class _Object(msgspec.Struct):
    """Version 1.0.0. Only `join_ref` may be missing, and the server's frames never have it."""

    ref: Any
    event: str
    payload: Any
    topic: Any
    join_ref: Any = None


class _RawObject(_Object, kw_only=True):
    payload: msgspec.Raw


class _ObjectWithoutJoin(msgspec.Struct):
    ref: Any
    event: str
    payload: Any
    topic: Any


_Decoders = dict[Version, msgspec.json.Decoder[Any]]

_DECODERS: _Decoders = {Version.V1: msgspec.json.Decoder(_Object), Version.V2: msgspec.json.Decoder(_Array)}
_EXACT_DECODERS: _Decoders = {
    Version.V1: msgspec.json.Decoder(_Object, float_hook=Decimal),
    Version.V2: msgspec.json.Decoder(_Array, float_hook=Decimal),
}
_RAW_DECODERS: _Decoders = {Version.V1: msgspec.json.Decoder(_RawObject), Version.V2: msgspec.json.Decoder(_RawArray)}
_JSON = msgspec.json.Decoder()
_EXACT_JSON = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def guarded(decode: Callable[[Any], Any], data: Buffer) -> Any:
    """What `decode` makes of `data`; whatever it raises on bad input becomes `MalformedFrame`."""
    try:
        return decode(data)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise MalformedFrame(str(error)) from error
    except RecursionError as error:
        raise MalformedFrame("JSON is nested too deeply") from error


def _decode(plain: Callable[[Any], Any], exact: Callable[[Any], Any], data: Buffer) -> Any:
    try:
        return guarded(plain, data)
    except MalformedFrame as error:
        if "out of range" not in error.reason:
            raise
    return guarded(exact, data)


def decode_json(data: Buffer) -> Any:
    """A JSON text; numbers as this module's head says.

    Raises:
        MalformedFrame: it is no JSON.
    """
    return _decode(_JSON.decode, _EXACT_JSON.decode, data)


def decode_exact(data: Buffer) -> Any:
    """A JSON text in which every number with a fraction or an exponent becomes a `Decimal` with the digits it had.

    Raises:
        MalformedFrame: it is no JSON.
    """
    return guarded(_EXACT_JSON.decode, data)


def decode_text(data: Buffer, version: Version) -> Frame:
    """The frame in a text message, its payload decoded.

    Raises:
        MalformedFrame: it is no JSON, or not of the shape of this version.
    """
    found = _decode(_DECODERS[version].decode, _EXACT_DECODERS[version].decode, data)
    return Frame(found.topic, found.event, found.payload, found.ref, found.join_ref)


def peek(data: Buffer, version: Version) -> Frame:
    """The frame in a text message, its payload checked but left as it came: a `msgspec.Raw`.

    Raises:
        MalformedFrame: as `decode_text` does.
    """
    found = guarded(_RAW_DECODERS[version].decode, data)
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
