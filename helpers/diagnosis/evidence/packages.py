"""Which packages and which Node a project uses."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["NodeChoice", "Package", "Packages", "version_key"]

_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Package:
    """One package as it is resolved. `registry` is ``npm`` or ``pypi``; `where` the file that says so."""

    registry: str
    name: str
    version: str
    where: str


@dataclass(frozen=True, slots=True)
class NodeChoice:
    """One place that says which Node runs the project; `exact`: this very one, and not the lowest that is allowed."""

    where: str
    text: str
    major: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Packages:
    """What the project's files say.

    Attributes:
        resolved: of the packages that matter here, each version once.
        declared: names of all direct dependencies of ``package.json``.
        node: every place that names a Node.
        unread: files that are there and could not be read, with the reason.
    """

    resolved: tuple[Package, ...] = ()
    declared: frozenset[str] = frozenset()
    node: tuple[NodeChoice, ...] = ()
    unread: tuple[str, ...] = ()

    def versions(self, name: str, registry: str = "npm") -> tuple[Package, ...]:
        """Every version of a package, the oldest first."""
        found = [each for each in self.resolved if (each.registry, each.name) == (registry, name)]
        return tuple(sorted(found, key=lambda each: version_key(each.version)))


def version_key(version: str) -> tuple[tuple[int, ...], bool]:
    """What versions are ordered by: the first three numbers, a pre-release before its release."""
    release, dash, _ = version.partition("+")[0].partition("-")
    numbers = [int(number[:9]) for number in _NUMBERS.findall(release)[:3]]
    return (tuple([*numbers, 0, 0, 0][:3]), not dash)
