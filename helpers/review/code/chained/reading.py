"""One file of Python, Dart, Swift or Kotlin as a draft."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator

from helpers.review.code.chained.chains import Chain, Source
from helpers.review.code.chained.channels import channels_of
from helpers.review.code.chained.stores import clients_of, prisma_calls, table_calls
from helpers.review.code.drafts import Draft
from helpers.review.inventory import FileFacts, Ignore
from helpers.review.source import Place

__all__ = ["read"]

_SOURCES = {
    "py": ("python", "PythonSource"),
    "dart": ("dart", "DartSource"),
    "swift": ("swift", "SwiftSource"),
    "kt": ("kotlin", "KotlinSource"),
    "kts": ("kotlin", "KotlinSource"),
}
#: Where programs of a language run, as far as the language tells: Swift and Kotlin are on both sides.
_SERVER = {"python": True, "dart": False}
_IGNORE = re.compile(r"(?:#|//)\s*workbook-ignore\b[ \t]*([\w, -]*)")


def read(path: str, content: str, exports_only: bool = False) -> Draft:
    """Parse a file. Constants are not shared between files of these languages.

    Args:
        path: relative to the reviewed folder.
        exports_only: whether nothing but exported constants is asked for.
    """
    module, name = _SOURCES[path.rpartition(".")[2].lower()]
    source: Source = getattr(importlib.import_module(f"helpers.review.code.chained.{module}"), name)(path, content)
    if exports_only:
        return Draft(FileFacts(path, source.language))
    chains: list[Chain] = list(source.chains())
    return Draft(
        FileFacts(
            path,
            source.language,
            channels=channels_of(source, chains),
            clients=tuple(clients_of(source, chains)),
            prisma_calls=tuple(prisma_calls(source, chains)),
            table_calls=tuple(table_calls(source, chains)),
            ignores=tuple(_ignores(content)),
            server=_SERVER.get(source.language),
            errors=tuple(_errors(source)),
        )
    )


def _ignores(content: str) -> Iterator[Ignore]:
    for number, line in enumerate(content.split("\n"), start=1):
        found = _IGNORE.search(line)
        if found is not None:
            yield Ignore(number, tuple(re.findall(r"[\w]+", found[1])))


def _errors(source: Source) -> Iterator[Place]:
    pending = [source.root] if source.root.has_error else []
    while pending:
        node = pending.pop()
        if node.type == "ERROR" or node.is_missing:
            yield source.place(node)
        else:
            pending.extend(child for child in reversed(node.children) if child.has_error or child.is_missing)
