"""Effects of components, and when they run."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.review.source import Place

__all__ = ["Dependency", "Effect"]


@dataclass(frozen=True, slots=True)
class Dependency:
    """One item of an effect's dependency array.

    Attributes:
        text: as written.
        stable: False if it is made anew in each render; None if the code does not show it.
    """

    text: str
    stable: bool | None


@dataclass(frozen=True, slots=True)
class Effect:
    """A `useEffect` and its kin.

    Attributes:
        place: of the call.
        dependencies: None without an array (the effect runs after every render); empty for one run per mount.
        cleanup: whether something is run when the component goes: a returned function, onUnmounted, onDestroy.
        name: ``useEffect``, ``onMounted``, …
    """

    place: Place
    dependencies: tuple[Dependency, ...] | None
    cleanup: bool
    name: str = "useEffect"
