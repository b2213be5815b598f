"""The versions that a package manager has resolved, of the packages that matter here."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["NPM_LOCKS", "NPM_NAMES", "PYPI_LOCKS", "PYPI_NAMES", "Pair", "exact"]

NPM_NAMES = (
    "@supabase/supabase-js",
    "@supabase/realtime-js",
    "@supabase/ssr",
    "prisma",
    "@prisma/client",
    "@prisma/adapter-pg",
    "pg",
    "ws",
)
PYPI_NAMES = ("supabase", "realtime")
Pair = tuple[str, str]

_EXACT = re.compile(r"[=v]?(\d+\.\d+\.\d+(?:[-+][\w.+-]+)?)$")
_NPM = "|".join(re.escape(name) for name in NPM_NAMES)
_PNPM = re.compile(rf"^\s+['\"]?/?({_NPM})[@/](\d+\.\d+\.\d+[^\s:'\"(_]*)[^\n]*:\s*(?:\{{\}})?$", re.MULTILINE)
_YARN = re.compile(rf"^\"?({_NPM})@[^\n]*:\n(?:\s+[^\n]*\n)*?\s+version:?\s+\"?([^\s\"]+)", re.MULTILINE)
_BUN = re.compile(rf"\"({_NPM})@(\d+\.\d+\.\d+[^\"]*)\"")


def exact(text: object) -> str:
    """The version that a requirement pins; empty if it allows several."""
    found = _EXACT.match(text.strip()) if isinstance(text, str) else None
    return found[1] if found else ""


def _package_lock(text: str) -> Iterator[Pair]:
    lock = json.loads(text)
    for path, entry in _table(lock.get("packages")):
        name = entry.get("name") or path.rpartition("node_modules/")[2]
        if path and not entry.get("link"):
            yield name, str(entry.get("version", ""))
    if not lock.get("packages"):
        yield from _old_package_lock(lock)


def _old_package_lock(lock: dict[str, Any]) -> Iterator[Pair]:
    """Version 1: a tree in which each package holds its own ones."""
    for name, entry in _table(lock.get("dependencies")):
        yield name, str(entry.get("version", ""))
        yield from _old_package_lock(entry)


def _table(value: object) -> list[tuple[str, dict[str, Any]]]:
    pairs = value.items() if isinstance(value, dict) else ()
    return [(str(key), entry) for key, entry in pairs if isinstance(entry, dict)]


def _by(pattern: re.Pattern[str]) -> Callable[[str], Iterator[Pair]]:
    def read(text: str) -> Iterator[Pair]:
        for found in pattern.finditer(text):
            yield found[1], found[2]

    return read


def _toml_lock(text: str) -> Iterator[Pair]:
    """`uv.lock`, `poetry.lock` and `pdm.lock` alike."""
    packages = tomllib.loads(text).get("package", [])
    for entry in packages if isinstance(packages, list) else ():
        if isinstance(entry, dict):
            yield str(entry.get("name", "")).lower(), str(entry.get("version", ""))


NPM_LOCKS: dict[str, Callable[[str], Iterator[Pair]]] = {
    "package-lock.json": _package_lock,
    "npm-shrinkwrap.json": _package_lock,
    "pnpm-lock.yaml": _by(_PNPM),
    "yarn.lock": _by(_YARN),
    "bun.lock": _by(_BUN),
}
PYPI_LOCKS: dict[str, Callable[[str], Iterator[Pair]]] = {
    "uv.lock": _toml_lock,
    "poetry.lock": _toml_lock,
    "pdm.lock": _toml_lock,
}
