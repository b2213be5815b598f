"""Which file a module's name means."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

__all__ = ["Paths"]

_ENDINGS = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".vue", ".svelte", ".mts")
#: What stands for a source folder in most projects; which one is told by the files that there are.
_ALIASES = ("@/", "~/", "~~/", "#/", "$lib/", "@@/", "src/")


class Paths:
    """The scripts of a code base by their paths.

    Args:
        paths: relative to the reviewed folder.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._stems: dict[str, str] = {}
        self._by_tail: dict[str, list[str]] = {}
        for path in paths:
            stem = _stem(path)
            if stem:
                self._stems.setdefault(stem, path)
        for stem in self._stems:
            self._by_tail.setdefault(stem.rpartition("/")[2], []).append(stem)

    def file(self, module: str, importer: str) -> str:
        """The path of the file, empty if there is none or several could be meant."""
        bare = _stem(module) or module
        if module.startswith("."):
            return self._at(posixpath.normpath(posixpath.join(posixpath.dirname(importer), bare)))
        alias = next((alias for alias in _ALIASES if module.startswith(alias)), None)
        if alias is None:
            return ""
        wanted = bare.removeprefix(alias) if alias != "$lib/" else "lib/" + bare.removeprefix(alias)
        return self._nearest(wanted, importer)

    def _at(self, stem: str) -> str:
        return self._stems.get(stem) or self._stems.get(posixpath.join(stem, "index")) or ""

    def _nearest(self, wanted: str, importer: str) -> str:
        """Of the files whose path ends so, the one that shares the longest folder with the importer."""
        tail = wanted.rpartition("/")[2]
        found = [stem for stem in self._by_tail.get(tail, ()) if f"/{stem}".endswith(f"/{wanted}")]
        found += [stem for stem in self._by_tail.get("index", ()) if f"/{stem}".endswith(f"/{wanted}/index")]
        shared = [len(posixpath.commonprefix((stem, importer)).rpartition("/")[0]) for stem in found]
        best = [stem for stem, length in zip(found, shared, strict=True) if length == max(shared)]
        return self._stems[best[0]] if len(best) == 1 else self._shortest(best)

    def _shortest(self, stems: list[str]) -> str:
        """`src/lib/x` before `src/features/lib/x`: an alias stands for a folder near the top."""
        ordered = sorted(stems, key=lambda stem: stem.count("/"))
        if len(ordered) > 1 and ordered[0].count("/") < ordered[1].count("/"):
            return self._stems[ordered[0]]
        return ""


def _stem(path: str) -> str:
    ending = next((ending for ending in _ENDINGS if path.endswith(ending)), None)
    return path.removesuffix(ending) if ending is not None else ""
