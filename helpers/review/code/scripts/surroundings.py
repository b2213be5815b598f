"""What else a file says about itself: imports, components that it shows, where it runs, comments to the review."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.standing import where
from helpers.review.code.scripts.syntax import field, literal_string, text
from helpers.review.inventory import Ignore, Import, Rendering, Scope, Where
from helpers.review.source import Place

__all__ = ["errors", "ignores", "imports", "renderings", "runs_on_server"]

_IGNORE = re.compile(r"workbook-ignore\b[:\s]*([\w-]+(?:\s*,\s*[\w-]+)*)?")
#: Tags of a component with `v-for`, and of one inside `{#each …}`.
_V_FOR = re.compile(rb"<([A-Z][\w.]*|[a-z]+-[\w-]+)\b[^>]*\bv-for\s*=\s*[\"'][^\"']*?\b(?:in|of)\s+([^\"']+)[\"']")
_EACH = re.compile(rb"\{#each\s+(.+?)\s+as\b.*?\{/each\}", re.DOTALL)
_COMPONENT_TAG = re.compile(rb"<([A-Z][\w.]*)\b")
#: Files that a framework runs on the server only, or only in the browser.
_SERVER_PATHS = re.compile(
    r"(^|/)(pages/api/|app/.*/?route\.[jt]sx?$|middleware\.[jt]s$|supabase/functions/|server/|\+server\.|\+page\.server\.)"
    r"|\.server\.[jt]sx?$|(^|/)(scripts?|prisma|workers?|cron|bin)/"
)
#: Errors of the parser that are listed; of a broken file they could be thousands.
MOST_ERRORS = 20


def imports(module: Module) -> Iterator[Import]:
    """The names that a file imports."""
    for declaration in module.imported():
        yield Import(declaration.name, declaration.imported, declaration.module, module.place(declaration.node))


def renderings(module: Module) -> Iterator[Rendering]:
    """The components of the application that a file shows."""
    for element in module.nodes("element"):
        name = field(element, "name")
        if name is not None and text(name)[:1].isupper():
            yield Rendering(text(name), module.place(element), where(module, element))
    if module.language == "vue":
        for found in _V_FOR.finditer(module.source):
            yield _in_template(module, found.start(), _pascal(found[1].decode()), found[2].decode())
    if module.language == "svelte":
        for each in _EACH.finditer(module.source):
            for tag in _COMPONENT_TAG.finditer(module.source, each.start(), each.end()):
                yield _in_template(module, tag.start(), tag[1].decode(), each[1].decode())


def _pascal(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("-"))


def _in_template(module: Module, offset: int, component: str, over: str) -> Rendering:
    line = module.source.count(b"\n", 0, offset) + 1
    place = Place(module.path, line, 1, line, 1)
    outer = where(module, module.root).scopes
    return Rendering(component, place, Where((*outer, Scope("loop", over.strip(), place))))


def ignores(module: Module) -> Iterator[Ignore]:
    """Comments that silence a rule."""
    for comment in module.nodes("comment"):
        found = _IGNORE.search(text(comment))
        if found is not None:
            rules = tuple(re.split(r"\s*,\s*", found[1])) if found[1] else ()
            yield Ignore(comment.start_point.row + 1, rules)


def runs_on_server(module: Module) -> bool | None:
    """Where a file runs: by its directive, what it imports, and its path."""
    directives = set(_directives(module.root))
    if "use client" in directives:
        return False
    if "use server" in directives:
        return True
    modules = {declaration.module for declaration in module.imported()}
    if modules & {"server-only", "next/headers", "express", "fastify", "hono", "@nestjs/common"}:
        return True
    if _SERVER_PATHS.search(module.path):
        return True
    if module.language in ("vue", "svelte") or modules & {"react-native", "expo-router"}:
        return False
    return (
        False
        if any(name in module.source for name in (b"useEffect(", b"useState(", b"document.", b"window."))
        else None
    )


def _directives(root: Node) -> Iterator[str]:
    for statement in root.named_children:
        if statement.type == "comment":
            continue
        value = literal_string(statement.named_children[0]) if statement.named_children else None
        if statement.type != "expression_statement" or value is None:
            return
        yield value


def errors(module: Module) -> Iterator[Place]:
    """Where the parser stumbled."""
    for node in module.nodes("error")[:MOST_ERRORS]:
        yield module.place(node)
