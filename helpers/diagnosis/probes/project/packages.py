"""Which versions of the client libraries, of Prisma and of Node a project uses."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from helpers.diagnosis.evidence.base import Missing
from helpers.diagnosis.evidence.packages import NodeChoice, Package, Packages
from helpers.diagnosis.probes.project.files import UnreadableFile, named, read_text
from helpers.diagnosis.probes.project.lockfiles import NPM_LOCKS, NPM_NAMES, PYPI_LOCKS, PYPI_NAMES, Pair, exact

__all__ = ["read_packages"]

#: https://nodejs.org/en/about/previous-releases
CODENAMES = {"gallium": 16, "hydrogen": 18, "iron": 20, "jod": 22, "krypton": 24}
NODE_LIMIT_S = 3
_MAJOR = re.compile(r"\d+")
_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(?:\S+/)?node:(\d+)\S*", re.IGNORECASE | re.MULTILINE)
_REQUIREMENT = re.compile(r"^\s*(supabase|realtime)(?:\[[^\]]*\])?\s*==\s*([^\s;#,]+)", re.IGNORECASE | re.MULTILINE)
_TOOL = re.compile(r"^\s*node(?:js)?\s+(\S+)", re.MULTILINE)
_READ_ERRORS = (ValueError, AttributeError, TypeError, RecursionError, tomllib.TOMLDecodeError)


class _Reader:
    """Reads the files that are there; what cannot be read is noted once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.unread: list[str] = []
        self.seen = False

    def text(self, name: str) -> str:
        """The file's text; empty when it is not there or cannot be read."""
        path = self.root / name
        if not path.exists():
            return ""
        self.seen = True
        try:
            return read_text(path, self.root)
        except UnreadableFile as error:
            self.unread.append(str(error))
            return ""

    def pairs(self, name: str, read: Callable[[str], Iterable[Pair]]) -> list[Pair]:
        text = self.text(name)
        try:
            return list(read(text)) if text else []
        except _READ_ERRORS as error:
            self.unread.append(f"{name} cannot be read ({type(error).__name__})")
            return []

    def json(self, name: str) -> dict[str, Any]:
        text = self.text(name)
        try:
            value = json.loads(text) if text else {}
        except (ValueError, RecursionError) as error:
            self.unread.append(f"{name} is not JSON ({type(error).__name__})")
            return {}
        return value if isinstance(value, dict) else {}


def read_packages(root: Path) -> Packages | Missing:
    """Versions by lock file; without one by what is installed; without that by exact pins."""
    reader = _Reader(root)
    manifest = reader.json("package.json")
    npm = _locked(reader, NPM_LOCKS, "npm", NPM_NAMES) or _installed(reader) or _pinned(manifest)
    pypi = _locked(reader, PYPI_LOCKS, "pypi", PYPI_NAMES) or _required(reader)
    node = tuple(_node(reader, manifest)) or tuple(_installed_node())
    if not reader.seen:
        return Missing(f"there is no package.json and no list of Python packages in {root.name or 'the folder'}")
    declared = frozenset(name for name, _ in _dependencies(manifest))
    return Packages(tuple(_once([*npm, *pypi])), declared, node, tuple(reader.unread))


def _locked(
    reader: _Reader, locks: dict[str, Callable[[str], Iterator[Pair]]], registry: str, names: tuple[str, ...]
) -> list[Package]:
    for file, read in locks.items():
        pairs = reader.pairs(file, read)
        if pairs:
            return [Package(registry, name, version, file) for name, version in pairs if name in names and version]
    return []


def _installed(reader: _Reader) -> list[Package]:
    found = []
    for name in NPM_NAMES:
        file = f"node_modules/{name}/package.json"
        version = exact(reader.json(file).get("version"))
        found += [Package("npm", name, version, file)] if version else []
    return found


def _pinned(manifest: dict[str, Any]) -> list[Package]:
    pairs = [(name, exact(wanted)) for name, wanted in _dependencies(manifest) if name in NPM_NAMES]
    return [Package("npm", name, version, "package.json") for name, version in pairs if version]


def _required(reader: _Reader) -> list[Package]:
    found = []
    for file in sorted(path.name for path in reader.root.glob("requirements*.txt")):
        found += [Package("pypi", name.lower(), version, file) for name, version in _required_in(reader, file)]
    pins = reader.pairs("pyproject.toml", _pyproject)
    return found or [Package("pypi", name, version, "pyproject.toml") for name, version in pins]


def _required_in(reader: _Reader, file: str) -> list[Pair]:
    return [(found[1], found[2]) for found in _REQUIREMENT.finditer(reader.text(file))]


def _pyproject(text: str) -> list[Pair]:
    dependencies = tomllib.loads(text).get("project", {}).get("dependencies", [])
    matches = [_REQUIREMENT.match(each) for each in dependencies if isinstance(each, str)]
    return [(found[1].lower(), found[2]) for found in matches if found]


def _dependencies(manifest: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for group in ("dependencies", "devDependencies", "optionalDependencies"):
        wanted = manifest.get(group)
        yield from wanted.items() if isinstance(wanted, dict) else ()


def _node(reader: _Reader, manifest: dict[str, Any]) -> Iterator[NodeChoice]:
    for file in (".nvmrc", ".node-version"):
        yield from _choice(file, reader.text(file).strip(), is_exact=True)
    for found in _TOOL.finditer(reader.text(".tool-versions")):
        yield from _choice(".tool-versions", found[1], is_exact=True)
    for group, name, is_exact in (("volta", "volta.node", True), ("engines", "engines.node", False)):
        wanted = manifest.get(group)
        text = wanted.get("node") if isinstance(wanted, dict) else None
        if isinstance(text, str):
            yield from _choice(f"package.json, {name}", text, is_exact=is_exact)
    for file in sorted(named(path, reader.root) for path in reader.root.glob("*ockerfile*") if path.is_file()):
        for found in _FROM.finditer(reader.text(file)):
            yield NodeChoice(file, found[0].strip(), int(found[1][:4]), exact=True)


def _installed_node() -> Iterator[NodeChoice]:
    """The Node of this machine, where the project names none."""
    program = shutil.which("node")
    if program is None:
        return
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=NODE_LIMIT_S, check=True)
    except (OSError, ValueError, subprocess.SubprocessError):
        return
    yield from _choice("node on this machine", done.stdout.strip(), is_exact=False)


def _choice(where: str, text: str, *, is_exact: bool) -> Iterator[NodeChoice]:
    """The major version; of a range with several, the lowest that it allows."""
    codename = text.lower().removeprefix("lts/")
    majors = [CODENAMES[codename]] if codename in CODENAMES else _lowest(text)
    if majors:
        yield NodeChoice(where, text[:40], majors[0], is_exact)


def _lowest(text: str) -> list[int]:
    """The lowest major of each alternative of a range such as ``^20.9 || >=22``; one that only limits says nothing."""
    parts = [_MAJOR.search(part) for part in text.split("||") if not part.strip().startswith("<")]
    return sorted(int(found[0][:4]) for found in parts if found)


def _once(packages: Iterable[Package]) -> Iterator[Package]:
    seen: set[tuple[str, str, str]] = set()
    for each in packages:
        if (each.registry, each.name, each.version) not in seen:
            seen.add((each.registry, each.name, each.version))
            yield each
