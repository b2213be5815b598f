"""Which query engine: Prisma's native binary where one is installed, else the same engine as WebAssembly."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from helpers.errors import PrismaError, SettingsError
from helpers.node import node_environment, node_executable, npm_parts

__all__ = ["ENGINE_COMMIT", "ENGINE_VERSION", "EngineCommand", "EngineKind", "choose_engine"]

#: What `prisma` 0.15.0 is made for (`prisma._config`), and what `helpers/npm` pins.
ENGINE_VERSION = "5.17.0"
ENGINE_COMMIT = "393aa359c9ad4a4bb28630fb5613f9c281cde053"

_HOME = Path(__file__).resolve().parent.parent / "prisma_engine"
_NOT_ENGINES = frozenset({".gz", ".sha256", ".tmp"})


class EngineKind(StrEnum):
    """The two builds of Prisma's query engine."""

    NATIVE = "native"
    WASM = "wasm"


@dataclass(frozen=True, slots=True)
class EngineCommand:
    """How to start an engine, but for its port. It ends when its standard input does."""

    kind: EngineKind
    command: tuple[str, ...]
    environment: dict[str, str]


def choose_engine() -> EngineCommand:
    """The engine that ``PRISMA_ENGINE`` asks for: ``native``, ``wasm``, or ``auto`` (the default).

    ``auto`` is native if a binary is there already: the one that ``PRISMA_QUERY_ENGINE_BINARY`` names, or one that
    Prisma itself has once downloaded. Nothing is ever downloaded here but the pinned npm parts.

    Raises:
        SettingsError: ``PRISMA_ENGINE`` says something else.
        PrismaError: native is asked for, and there is none.
        NodeError: the WebAssembly engine's parts are not to be had.
    """
    asked = os.environ.get("PRISMA_ENGINE") or "auto"
    tried = "choosing Prisma's query engine"
    if asked not in ("auto", *EngineKind):
        raise SettingsError(tried, f"PRISMA_ENGINE={asked!r} is not known", "Set it to auto, native or wasm")
    binary = None if asked == EngineKind.WASM else _native_binary()
    if binary is not None:
        return EngineCommand(EngineKind.NATIVE, _on_leash(binary), dict(os.environ))
    if asked == EngineKind.NATIVE:
        raise PrismaError(
            tried,
            f"no native query engine of version {ENGINE_VERSION} runs here",
            "Run `prisma py fetch` once where binaries.prisma.sh can be reached, or unset PRISMA_ENGINE",
        )
    return EngineCommand(EngineKind.WASM, _on_node(), node_environment())


def _on_leash(binary: Path) -> tuple[str, ...]:
    return (sys.executable, "-I", str(_HOME / "leash.py"), str(binary), "--enable-metrics", "--enable-raw-queries")


def _on_node() -> tuple[str, ...]:
    return (str(node_executable()), str(_HOME / "query-engine.mjs"), "--parts", str(npm_parts()))


def _native_binary() -> Path | None:
    """The first candidate that runs here and is of the pinned version."""
    return next((file for file in _candidates() if _is_pinned_engine(file)), None)


def _candidates() -> list[Path]:
    """What the user names, else what `prisma py fetch` leaves behind (`prisma._config`, `binary_cache_dir`)."""
    named = os.environ.get("PRISMA_QUERY_ENGINE_BINARY")
    if named:
        return [Path(named)]
    home = Path(os.environ.get("PRISMA_HOME_DIR") or Path.home())
    default = home / ".cache" / "prisma-python" / "binaries" / ENGINE_VERSION / ENGINE_COMMIT
    cache = Path(os.environ.get("PRISMA_BINARY_CACHE_DIR") or default)
    folders = (cache, cache / "node_modules" / "prisma", cache / "node_modules" / "@prisma" / "engines")
    return [file for folder in folders for file in sorted(folder.glob("*query-engine-*"))]


def _is_pinned_engine(file: Path) -> bool:
    if file.suffix in _NOT_ENGINES or not os.access(file, os.X_OK):
        return False
    try:
        told = subprocess.run([file, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.returncode == 0 and ENGINE_COMMIT in told.stdout
