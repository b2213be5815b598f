"""Lets Jupyter be imported without what takes longer than all the rest of it, and is not needed here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["without_address_grammar"]

_GRAMMAR = "rfc3987_syntax"


@contextmanager
def without_address_grammar() -> Iterator[None]:
    """While Jupyter is imported.

    `nbformat` imports `jsonschema`, and that a package which builds a grammar of international addresses (RFC 3987)
    while it is imported, for more than a second. No schema of a notebook asks for such an address, and without the
    package `jsonschema` does what it does where it is not installed: it leaves that one format unchecked.
    """
    if _GRAMMAR in sys.modules:
        yield
        return
    sys.modules[_GRAMMAR] = None  # type: ignore[assignment] # what makes an import fail, as documented of `import`
    try:
        yield
    finally:
        del sys.modules[_GRAMMAR]
