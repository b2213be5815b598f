"""From files to drafts: which are worth parsing, by whom, and what becomes of those that cannot be read.

This is what a process of the pool runs; nothing in it depends on another file.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from pathlib import Path

from helpers.review.code.drafts import Draft
from helpers.review.files import SourceFile, decoded, read_bytes
from helpers.review.inventory import Unread

__all__ = ["Batch", "Result", "read_batch"]

#: The module that reads a file, by its ending. Each has `read(path, text, exports_only) -> Draft`.
_SCRIPTS = "helpers.review.code.scripts.reading"
_CHAINED = "helpers.review.code.chained.reading"
READERS = dict.fromkeys(("ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs", "vue", "svelte"), _SCRIPTS)
READERS |= dict.fromkeys(("py", "dart", "swift", "kt", "kts"), _CHAINED)

#: A file without any of these has nothing to say about subscriptions.
_WORDS = (b"upabase", b"SUPABASE", b".channel", b"postgres_changes", b"risma", b"RealtimeChannel")
#: Components that are shown, and functions that are called.
_USES = re.compile(rb"<([A-Z][\w$]*)|([A-Za-z_$][\w$]*)\(")


@dataclass(frozen=True, slots=True)
class Batch:
    """Files for one process.

    Attributes:
        names: read only files that call one of these functions or show one of these components; None in the first
            reading, which is of files that mention Supabase or Prisma.
        exports_only: whether nothing but exported constants is asked for.
    """

    root: Path
    files: tuple[SourceFile, ...]
    names: tuple[str, ...] | None = None
    exports_only: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a batch; files without anything to say are not in it."""

    drafts: tuple[Draft, ...]
    unread: tuple[Unread, ...]


def read_batch(batch: Batch) -> Result:
    """Parse those files of a batch that are worth it."""
    names = frozenset(batch.names) if batch.names is not None else None
    drafts: list[Draft] = []
    unread: list[Unread] = []
    for file in batch.files:
        read = _read(batch, file, names)
        if isinstance(read, Unread):
            unread.append(read)
        elif read is not None:
            drafts.append(read)
            if read.facts.errors:
                line = read.facts.errors[0].line
                unread.append(Unread(file.path, f"read in part: syntax error near line {line}"))
    return Result(tuple(drafts), tuple(unread))


def _read(batch: Batch, file: SourceFile, names: frozenset[str] | None) -> Draft | Unread | None:
    reader = READERS.get(file.ending)
    if reader is None:
        return None
    content = read_bytes(batch.root, file)
    if isinstance(content, Unread):
        return content
    if not batch.exports_only and not _is_worth_it(content, names):
        return None
    try:
        draft: Draft = importlib.import_module(reader).read(file.path, decoded(content), batch.exports_only)
    except Exception as error:  # one odd file must not end the review of all others
        return Unread(file.path, f"the review failed on it: {type(error).__name__}: {error}"[:200])
    return draft


def _is_worth_it(content: bytes, names: frozenset[str] | None) -> bool:
    if b"\0" in content[:64]:
        content = decoded(content).encode()
    if names is not None:
        used = {component or called for component, called in _USES.findall(content)}
        return not names.isdisjoint(name.decode("utf-8", "replace") for name in used)
    return any(word in content for word in _WORDS)
