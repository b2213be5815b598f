"""Garbage of a process that runs for days."""

from __future__ import annotations

import gc

__all__ = ["collect_in_small"]

#: Of objects that are new and not freed, and of collections of the young before one of the old; see `gc.set_threshold`.
_OFTEN = (700, 1, 1)


def collect_in_small() -> None:
    """Let garbage be collected before there is much of it. For a program of its own, when it has set up all it needs.

    A connection that is lost is a circle of objects, and an old one. Python looks through the old ones only after
    70,000 new ones, and only when those that wait for it are a quarter of those that have stayed (`long_lived_pending`
    in CPython's gcmodule.c), which are tens of thousands after all imports. So what exists now is taken out of the
    count, as nobody ever frees it (`gc.freeze`), and what came since is looked through often, because it is little.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_OFTEN)
