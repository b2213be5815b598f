"""Packages that import a part when somebody asks for it.

A package that offers dozens of names would otherwise import all its parts, and what they need, in every process that
imports any of them: a writer of load, a listener, a notebook's kernel. Of such a package

    if TYPE_CHECKING:
        from package.part import name
    else:
        __getattr__ = lazy_exports(__name__, {"part": ("name",)})

the checker of types sees the import, and a process pays for `package.part` at the first `package.name`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["lazy_exports"]


def lazy_exports(package: str, exports: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """A package's `__getattr__` (PEP 562).

    Args:
        package: its name.
        exports: names by the part that has them. No name may be a part's too: an imported part is an attribute of its
            package, and would stand in the name's place.
    """
    parts = {name: part for part, names in exports.items() for name in names}

    def get(name: str) -> Any:
        if name not in parts:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{package}.{parts[name]}"), name)
        setattr(sys.modules[package], name, value)  # asked for once
        return value

    return get
