"""PostgreSQL's text form of arrays: ``{1,NULL,"a b",{…}}``."""

from __future__ import annotations

import re

__all__ = ["Array", "parse_array"]

Array = list["str | Array | None"]

_BOUNDS = re.compile(r"^(\[-?\d+:-?\d+\])+=")
_TOKEN = re.compile(r'[{},]|"((?:[^"\\]|\\.)*)"|([^{},"]+)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def parse_array(text: str) -> Array:
    """Parse an array; bounds such as ``[0:1]=`` are passed over, elements stay text.

    Raises:
        ValueError: when the text is not an array.
    """
    outer: Array = []
    stack: list[Array] = [outer]
    position = len(bounds[0]) if (bounds := _BOUNDS.match(text)) else 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None or not stack:
            raise ValueError(f"not an array: {text[:40]!r}")
        position = token.end()
        _take(token, stack)
    if len(stack) != 1 or len(outer) != 1 or not isinstance(outer[0], list):
        raise ValueError(f"not an array: {text[:40]!r}")
    return outer[0]


def _take(token: re.Match[str], stack: list[Array]) -> None:
    mark = token[0]
    if mark == "{":
        inner: Array = []
        stack[-1].append(inner)
        stack.append(inner)
    elif mark == "}":
        stack.pop()
    elif mark != ",":
        quoted, plain = token[1], token[2]
        if quoted is not None:
            stack[-1].append(_ESCAPE.sub(r"\1", quoted))
        else:
            stack[-1].append(None if plain == "NULL" else plain)
