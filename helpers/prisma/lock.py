"""One process at a time. The kernel releases the lock when its holder dies, so it is never stale."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path

from helpers.errors import PrismaError

__all__ = ["only_one"]

_POLL_S = 0.05


@contextlib.contextmanager
def only_one(path: Path, tried: str, limit_s: float) -> Iterator[None]:
    """Hold an advisory lock on a file.

    Raises:
        PrismaError: somebody else has held it for `limit_s`.
    """
    deadline = time.monotonic() + limit_s
    with path.open("w") as file:
        while not _taken(file.fileno()):
            if time.monotonic() > deadline:
                raise PrismaError(tried, f"another process holds {path}", "End that process, then try again")
            time.sleep(_POLL_S)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
