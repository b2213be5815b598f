"""Ends the lab's processes when the lab process has gone without doing so itself.

Run as a program of its own, with nothing but the standard library. Its stdin is a pipe that only the lab process
holds, so the end of that pipe is the end of the lab process, by whatever death. Until then it is told, a line each:

    hold PID SIGNAL     end this process, at first with this signal
    release PID         it has ended
    folder PATH         remove this folder
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time

__all__: list[str] = []

#: Seconds that a process may take to end before it is killed.
GRACE = 2.0


def main() -> None:
    """Listen until the lab process has gone, then clean up after it."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    held: dict[int, int] = {}
    folders: list[str] = []
    for line in sys.stdin:
        order, _, rest = line.rstrip("\n").partition(" ")
        if order == "hold":
            pid, number = rest.split()
            held[int(pid)] = int(number)
        elif order == "release":
            held.pop(int(rest), None)
        elif order == "folder":
            folders.append(rest)
    _end(held)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _end(held: dict[int, int]) -> None:
    for pid, number in held.items():
        _send(pid, number)
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline and any(_send(pid, 0) for pid in held):
        time.sleep(0.02)
    for pid in held:
        _send(pid, signal.SIGKILL)


def _send(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
