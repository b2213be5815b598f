"""What all evidence is made of: timed steps, and what could not be gathered."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Missing", "Step"]


@dataclass(frozen=True, slots=True)
class Missing:
    """Evidence that could not be gathered. `reason` completes "not checked, because …".

    `tried` tells a probe that met an obstacle from one that had nothing to look at.
    """

    reason: str
    tried: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One timed step. `samples_ms` holds one value for each run in which it succeeded.

    `fault` is the short name of what went wrong ("timeout", "refused", "status 404" …) and empty when it succeeded.
    """

    name: str
    started_ms: float = 0.0
    took_ms: float = 0.0
    detail: str = ""
    fault: str = ""
    samples_ms: tuple[float, ...] = ()
    skipped: bool = False
