"""`erlang:phash2/1`, by which the genuine server makes the id of a binding from its parameters.

The algorithm is Bob Jenkins' hash of 1996 over the term, as the Erlang runtime applies it; it is documented to give the
same number on every machine and in every release. Ported for the terms that JSON decodes to.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

__all__ = ["phash2"]

_MASK = 0xFFFFFFFF
_GOLDEN = 0x9E3779B9  # the constant of each kind of term is a multiple of it
_RANGE = (1 << 27) - 1
_INTEGER, _NIL, _ATOM, _BYTES_IN_LIST = 1, 2, 3, 4
_NEGATIVE, _POSITIVE, _FLOAT, _BINARY, _MAP, _PAIRS = 10, 11, 12, 13, 16, 19
_END_OF_LIST = 2
_SMALL = range(-(1 << 27), 1 << 27)


def phash2(term: object) -> int:
    """A number below 2**27: of a map, list, text, number, true, false or None (the atom `nil`)."""
    return _hash(term, 0) & _RANGE


def _hash(term: object, seed: int) -> int:
    """The hash of a term that follows others, whose hash is `seed`."""
    if term is None or isinstance(term, bool):
        return _atom("nil" if term is None else str(term).lower(), seed)
    if isinstance(term, str):
        return _binary(term.encode("utf-8", "surrogatepass"), seed)
    if isinstance(term, int):
        return _integer(term, seed)
    if isinstance(term, float):
        low, high = struct.unpack("<II", struct.pack("<d", term or 0.0))
        return _mixed(high, low, _FLOAT, seed)
    if isinstance(term, Mapping):
        return _map(term, seed)
    if isinstance(term, Sequence):
        return _list(term, seed)
    raise TypeError(f"{type(term).__name__} is no JSON value")


def _mixed(first: int, second: int, kind: int, seed: int) -> int:
    constant = kind * _GOLDEN & _MASK
    return _mix(constant + first & _MASK, constant + second & _MASK, seed)


def _atom(name: str, seed: int) -> int:
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        value = (value ^ (value & 0xF0000000) >> 24) & 0x0FFFFFFF
    return _mixed(value, 0, _ATOM, seed) if seed else value


def _integer(number: int, seed: int) -> int:
    if number in _SMALL:
        if number < 0:
            seed = _mixed(-number, 0, _INTEGER, seed)
        return _mixed(number & _MASK, 0, _INTEGER, seed)
    kind, rest = (_NEGATIVE if number < 0 else _POSITIVE), abs(number)
    while rest:
        seed = _mixed(rest & _MASK, rest >> 32 & _MASK, kind, seed)
        rest >>= 64
    return seed


def _map(term: Mapping[str, object], seed: int) -> int:
    """Independent of the order of keys: the hashes of the pairs are combined by exclusive or."""
    seed = _mixed(len(term), 0, _MAP, seed)
    if not term:
        return seed
    pairs = 0
    for key, value in term.items():
        pairs ^= _hash(value, _hash(key, 0))
    return _mixed(pairs, 0, _PAIRS, seed)


def _list(items: Sequence[object], seed: int) -> int:
    """A run of bytes is taken four at a time, as in Erlang it may be a text; other items follow one another."""
    at = 0
    while at < len(items):
        run = at
        while run < len(items) and _is_byte(items[run]):
            run += 1
        for start in range(at, run, 4):
            word = int.from_bytes(bytes(items[start : min(start + 4, run)]), "big")  # type: ignore[arg-type]
            seed = _mixed(word, 0, _BYTES_IN_LIST, seed)
        if run < len(items):
            seed = _hash(items[run], seed)
        at = run + 1
    return _mixed(_END_OF_LIST, 0, _NIL, seed)


def _is_byte(item: object) -> bool:
    return isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= 255


def _binary(data: bytes, seed: int) -> int:
    start = seed + _BINARY * _GOLDEN & _MASK
    if not data:
        return start
    a = b = _GOLDEN
    c = start
    whole = len(data) - len(data) % 12
    for x, y, z in struct.iter_unpack("<III", data[:whole]):
        a, b, c = _mixed_all(a + x & _MASK, b + y & _MASK, c + z & _MASK)
    # The lowest byte of the last word is the length's.
    tail = data[whole:]
    tail = (tail[:8].ljust(8, b"\0") + b"\0" + tail[8:]).ljust(12, b"\0")
    x, y, z = struct.unpack("<III", tail)
    return _mix(a + x & _MASK, b + y & _MASK, c + z + len(data) & _MASK)


def _mix(a: int, b: int, c: int) -> int:
    return _mixed_all(a, b, c)[2]


def _mixed_all(a: int, b: int, c: int) -> tuple[int, int, int]:
    for right, left, last in ((13, 8, 13), (12, 16, 5), (3, 10, 15)):
        a = (a - b - c & _MASK) ^ c >> right
        b = (b - c - a & _MASK) ^ a << left & _MASK
        c = (c - a - b & _MASK) ^ b >> last
    return a, b, c
