"""The output folder: used by one run at a time, and changed only by a run that succeeded."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from helpers.errors import RunError
from helpers.locks import try_lock
from helpers.results import write_atomically

__all__ = ["OutputFolder", "open_folder"]

#: What a run leaves, in the order in which it is put in place: the report last, because people look for it.
PRODUCTS = ("results", "notebooks", "pictures", "report.json", "report.md", "report.html")

#: Where the notebook that stopped a run is kept.
FAILED = "failed"

#: A run writes about 2 MB; with less than this there is no use in beginning.
NEEDED_BYTES = 20_000_000

_STAGING, _LOCK = ".run-", ".lock"


class _Header(msgspec.Struct):
    """What is read of a saved result to tell whose it is."""

    target: str


@dataclass(frozen=True, slots=True)
class OutputFolder:
    """A locked output folder.

    Attributes:
        path: where everything is in the end.
        staging: where it is made; on the same file system, so that it can be renamed.
    """

    path: Path
    staging: Path

    def publish(self) -> None:
        """Move what was made into place. What an earlier run left is replaced, other files are left alone.

        So are results that this run did not measure: a canary's, for instance, that watched for days.

        Raises:
            RunError: a file cannot be moved.
        """
        replaced = self.staging / "replaced"
        try:
            replaced.mkdir()
            self._carry_results()
            for name in (FAILED, *PRODUCTS):
                if (self.path / name).exists():
                    (self.path / name).rename(replaced / name)
                if (self.staging / name).exists():
                    (self.staging / name).rename(self.path / name)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def begin_with(self, name: str, target: str) -> None:
        """Bring an earlier result of the same target, for this run's notebooks and its report to go on from.

        Raises:
            RunError: the file cannot be copied.
        """
        try:
            kept = (self.path / "results" / f"{name}.json").read_bytes()
            if msgspec.json.decode(kept, type=_Header).target == target:
                write_atomically(self.staging / "results" / f"{name}.json", kept)
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            return
        except OSError as error:
            raise _unusable(self.path, error) from error

    def _carry_results(self) -> None:
        for kept in (self.path / "results").glob("*"):
            made = self.staging / "results" / kept.name
            if not made.exists() and kept.is_file():
                made.parent.mkdir(exist_ok=True)
                shutil.copy2(kept, made)

    def keep_failed(self, notebook: Path) -> Path:
        """Keep the notebook that stopped the run, as far as it came; returns where."""
        kept = self.path / FAILED / notebook.name
        try:
            kept.parent.mkdir(exist_ok=True)
            return notebook.replace(kept)
        except OSError as error:
            raise _unusable(self.path, error) from error


@contextlib.contextmanager
def open_folder(path: Path) -> Iterator[OutputFolder]:
    """Make the folder if it is missing, lock it, and clear away what is not finished at the end.

    Raises:
        RunError: it cannot be written, its disk is full, or another run is writing to it.
    """
    path = path.absolute()
    made = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = try_lock(path / _LOCK)
    except OSError as error:
        raise _unusable(path, error) from error
    if lock is None:
        raise RunError(
            f"writing to {path}",
            "another run is writing there",
            "Wait until it ends, or choose another folder with --out",
        )
    with lock:
        try:
            yield _staged(path)
        finally:
            _clear(path, made=made)


def _staged(path: Path) -> OutputFolder:
    _remove_staging(path)  # of a run that was killed
    try:
        free = shutil.disk_usage(path).free
        if free < NEEDED_BYTES:
            raise RunError(
                f"writing to {path}",
                f"its disk is full: {free / 1e6:.1f} MB are free, {NEEDED_BYTES / 1e6:.0f} MB are needed",
                "Free some space, or choose a folder on another disk with --out",
            )
        return OutputFolder(path, Path(tempfile.mkdtemp(prefix=_STAGING, dir=path)))
    except OSError as error:
        raise _unusable(path, error) from error


def _clear(path: Path, *, made: bool) -> None:
    """Leave no unfinished file, and no folder that was made for nothing."""
    _remove_staging(path)
    if made and [entry.name for entry in path.iterdir()] == [_LOCK]:
        (path / _LOCK).unlink()
        path.rmdir()


def _remove_staging(path: Path) -> None:
    for left in path.glob(f"{_STAGING}*"):
        shutil.rmtree(left, ignore_errors=True)


def _unusable(path: Path, error: OSError) -> RunError:
    reason = (error.strerror or str(error)).rstrip(".")
    return RunError(f"writing to {path}", reason, "Choose a folder that you may write, with --out")
