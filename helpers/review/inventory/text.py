"""Texts of the code, as far as they are known."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["UNKNOWN", "Hole", "Text"]


@dataclass(frozen=True, slots=True)
class Hole:
    """A part of a text that the code computes.

    Attributes:
        name: as the code writes it, shortened: ``roomId``, ``params.id``, ``?`` for what has no name.
        origin: what could fill it when all files are known: ``("parameter", function, name)`` or
            ``("import", module, name)``; empty for everything else.
    """

    name: str
    origin: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the code: a topic, a filter, a table's name.

    Attributes:
        value: with constants filled in; what is computed stands as ``{name}``; ``"?"`` if nothing is known.
        exact: whether that is the text that the application uses.
        parts: the same in pieces, from which `value` is made; empty for an exact text.
    """

    value: str
    exact: bool = True
    parts: tuple[str | Hole, ...] = field(default=(), repr=False, compare=False)

    @property
    def known(self) -> bool:
        """Whether anything of it is known: an exact text, or a pattern with a fixed part."""
        return self.exact or (self.value != "?" and any(isinstance(part, str) and part for part in self.parts))

    def __str__(self) -> str:
        return self.value


#: What the code does not show at all.
UNKNOWN = Text("?", False)
