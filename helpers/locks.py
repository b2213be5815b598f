"""One at a time, also across processes: advisory locks on files, and folders that are made once.

The kernel releases such a lock when its holder ends, however it ends, so a lock is never stale.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

__all__ = ["exclusive", "made_once", "try_lock", "wait_for_lock"]


def try_lock(path: Path) -> IO[str] | None:
    """Lock a file, which is made when missing. Close the file to unlock; None when somebody else holds it."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def wait_for_lock(path: Path, limit: float) -> IO[str] | None:
    """As `try_lock`, but wait for it up to `limit` seconds. Blocking."""
    deadline = time.monotonic() + limit
    while (file := try_lock(path)) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return file


@contextlib.contextmanager
def exclusive(path: Path, limit: float) -> Iterator[None]:
    """Hold the lock of a file, waiting for it up to `limit` seconds. Blocking.

    Raises:
        TimeoutError: somebody else held it all that time.
    """
    file = wait_for_lock(path, limit)
    if file is None:
        raise TimeoutError(f"another process holds {path}")
    with file:
        yield


def made_once(folder: Path, make: Callable[[Path], None], limit: float) -> Path:
    """That folder, which `make` fills if it is not there yet; whoever wants it meanwhile waits. Blocking.

    It is filled beside its place and renamed, so that a folder of that name is always complete; what an interrupted
    process left half-made is removed.

    Raises:
        TimeoutError: somebody else was making it for more than `limit` seconds.
    """
    with exclusive(folder.with_name(f"{folder.name}.lock"), limit):
        if not folder.is_dir():
            for left in folder.parent.glob(f"{folder.name}.part-*"):
                shutil.rmtree(left, ignore_errors=True)
            staging = Path(tempfile.mkdtemp(prefix=f"{folder.name}.part-", dir=folder.parent))
            try:
                make(staging)
                staging.rename(folder)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    return folder
