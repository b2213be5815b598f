"""Values as the real server, which is written in Elixir, prints them in its messages (`Kernel.inspect/2`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

__all__ = ["inspect", "inspect_list"]

_WIDTH = 80  # the default width of `Inspect.Opts`; what does not fit is broken into lines


def inspect(value: object) -> str:
    """A JSON value or a tuple on one line: maps as ``%{"key" => value}``, null as ``nil``."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return msgspec.json.encode(value).decode().replace("#{", "\\#{")
    if isinstance(value, Mapping):
        pairs = (f"{inspect(key)} => {inspect(item)}" for key, item in sorted(value.items()))
        return "%{" + ", ".join(pairs) + "}"
    if isinstance(value, tuple):
        return "{" + ", ".join(map(inspect, value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inspect, value)) + "]"
    return repr(value)


def inspect_list(items: Sequence[tuple[object, ...] | str]) -> str:
    """A list of tuples or strings, broken into lines as Elixir does when it is wider than 80 characters."""
    line = inspect(list(items))
    if len(line) <= _WIDTH:
        return line
    if all(isinstance(item, str) for item in items):
        return _fill([inspect(item) for item in items], "[", "]", column=0)
    tuples = (_inspect_tuple(item, column=2) for item in items)
    return "[\n  " + ",\n  ".join(tuples) + "\n]"


def _inspect_tuple(item: tuple[object, ...] | str, column: int) -> str:
    line = inspect(item)
    if column + len(line) <= _WIDTH or isinstance(item, str):
        return line
    return _fill([inspect(part) for part in item], "{", "}", column)


def _fill(parts: list[str], opening: str, closing: str, column: int) -> str:
    """As many parts to a line as fit, continued one character to the right of the opening bracket."""
    text, position = opening + parts[0], column + 1 + len(parts[0])
    for part in parts[1:]:
        if position + 2 + len(part) + 1 <= _WIDTH:
            text, position = f"{text}, {part}", position + 2 + len(part)
        else:
            text, position = f"{text},\n{' ' * (column + 1)}{part}", column + 1 + len(part)
    return text + closing
