"""The review of a folder or a file: read, link, judge."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from helpers.progress import Progress
from helpers.review.code.drafts import Draft, Export
from helpers.review.code.linking import linked, wanted_functions, wanted_modules
from helpers.review.code.paths import Paths
from helpers.review.code.processes import read_all
from helpers.review.code.reading import READERS, Batch, Result
from helpers.review.database.facts import DatabaseFacts
from helpers.review.database.reading import ENDINGS, database_of
from helpers.review.files import SourceFile, decoded, read_bytes, root_of, source_files
from helpers.review.findings import Finding
from helpers.review.inventory import Inventory, Unread
from helpers.review.rules import judgement

__all__ = ["Review", "inventory_of", "review"]

#: A helper that is used by a helper that is used by a component.
MOST_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Review:
    """What a code base does with Realtime, and what is to be said about it.

    Attributes:
        findings: most urgent first.
        silenced: findings that comments in the code silence.
    """

    inventory: Inventory
    findings: tuple[Finding, ...]
    silenced: tuple[Finding, ...] = ()


def review(path: str | os.PathLike[str], *, progress: Progress | None = None) -> Review:
    """Review the code under a path. It is only read: nothing of it is run, and nothing is written.

    Args:
        path: a folder, or one file.
        progress: where to say how far it is; by default a line in the terminal or below the cell.

    Raises:
        SettingsError: there is nothing at the path.
    """
    inventory = inventory_of(path, progress=progress)
    root = Path(inventory.root)
    judged = judgement(inventory, lambda name: _text(root, name))
    return Review(inventory, judged.findings, judged.silenced)


def _text(root: Path, name: str) -> str:
    content = read_bytes(root, SourceFile(name, 0))
    return decoded(content) if isinstance(content, bytes) else ""


def inventory_of(path: str | os.PathLike[str], *, progress: Progress | None = None) -> Inventory:
    """What `review` judges, without judging it.

    Raises:
        SettingsError: there is nothing at the path.
    """
    root = root_of(path)
    if progress is not None:
        return _Reading(root, progress).inventory(source_files(path))
    with Progress() as own:
        return _Reading(root, own).inventory(source_files(path))


class _Reading:
    """One reading of a folder, in up to three rounds.

    1. Files that mention Supabase or Prisma.
    2. Files that use a helper or show a component of these: they say with what and how often.
    3. Files that neither is true of, for constants that were imported from them.
    """

    def __init__(self, root: Path, progress: Progress) -> None:
        self._root = root
        self._progress = progress
        self._drafts: dict[str, Draft] = {}
        self._unread: list[Unread] = []

    def inventory(self, found: Iterable[SourceFile | Unread]) -> Inventory:
        files: list[SourceFile] = []
        for each in found:
            if isinstance(each, Unread):
                self._unread.append(each)
            else:
                files.append(each)
        code = {file.path: file for file in files if file.ending in READERS}
        self._read(Batch(self._root, tuple(code.values())), "read")
        self._read_users(code)
        paths = Paths(code)
        facts = linked(self._drafts.values(), paths, self._exports(code, paths))
        database = self._database(files)
        return Inventory(
            str(self._root),
            tuple(sorted(facts, key=lambda each: each.path)),
            database,
            unread=tuple(dict.fromkeys(sorted(self._unread, key=lambda each: each.path))),
            looked_at=len(files),
        )

    def _database(self, files: Iterable[SourceFile]) -> DatabaseFacts:
        """What schemas of Prisma and migrations say; of them there are few, and their order counts."""
        texts: dict[str, str] = {}
        for file in files:
            content = read_bytes(self._root, file) if file.ending in ENDINGS else b""
            if isinstance(content, Unread):
                self._unread.append(content)
            elif content:
                texts[file.path] = decoded(content)
        database, unread = database_of(texts)
        self._unread += unread
        return database

    def _read(self, batch: Batch, what: str) -> None:
        total = len(batch.files)
        for result in read_all(batch, lambda done: self._progress.say(f"{what} {done:,} of {total:,} files")):
            self._keep(result)

    def _keep(self, result: Result) -> None:
        self._drafts |= {draft.facts.path: draft for draft in result.drafts}
        self._unread += result.unread

    def _read_users(self, code: dict[str, SourceFile]) -> None:
        """Read the files that use what was found, in both those that were read and the others."""
        known: set[str] = set()
        for _ in range(MOST_ROUNDS):
            names = _used_elsewhere(self._drafts.values()) - known
            if not names:
                return
            known |= names
            failed = {each.path for each in self._unread}
            rest = tuple(file for path, file in code.items() if path not in self._drafts and path not in failed)
            self._read(Batch(self._root, rest, tuple(sorted(names))), "looked for users in")

    def _exports(self, code: dict[str, SourceFile], paths: Paths) -> dict[str, tuple[Export, ...]]:
        """The exports of all files that were read, and of those that constants and handlers come from, also by way of
        others."""
        functions = wanted_functions(self._drafts.values(), paths)  # what they do has not been read yet
        exports = {path: draft.exports for path, draft in self._drafts.items() if path not in functions}
        wanted = wanted_modules(self._drafts.values(), paths) | functions
        while missing := sorted(wanted - set(exports)):
            batch = Batch(self._root, tuple(code[path] for path in missing), exports_only=True)
            exports |= dict.fromkeys(missing, ())
            for result in read_all(batch, _silent):
                exports |= {draft.facts.path: draft.exports for draft in result.drafts}
            wanted = {
                paths.file(export.module, path) for path in missing for export in exports[path] if export.module
            } - {""}
        return exports


def _silent(done: int) -> None:
    """Constants are read so fast that nothing need be said."""


def _used_elsewhere(drafts: Iterable[Draft]) -> set[str]:
    """Names of exported helpers, and of components that make channels."""
    found: set[str] = set()
    for draft in drafts:
        found |= {name for helper in draft.helpers for name in (*helper.exported, helper.name)}
        found |= {channel.where.component for channel in draft.facts.channels}
    return found - {"", "default"}
