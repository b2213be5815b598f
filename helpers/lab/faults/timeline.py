"""Gives a server that is down a history of its own, as one has that was promoted or restored."""

from __future__ import annotations

import subprocess
from pathlib import Path

from helpers.errors import LabError
from helpers.lab.installation import find_installation

__all__ = ["begin_timeline"]

_LIMIT_S = 30.0


def begin_timeline(data: Path, number: int) -> None:
    """Begin another timeline: all labs of a machine are copies of one cluster, and so have the same identifier.

    Without it a server that took over could be told from the one before by the numbers of its transactions only.
    Blocking.

    Args:
        data: of a server that was stopped in order. number: of the timeline, above 1.

    Raises:
        LabError: the folder is no such server's.
    """
    installation, segment = find_installation(), f"{number:08X}{0:08X}{1:08X}"
    try:
        done = installation.run(installation.bin / "pg_resetwal", "-l", segment, "-D", data, limit=_LIMIT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(type(error).__name__) from None
    if done.returncode != 0:
        raise _failed(done.stderr.strip()[:300])


def _failed(happened: str) -> LabError:
    return LabError("beginning another timeline", happened, "Look whether the server was stopped in order")
