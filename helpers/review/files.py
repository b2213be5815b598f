"""What is read of a folder, and what is not.

Nothing is written and nothing is run. `.gitignore` files are honoured as git does, nested ones and negations included,
also those above the folder within the same repository. Links are not followed: what they lead to inside of the folder
is read where it is.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from helpers.errors import SettingsError
from helpers.review.inventory import Unread

__all__ = ["GENERATED", "SourceFile", "decoded", "read_bytes", "root_of", "source_files"]

#: Endings that are read; each language's reader says what it makes of them.
ENDINGS = frozenset(
    {
        *("ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs", "vue", "svelte"),
        *("py", "dart", "swift", "kt", "kts"),
        *("prisma", "sql"),
    }
)
#: Folders of what tools put there, whether a .gitignore names them or not.
GENERATED = frozenset(
    {
        *("node_modules", "bower_components", "jspm_packages", ".yarn", ".pnpm-store"),
        *(".next", ".nuxt", ".output", ".svelte-kit", ".astro", ".expo", ".turbo", ".vercel", ".netlify", ".cache"),
        *("dist", "build", "out", "coverage", "storybook-static", ".docusaurus", ".parcel-cache"),
        *("__pycache__", ".venv", "venv", "site-packages", ".tox", ".mypy_cache", ".ruff_cache"),
        *(".dart_tool", "Pods", "DerivedData", ".gradle", ".build", "Carthage"),
        *(".git", ".hg", ".svn", ".idea", ".vscode"),
    }
)
#: Larger files are data or bundles; written code stays below.
MOST_BYTES = 2_000_000
#: A file with longer lines on average was made by a minifier. The longest hand-written ones have about 60 characters.
LONGEST_LINES = 500
#: Shorter files are read in any case.
SHORTEST_BUNDLE = 5_000
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to be read. `path` is relative to the reviewed folder, with forward slashes."""

    path: str
    size: int

    @property
    def ending(self) -> str:
        return self.path.rpartition(".")[2].lower()


def root_of(path: str | os.PathLike[str]) -> Path:
    """The folder that paths are relative to: the one reviewed, or that of the only file.

    Raises:
        SettingsError: there is nothing at the path.
    """
    given = Path(path).expanduser()
    try:
        mode = given.stat().st_mode
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"reviewing {given}", reason, "give a folder or a file that can be read") from None
    return given.resolve() if stat.S_ISDIR(mode) else given.resolve().parent


def source_files(path: str | os.PathLike[str]) -> Iterator[SourceFile | Unread]:
    """The files under a path that a reader knows, by folders and then by names; and what cannot be read.

    Raises:
        SettingsError: there is nothing at the path.
    """
    root, given = root_of(path), Path(path).expanduser().resolve()
    if given != root:
        yield _one(given)
        return
    yield from _Walk(root).files()


def _one(path: Path) -> SourceFile | Unread:
    if path.suffix.lower().lstrip(".") not in ENDINGS:
        return Unread(path.name, "no language that the review knows")
    return SourceFile(path.name, path.stat().st_size)


@dataclass(frozen=True, slots=True)
class _Ignoring:
    """One .gitignore: `base` is the folder it stands in, as a prefix of the paths that it is about."""

    base: str
    spec: GitIgnoreSpec

    def says(self, path: str) -> bool | None:
        """Whether a path is ignored; None if the file says nothing of it."""
        return self.spec.check_file(path[len(self.base) :]).include


class _Walk:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._outer = _prefix_in_repository(root)

    def files(self) -> Iterator[SourceFile | Unread]:
        pending: list[tuple[str, tuple[_Ignoring, ...]]] = [("", tuple(self._above()))]
        while pending:
            folder, rules = pending.pop()
            try:
                entries = sorted(os.scandir(self._root / folder), key=lambda entry: entry.name)
            except OSError as error:
                yield Unread(folder.rstrip("/") or ".", error.strerror or "cannot be opened")
                continue
            rules = (*rules, *self._rules_of(folder, entries))
            folders = []
            for entry in entries:
                inner = self._entry(entry, folder + entry.name, rules)
                if isinstance(inner, str):
                    folders.append((inner, rules))
                elif inner is not None:
                    yield inner
            pending.extend(reversed(folders))

    def _entry(
        self, entry: os.DirEntry[str], path: str, rules: tuple[_Ignoring, ...]
    ) -> SourceFile | Unread | str | None:
        """A file, a folder to go into (as a string), or nothing."""
        try:
            if entry.is_symlink():
                return self._link(entry, path)
            if entry.is_dir():
                keep = entry.name not in GENERATED and not self._ignored(path + "/", rules)
                return path + "/" if keep else None
            if entry.name.rpartition(".")[2].lower() not in ENDINGS or not entry.is_file():
                return None
            return None if self._ignored(path, rules) else SourceFile(path, entry.stat().st_size)
        except OSError as error:
            return Unread(path, error.strerror or "cannot be read")

    def _link(self, entry: os.DirEntry[str], path: str) -> Unread | None:
        """A link that leads out of the folder is told, as what it leads to is not read."""
        target = Path(os.path.realpath(entry.path))
        known = target.is_dir() or target.suffix.lower().lstrip(".") in ENDINGS
        if not known or target == self._root or self._root in target.parents or target in self._root.parents:
            return None
        return Unread(path, "a link out of the folder")

    def _ignored(self, path: str, rules: tuple[_Ignoring, ...]) -> bool:
        """What the nearest .gitignore says that says something."""
        whole = self._outer + path
        return next((said for rule in reversed(rules) if (said := rule.says(whole)) is not None), False)

    def _rules_of(self, folder: str, entries: list[os.DirEntry[str]]) -> Iterator[_Ignoring]:
        if any(entry.name == ".gitignore" for entry in entries):
            yield from _rules(self._root / folder / ".gitignore", self._outer + folder)

    def _above(self) -> Iterator[_Ignoring]:
        """The rules of the folders around the reviewed one, up to its repository's."""
        parts = PurePosixPath(self._outer).parts
        top = self._root.parents[len(parts) - 1] if parts else self._root
        for depth in range(len(parts)):
            base = "".join(f"{part}/" for part in parts[:depth])
            yield from _rules(top / base / ".gitignore", base)


def _rules(path: Path, base: str) -> Iterator[_Ignoring]:
    try:
        yield _Ignoring(base, GitIgnoreSpec.from_lines(path.read_text("utf-8", "replace").splitlines()))
    except (OSError, ValueError):
        return  # a rule that git would not understand either


def _prefix_in_repository(root: Path) -> str:
    """Where the folder stands in its repository, as a prefix; empty at its top and outside of any."""
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            inner = root.relative_to(folder).as_posix()
            return "" if inner == "." else f"{inner}/"
    return ""


def read_bytes(root: Path, file: SourceFile) -> bytes | Unread:
    """The content, if it is code that somebody has written."""
    if file.size > MOST_BYTES:
        return Unread(file.path, f"larger than {MOST_BYTES // 1_000_000} MB")
    try:
        content = (root / file.path).read_bytes()
    except OSError as error:
        return Unread(file.path, error.strerror or "cannot be read")
    if b"\0" in content[:8192] and not _is_utf16(content):
        return Unread(file.path, "binary")
    if ".min." in file.path or _is_minified(content):
        return Unread(file.path, "minified")
    return content


def _is_utf16(content: bytes) -> bool:
    """By its mark, or because every second byte of what begins as ASCII is zero."""
    if content[:2] in _BYTE_ORDER_MARKS:
        return True
    head = content[:64]
    return len(head) > 3 and (not any(head[1::2]) or not any(head[::2]))


def _is_minified(content: bytes) -> bool:
    return len(content) > SHORTEST_BUNDLE and len(content) > LONGEST_LINES * (content.count(b"\n") + 1)


def decoded(content: bytes) -> str:
    """The text: in the encoding that its mark names, in UTF-8, or in Latin-1, which every text can be read in."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    if b"\0" in content[:64]:
        return content.decode("utf-16-le" if content[1:2] == b"\0" else "utf-16-be", "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")
