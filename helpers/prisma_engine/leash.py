"""Runs a native query engine so that it dies with the Python process that wanted it, however that one dies.

    python leash.py ENGINE ARGUMENTS…

Standard input is the life line: the other end is held by that process alone, and the kernel closes it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

GRACE_S = 2.0


def main() -> int:
    engine = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)

    def stop(*_: object) -> None:
        engine.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    threading.Thread(target=_wait_for_the_end_of_stdin, args=[engine], daemon=True).start()
    return engine.wait()


def _wait_for_the_end_of_stdin(engine: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):
        pass
    engine.terminate()
    try:
        engine.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        engine.kill()


if __name__ == "__main__":
    sys.exit(main())
