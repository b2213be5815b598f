"""Values as the real server, which is written in Elixir, prints them in its messages (`Kernel.inspect/1`).

The rules are those of `Inspect.Algebra` with the defaults of `Inspect.Opts`: what is wider than 80 bytes is broken into
lines, of containers the first 50 items are shown, of strings the first 4,096 characters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

__all__ = ["inspect"]

_WIDTH, _ITEMS, _CHARACTERS = 80, 50, 4096


@dataclass(frozen=True, slots=True)
class _Container:
    """Several parts between two brackets.

    Attributes:
        labels: what stands before each part, ``"key" => `` in a map.
        filled: whether as many parts as fit share a line; else each has one of its own, and the brackets too.
    """

    opening: str
    parts: tuple[str | _Container, ...]
    closing: str
    labels: tuple[str, ...]
    filled: bool

    @property
    def line(self) -> str:
        """All on one line."""
        items = (label + _line(part) for label, part in zip(self.labels, self.parts, strict=True))
        return self.opening + ", ".join(items) + self.closing


def inspect(value: object) -> str:
    """A JSON value or a tuple: maps as ``%{"key" => value}``, null as ``nil``."""
    return _printed(_parts(value, _ITEMS), indent=0, column=0, tail=0)


def _parts(value: object, limit: int) -> str | _Container:
    if isinstance(value, Mapping):
        keys = tuple(_line(_parts(key, limit - 1)) + " => " for key in sorted(value)[:limit])
        return _container("%{", [value[key] for key in sorted(value)], "}", limit, keys)
    if isinstance(value, tuple):
        return _container("{", value, "}", limit)
    return _container("[", value, "]", limit) if isinstance(value, list) else _scalar(value)


def _container(
    opening: str, items: Sequence[object], closing: str, limit: int, labels: tuple[str, ...] = ()
) -> _Container:
    """Each item that is shown takes one from the limit of those after it, and of its own items."""
    parts = [_parts(item, limit - number) for number, item in enumerate(items[:limit], 1)]
    filled = not labels and all(isinstance(part, str) for part in parts)
    if len(items) > limit:
        parts.append("...")
    labels += ("",) * (len(parts) - len(labels))
    return _Container(opening, tuple(parts), closing, labels, filled)


def _scalar(value: object) -> str:
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return repr(value)
    shown = msgspec.json.encode(value[:_CHARACTERS]).decode().replace("#{", "\\#{")
    return shown if len(value) <= _CHARACTERS else f"{shown} <> ..."


def _line(part: str | _Container) -> str:
    return part if isinstance(part, str) else part.line


def _width(text: str) -> int:
    return len(text.encode())


def _printed(part: str | _Container, *, indent: int, column: int, tail: int) -> str:
    """From `column` on, with further lines at `indent`; `tail` is what follows before a line may end, in bytes."""
    line = _line(part)
    if isinstance(part, str) or not part.parts or column + _width(line) <= _WIDTH:
        return line
    return _filled(part, indent + 1, column, tail) if part.filled else _stacked(part, indent)


def _filled(container: _Container, indent: int, column: int, tail: int) -> str:
    lines, column = [container.opening], column + len(container.opening)
    for number, part in enumerate(map(_line, container.parts), 1):
        last = number == len(container.parts)
        after = _width(container.closing) + tail if last else 1
        if number > 1 and column + 1 + _width(part) + after > _WIDTH:
            lines.append(" " * indent)
            column = indent
        elif number > 1:
            lines[-1] += " "
            column += 1
        text = part if last else part + ","
        lines[-1] += text
        column += _width(text)
    return "\n".join(lines) + container.closing


def _stacked(container: _Container, indent: int) -> str:
    items = []
    for number, (label, part) in enumerate(zip(container.labels, container.parts, strict=True), 1):
        comma = "," if number < len(container.parts) else ""
        column = indent + 2 + _width(label)
        items.append(label + _printed(part, indent=indent + 2, column=column, tail=len(comma)) + comma)
    pad = "\n" + " " * (indent + 2)
    return container.opening + pad + pad.join(items) + "\n" + " " * indent + container.closing
