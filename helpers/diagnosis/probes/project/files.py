"""Reads text files of strangers: of bounded size, with or without BOM, whatever is in them."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

__all__ = ["UnreadableFile", "read_text", "walk"]

#: A schema of a thousand models has less than this; so has the lock file of a large monorepo.
MOST_BYTES = 32_000_000
#: A folder with more entries is not a project's folder of schemas or migrations.
MOST_FILES = 5_000


class UnreadableFile(Exception):  # noqa: N818 - it names the thing, and never leaves the probes
    """The file is there and cannot be used. Its text completes "not checked, because …"."""


def read_text(path: Path, root: Path) -> str:
    """The file's text, line ends as ``\\n``.

    Raises:
        UnreadableFile: no permission, not a file, too large, or not text.
    """
    name = named(path, root)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableFile(f"{name} is not a file")
        if status.st_size > MOST_BYTES:
            raise UnreadableFile(f"{name} is larger than {MOST_BYTES // 1_000_000} MB")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{name} is not text in UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise UnreadableFile(f"{name} cannot be read ({error.strerror or 'unknown reason'})") from None
    if "\0" in text:
        raise UnreadableFile(f"{name} is not text (it holds a NUL)")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def walk(folder: Path, suffix: str) -> Iterator[Path]:
    """The files of a folder and of those in it, in the order of their names; links to folders are not followed."""
    for path in sorted(_entries(folder))[:MOST_FILES]:
        if path.is_dir() and not path.is_symlink():
            yield from walk(path, suffix)
        elif path.name.endswith(suffix):
            yield path


def named(path: Path, root: Path) -> str:
    """The path as a person of this project would write it."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
