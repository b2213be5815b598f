"""How the text of a value in the log becomes JSON, as the real server makes it.

The real server reads the log with wal2json and casts each value to `jsonb`. So numbers keep their digits, NaN and
infinities of scalars are null (but strings inside arrays), `bytea` is hex without ``\\x`` (but with it inside arrays),
timestamps have a ``T``. Types whose conversion only the database knows (composites, casts of extensions, `json`, of
whose equal keys the last one stays) get no encoder here: the database converts them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from helpers.lab.changes.arrays import Array, parse_array
from helpers.lab.changes.types import PgType

__all__ = ["Encoder", "encoder_for", "json_string", "plain_text"]

Encoder = Callable[[str], bytes]

json_string: Encoder = msgspec.json.Encoder().encode
_parse_json = msgspec.json.Decoder(str).decode
_NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})


def encoder_for(pg_type: PgType, types: Mapping[int, PgType]) -> Encoder | None:
    """The encoder of a column's values, or None when the database has to convert them."""
    if pg_type.element_oid:
        element = types.get(pg_type.element_oid)
        encode_element = _element_encoder(element) if element else None
        return _array_encoder(encode_element) if encode_element else None
    if pg_type.has_json_cast or pg_type.kind in "cp" or pg_type.base_name == "json":
        return None
    return _SCALARS.get(pg_type.base_name, json_string)


def plain_text(value: bytes) -> str | None:
    """A JSON value as PostgreSQL's ``#>> '{}'`` gives it: strings without quotes, null as None, else the JSON."""
    if value.startswith(b'"'):
        return _parse_json(value)
    return None if value == b"null" else value.decode()


def _raw(text: str) -> bytes:
    return text.encode()


def _bool(text: str) -> bytes:
    return b"true" if text == "t" else b"false"


def _number(text: str) -> bytes:
    if text in _NOT_FINITE:
        return b"null"
    if "e" in text:
        return format(Decimal(text), "f").encode()
    return b"0" if text == "-0" else text.encode()


def _timestamp(text: str) -> bytes:
    return json_string(text.replace(" ", "T", 1) if text[0].isdigit() else text)


def _timestamptz(text: str) -> bytes:
    if not text[0].isdigit():
        return json_string(text)  # infinity
    return json_string(text.replace(" ", "T", 1).replace("+00", "+00:00", 1))


def _hex(text: str) -> bytes:
    return json_string(text.removeprefix("\\x"))


_SCALARS: Mapping[str, Encoder] = {
    "bool": _bool,
    "int2": _raw,
    "int4": _raw,
    "int8": _raw,
    "float4": _number,
    "float8": _number,
    "numeric": _number,
    "jsonb": _raw,
    "timestamp": _timestamp,
    "timestamptz": _timestamptz,
    "bytea": _hex,
}


def _element_number(text: str) -> bytes:
    return json_string(text) if text in _NOT_FINITE else _number(text)


def _element_encoder(element: PgType) -> Encoder | None:
    if element.base_name in ("float4", "float8", "numeric"):
        return _element_number
    if element.base_name == "bytea":
        return json_string
    return encoder_for(element, {})


def _array_encoder(encode_element: Encoder) -> Encoder:
    def encode(text: str) -> bytes:
        return _encode_array(parse_array(text), encode_element)

    return encode


def _encode_array(array: Array, encode_element: Encoder) -> bytes:
    parts = [
        b"null"
        if item is None
        else encode_element(item)
        if isinstance(item, str)
        else _encode_array(item, encode_element)
        for item in array
    ]
    return b"[" + b", ".join(parts) + b"]"
