"""A join's configuration as a client sends it, and how the server takes it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Misreading", "Wish"]


@dataclass(frozen=True, slots=True)
class Misreading:
    """One place of the configuration that the server takes otherwise than it was meant; nobody is told."""

    path: str
    given: str
    taken_as: str


@dataclass(frozen=True, slots=True)
class Wish:
    """`mended` is the configuration as it was meant, as JSON."""

    misreadings: tuple[Misreading, ...] = ()
    mended: str = ""
    took_ms: float = 0.0
