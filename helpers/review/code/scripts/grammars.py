"""From the text of a file to its tree."""

from __future__ import annotations

import re
from functools import cache

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language, Parser, Tree

__all__ = ["embedded_scripts", "language_of", "parse"]

#: Names of grammars by a file's ending. The grammar of JavaScript knows JSX.
_GRAMMARS = {
    "ts": "typescript",
    "mts": "typescript",
    "cts": "typescript",
    "tsx": "tsx",
    "js": "javascript",
    "jsx": "javascript",
    "mjs": "javascript",
    "cjs": "javascript",
}
_SCRIPT = re.compile(rb"<script\b([^>]*)>(.*?)</script\s*>", re.DOTALL | re.IGNORECASE)
_LANG = re.compile(rb"""\blang\s*=\s*["']?(\w+)""")
_NOT_LINE_END = re.compile(rb"[^\n]")


def language_of(path: str) -> str:
    """What the inventory calls the file's language: by its ending, with Vue and Svelte as languages of their own."""
    ending = path.rpartition(".")[2]
    return ending if ending in ("vue", "svelte") else _GRAMMARS[ending]


def parse(path: str, source: bytes) -> Tree:
    """The tree; of Vue and Svelte that of their scripts, at the places where they stand in the file."""
    language = language_of(path)
    if language in ("vue", "svelte"):
        language, source = embedded_scripts(source)
    return Parser(_language(language)).parse(source)


def embedded_scripts(source: bytes) -> tuple[str, bytes]:
    """The grammar of the script blocks, and the file with all but them made blank, so that every place stays."""
    blank = bytearray(_NOT_LINE_END.sub(b" ", source))
    grammar = "javascript"
    for block in _SCRIPT.finditer(source):
        blank[block.start(2) : block.end(2)] = block[2]
        lang = _LANG.search(block[1])
        if lang is not None and lang[1] in (b"ts", b"tsx", b"typescript"):
            grammar = "tsx" if lang[1] == b"tsx" else "typescript"
    return grammar, bytes(blank)


@cache
def _language(name: str) -> Language:
    makers = {
        "typescript": tree_sitter_typescript.language_typescript,
        "tsx": tree_sitter_typescript.language_tsx,
        "javascript": tree_sitter_javascript.language,
    }
    return Language(makers[name]())
