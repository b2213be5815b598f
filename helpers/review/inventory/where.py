"""Where in its file something is done: functions, components, handlers, loops around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from helpers.review.source import Place

__all__ = ["NOWHERE", "Scope", "ScopeKind", "Where"]


ScopeKind = Literal["module", "class", "component", "hook", "function", "method", "effect", "memo", "handler", "loop"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Something that code stands in.

    Attributes:
        kind: `effect` runs after a component appeared (useEffect, onMounted, onMount, $effect, ngOnInit), `memo` at
            most once per component (useMemo, useState, useRef, useCallback's function is a function), `handler` when
            something happens (onClick, addEventListener, a binding of a channel), `loop` once per item.
        name: of the function; of an effect or memo the hook's; of a handler the event's (``onMouseMove``,
            ``pointermove``, ``postgres_changes``); of a loop what it goes over (``rooms``).
        place: of the whole.
        times: of a loop that goes round as often as a constant says.
    """

    kind: ScopeKind
    name: str
    place: Place
    times: int | None = None


#: Between these and a component stands nothing: their body is run by the scope around them.
_TRANSPARENT: frozenset[str] = frozenset({"loop"})


@dataclass(frozen=True, slots=True)
class Where:
    """In what a piece of code stands, from the file to the innermost scope."""

    scopes: tuple[Scope, ...] = ()

    @property
    def component(self) -> str:
        """The innermost component or hook; empty outside of any."""
        return next((scope.name for scope in reversed(self.scopes) if scope.kind in ("component", "hook")), "")

    @property
    def in_effect(self) -> bool:
        """Whether it runs when a component appears, functions that the effect declares and calls included."""
        return any(scope.kind == "effect" for scope in self.scopes)

    @property
    def in_handler(self) -> Scope | None:
        return self._innermost("handler")

    @property
    def in_render(self) -> bool:
        """Whether each render of a component runs it: its body, loops in it, and nothing else between."""
        inner = next((scope for scope in reversed(self.scopes) if scope.kind not in _TRANSPARENT), None)
        return inner is not None and inner.kind in ("component", "hook")

    @property
    def in_loop(self) -> Scope | None:
        """The innermost loop; its `name` is what it goes over, its `times` how often if that is a constant."""
        return self._innermost("loop")

    @property
    def at_module(self) -> bool:
        """Whether it runs once, when the file is loaded."""
        return all(scope.kind in ("module", "loop") for scope in self.scopes)

    @property
    def function(self) -> Scope | None:
        """The innermost scope that is run as a whole."""
        kinds = ("loop", "module", "class")
        return next((scope for scope in reversed(self.scopes) if scope.kind not in kinds), None)

    def _innermost(self, kind: ScopeKind) -> Scope | None:
        return next((scope for scope in reversed(self.scopes) if scope.kind == kind), None)


#: Of code whose surroundings do not matter.
NOWHERE = Where()
