"""Processes that cannot outlive the lab process, not even when it is killed.

Twice tied: on Linux the kernel signals them when their parent dies (PR_SET_PDEATHSIG); everywhere a leash, a small
process of its own, sees the lab process's end of a pipe close, ends what is left and removes the lab's folder.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["Account", "Children"]

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_libc = ctypes.CDLL(None, use_errno=True)


class Account:
    """Another account of this machine, as which a process is run."""

    def __init__(self, name: str, uid: int, gid: int) -> None:
        self.name = name
        self.uid = uid
        self.gid = gid

    def options(self) -> dict[str, Any]:
        """What `subprocess` takes to run a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


class Children:
    """The lab's processes. Make it in the main thread: on Linux a child dies with the thread that made it."""

    def __init__(self) -> None:
        self._leash = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("leash.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, cwd="/", text=True,
        )  # fmt: skip
        self._running: list[tuple[str, subprocess.Popen[bytes], int]] = []

    def spawn(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        ending: signal.Signals,
        account: Account | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
        cwd: Path | None = None,
        keep_open: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a process; its output goes where ours does, the lab's log.

        Args:
            ending: the signal that ends it at once when the lab process is gone.
            keep_open: file descriptors that it holds as well, so that their locks last as long as it does.
        """
        process = subprocess.Popen(
            [str(part) for part in command], stdin=stdin, stdout=sys.stderr.fileno(), stderr=sys.stderr.fileno(),
            cwd=cwd, env=environment, pass_fds=tuple(keep_open), preexec_fn=_die_with_parent(ending),
            **(account.options() if account else {}),
        )  # fmt: skip
        self._tell(f"hold {process.pid} {int(ending)}")
        self._running.append((name, process, int(ending)))
        return process

    def remove_at_end(self, folder: Path) -> None:
        """Have this folder removed if the lab process does not come to it."""
        self._tell(f"folder {folder}")

    def first_dead(self) -> str | None:
        """The name of a process that has ended by itself, if any has."""
        return next((name for name, process, _ in self._running if process.poll() is not None), None)

    def end(self, process: subprocess.Popen[bytes], number: signal.Signals, limit: float) -> None:
        """Ask a process to end; after `limit` seconds end it at once. Blocking."""
        name, _, ending = next(item for item in self._running if item[1] is process)
        for send, wait in ((number, limit), (ending, 2.0), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(send)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(wait)
                break
        self._running.remove((name, process, ending))
        self._tell(f"release {process.pid}")

    def close(self) -> None:
        """End every process that is left, then the leash. Blocking."""
        for _, process, ending in list(self._running):
            self.end(process, signal.Signals(ending), 2.0)
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self._leash.communicate(timeout=5.0)

    def _tell(self, order: str) -> None:
        assert self._leash.stdin is not None
        with contextlib.suppress(OSError):
            self._leash.stdin.write(order + "\n")
            self._leash.stdin.flush()


def _die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """To be called in the child, after it took its account: a change of account would undo it."""
    if not sys.platform.startswith("linux"):
        return None
    prctl, parent, getppid, leave = _libc.prctl, os.getpid(), os.getppid, os._exit

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number))
        if getppid() != parent:
            leave(1)

    return tie
