"""Texts made of pieces: fixed ones, and holes that may be filled later."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from helpers.review.inventory import Hole, Text

__all__ = ["filled", "text_of"]


def text_of(parts: Sequence[str | Hole]) -> Text:
    """The text of pieces, neighbours joined."""
    joined: list[str | Hole] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    if all(isinstance(part, str) for part in joined):
        return Text("".join(str(part) for part in joined))
    if len(joined) == 1 and isinstance(joined[0], Hole) and joined[0].name == "?":
        return Text("?", False, tuple(joined))
    shown = (part if isinstance(part, str) else "{" + part.name + "}" for part in joined)
    return Text("".join(shown), False, tuple(joined))


def filled(pattern: Text, fill: Callable[[Hole], Text | None]) -> Text:
    """The pattern with those holes filled for which there is something."""
    if pattern.exact or not pattern.parts:
        return pattern
    parts: list[str | Hole] = []
    for part in pattern.parts:
        found = fill(part) if isinstance(part, Hole) else None
        if found is None:
            parts.append(part)
        else:
            parts.extend([found.value] if found.exact else found.parts)
    return pattern if tuple(parts) == pattern.parts else text_of(parts)
