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
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.errors import LabError

__all__ = ["Account", "Children", "die_with_parent"]

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Account:
    """Another account of this machine, as which a process is run."""

    name: str
    uid: int
    gid: int

    def options(self) -> dict[str, Any]:
        """What `subprocess` takes to run a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True, slots=True)
class _Child:
    name: str
    process: subprocess.Popen[bytes]
    ending: signal.Signals


class Children:
    """The lab's processes.

    Start them in a thread that lasts: on Linux a child ends with the thread that started it.
    """

    def __init__(self) -> None:
        self._leash = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("leash.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, cwd="/", text=True,
        )  # fmt: skip
        self._running: list[_Child] = []
        self._open = True
        self._lock = threading.Lock()

    def spawn(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        ending: signal.Signals,
        account: Account | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
        errors_only: bool = False,
        keep_open: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start a process.

        Args:
            ending: the signal that ends it at once when the lab process is gone.
            errors_only: give us its stderr as a pipe; else all output goes where ours goes, to the lab's log.
            keep_open: file descriptors that it holds as well, so that their locks last as long as it does.

        Raises:
            LabError: after `abort`.
        """
        log = sys.stderr.fileno()
        out, err = (subprocess.DEVNULL, subprocess.PIPE) if errors_only else (log, log)
        with self._lock:
            if not self._open:
                raise LabError("starting the lab", "it was told to end meanwhile", "Start it again")
            process = subprocess.Popen(
                [str(part) for part in command], stdin=stdin, stdout=out, stderr=err, cwd="/", env=environment,
                pass_fds=tuple(keep_open), preexec_fn=die_with_parent(ending),
                **(account.options() if account else {}),
            )  # fmt: skip
            self.hold(process.pid, ending)
            self._running.append(_Child(name, process, ending))
        return process

    def run(
        self, command: Sequence[str | Path], account: Account | None, limit: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a process to its end, and return its code and its stderr. Blocking.

        Raises:
            subprocess.TimeoutExpired: it took longer than `limit` seconds, and was killed.
        """
        name = Path(command[0]).name
        process = self.spawn(name, command, ending=signal.SIGKILL, account=account, errors_only=True)
        try:
            _, errors = process.communicate(timeout=limit)
        finally:
            self.end(process, signal.SIGKILL, 5.0)
        return subprocess.CompletedProcess(command, process.returncode, stderr=errors.decode(errors="replace"))

    def hold(self, pid: int, ending: signal.Signals) -> None:
        """Have this process ended if our own is gone, before any folder is removed."""
        self._tell(f"hold {pid} {int(ending)}")

    def release(self, pid: int) -> None:
        """That process has ended."""
        self._tell(f"release {pid}")

    def remove_at_end(self, folder: Path) -> None:
        """Have this folder removed if the lab process does not come to it."""
        self._tell(f"folder {folder}")

    def first_dead(self) -> str | None:
        """The name of a process that has ended by itself, if any has."""
        return next((child.name for child in self._running if child.process.poll() is not None), None)

    def end(self, process: subprocess.Popen[bytes], number: signal.Signals, limit: float) -> None:
        """Ask a process to end; after `limit` seconds end it at once. Blocking."""
        child = next(child for child in self._running if child.process is process)
        for send, wait in ((number, limit), (child.ending, 2.0), (signal.SIGKILL, 5.0)):
            process.send_signal(send)  # does nothing to a process that has ended
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(wait)
                break
        self._running.remove(child)
        self.release(process.pid)

    def abort(self) -> None:
        """Tell every process to end at once, and start no more. Returns at once."""
        with self._lock:
            self._open = False
            for child in self._running:
                child.process.send_signal(child.ending)

    def close(self) -> None:
        """End every process that is left, then the leash. Blocking."""
        self.abort()
        for child in list(self._running):
            self.end(child.process, child.ending, 2.0)
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self._leash.communicate(timeout=5.0)

    def _tell(self, order: str) -> None:
        assert self._leash.stdin is not None
        with contextlib.suppress(OSError):
            self._leash.stdin.write(order + "\n")
            self._leash.stdin.flush()


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """To be called in the child, after it took its account: a change of account would undo it."""
    if not sys.platform.startswith("linux"):
        return None
    prctl, parent, getppid, leave = _libc.prctl, os.getpid(), os.getppid, os._exit

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number))
        if getppid() != parent:
            leave(1)

    return tie
