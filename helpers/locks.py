"""One at a time, also across processes: advisory locks on files.

The kernel releases such a lock when its holder ends, however it ends, so a lock is never stale.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

__all__ = ["exclusive", "try_lock"]


def try_lock(path: Path) -> IO[str] | None:
    """Lock a file, which is made when missing. Close the file to unlock; None when somebody else holds it."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


@contextlib.contextmanager
def exclusive(path: Path, limit: float) -> Iterator[None]:
    """Hold the lock of a file, waiting for it up to `limit` seconds. Blocking.

    Raises:
        TimeoutError: somebody else held it all that time.
    """
    deadline = time.monotonic() + limit
    while (file := try_lock(path)) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"another process holds {path}")
        time.sleep(0.05)
    with file:
        yield
