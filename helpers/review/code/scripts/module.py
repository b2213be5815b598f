"""One parsed file: its nodes by kind, its places, and what its names mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tree_sitter import Language, Node, Query, QueryCursor

from helpers.review.code.scripts.grammars import language_of, parse
from helpers.review.code.scripts.syntax import (
    FUNCTIONS,
    enclosing,
    field,
    literal_string,
    parameters,
    text,
    unwrapped,
)
from helpers.review.source import Place

__all__ = ["Declaration", "Module"]

#: The nodes that readers ask for. A grammar knows only some of them: JavaScript has no enums, TypeScript no JSX.
_KINDS = {
    "variable": ("variable_declarator",),
    "named": ("function_declaration", "generator_function_declaration", "class_declaration"),
    "enum": ("enum_declaration",),
    "function": tuple(sorted(FUNCTIONS)),
    "import": ("import_statement",),
    "export": ("export_statement",),
    "call": ("call_expression",),
    "assignment": ("assignment_expression",),
    "for_in": ("for_in_statement",),
    "catch": ("catch_clause",),
    "element": ("jsx_opening_element", "jsx_self_closing_element"),
    "comment": ("comment",),
}
_BLOCKS = frozenset({"statement_block", "program", "for_statement", "for_in_statement", "switch_body"}) | FUNCTIONS
_NAMES = frozenset({"identifier", "shorthand_property_identifier"})


@dataclass(frozen=True, slots=True, eq=False)
class Declaration:
    """What introduces a name.

    Attributes:
        kind: ``const``, ``let``, ``var``, ``function``, ``class``, ``parameter``, ``import``, ``item`` (of a loop) or
            ``caught``.
        node: the name where it is introduced.
        scope: where it can be seen.
        value: that it, or the pattern around it, is initialised with; of a function or class its node; of an item
            what the loop goes over.
        path: steps through a pattern from `value` to the name: ``("data", "0")``; ``...`` for a rest.
        default: of a parameter or a pattern's part.
        function, position: of a parameter.
        module, imported: of an import; `imported` is ``default``, ``*`` or the exporter's name.
    """

    name: str
    kind: str
    node: Node
    scope: Node
    value: Node | None = None
    path: tuple[str, ...] = ()
    default: Node | None = None
    function: Node | None = None
    position: int = 0
    module: str = ""
    imported: str = ""


class Module:
    """A file as its readers ask for it.

    Args:
        path: relative to the reviewed folder.
        source: its text in UTF-8.
    """

    def __init__(self, path: str, source: bytes) -> None:
        self.path = path
        self.source = source
        self.language = language_of(path)
        self._tree = parse(path, source)
        self.root = self._tree.root_node
        self._nodes = _captured(self.root, self._tree.language)
        self._lines: list[bytes] | None = None
        self._declared: dict[tuple[int, str], Declaration] = {}
        self._by_value: dict[int, list[Declaration]] = {}
        for declaration in _declarations(self):
            self._declared.setdefault((declaration.scope.id, declaration.name), declaration)
            if declaration.value is not None:
                self._by_value.setdefault(declaration.value.id, []).append(declaration)

    def nodes(self, kind: str) -> list[Node]:
        """The nodes of a kind (see `_KINDS`), in the order of the source."""
        return self._nodes.get(kind, [])

    def place(self, node: Node, *, end: Node | None = None) -> Place:
        """Where a node stands; with `end`, from its beginning to the end of another."""
        first, last = node.start_point, (end or node).end_point
        return Place(
            self.path,
            first.row + 1,
            self._column(first.row, first.column),
            last.row + 1,
            self._column(last.row, last.column),
        )

    def _column(self, row: int, column: int) -> int:
        if self._lines is None:
            self._lines = self.source.split(b"\n")
        return len(self._lines[row][:column].decode("utf-8", "replace")) + 1

    def resolve(self, name: Node) -> Declaration | None:
        """What an identifier means; None for a name of the platform, or of a file that could not be read."""
        wanted, around = text(name), name
        while around is not None:
            found = self._declared.get((around.id, wanted))
            if found is not None:
                return found
            if around.parent is None:
                return None
            around = around.parent
        return None

    def initialised_with(self, value: Node) -> list[Declaration]:
        """The names that are declared with this value, or with parts of it."""
        return self._by_value.get(value.id, [])

    def parameters_of(self, function: Node) -> list[Declaration]:
        """The names that a function's parameters introduce."""
        return [each for each in self._declared.values() if each.function is not None and each.function == function]

    def imported(self) -> Iterator[Declaration]:
        """What the file imports."""
        return (each for each in self._declared.values() if each.kind == "import")

    def uses(self, declaration: Declaration) -> list[Node]:
        """Every identifier that means it, but for its own declaration."""
        return [
            node
            for node in self.named(declaration.name, within=declaration.scope)
            if node.type in _NAMES and node != declaration.node and self.resolve(node) is declaration
        ]

    def named(self, name: str, *, within: Node | None = None) -> Iterator[Node]:
        """The nodes whose whole text is a name."""
        outer = within or self.root
        pattern = re.compile(rb"(?<![\w$])" + re.escape(name.encode()) + rb"(?![\w$])")
        for found in pattern.finditer(self.source, outer.start_byte, outer.end_byte):
            node = self.root.named_descendant_for_byte_range(found.start(), found.end())
            if node is not None and (node.start_byte, node.end_byte) == found.span():
                yield node


@cache
def _query(language: Language) -> Query:
    pairs = ((kind, name) for kind, names in _KINDS.items() for name in names)
    known = (f"({name}) @{kind}" for kind, name in pairs if language.id_for_node_kind(name, True))
    return Query(language, "\n".join((*known, "(ERROR) @error")))


def _captured(root: Node, language: Language) -> dict[str, list[Node]]:
    captures = QueryCursor(_query(language)).captures(root)
    return {kind: sorted(nodes, key=lambda node: node.start_byte) for kind, nodes in captures.items()}


def _declarations(module: Module) -> Iterator[Declaration]:
    for node in module.nodes("import"):
        yield from _imports(node, module.root)
    for node in module.nodes("named"):
        name = field(node, "name")
        if name is not None:
            kind = "class" if node.type == "class_declaration" else "function"
            yield Declaration(text(name), kind, name, _block(node), node)
    for node in module.nodes("enum"):
        name = field(node, "name")
        if name is not None:
            yield Declaration(text(name), "const", name, _block(node), node)
    for node in module.nodes("function"):
        for position, parameter in enumerate(parameters(node)):
            yield from _parameter(parameter, node, position)
    for node in module.nodes("variable"):
        yield from _variables(node)
    for node in module.nodes("for_in"):
        yield from _items(node)
    for node in module.nodes("catch"):
        caught = field(node, "parameter")
        if caught is not None:
            for name, path, default in _bound(caught):
                yield Declaration(text(name), "caught", name, node, None, path, default)


def _variables(declarator: Node) -> Iterator[Declaration]:
    pattern, statement = field(declarator, "name"), declarator.parent
    if pattern is None or statement is None:
        return
    kind = "var" if statement.type == "variable_declaration" else text(field(statement, "kind")) or "let"
    scope = _block(declarator) if kind != "var" else _function_around(declarator)
    for name, path, default in _bound(pattern):
        yield Declaration(text(name), kind, name, scope, unwrapped(field(declarator, "value")), path, default)


def _parameter(parameter: Node, function: Node, position: int) -> Iterator[Declaration]:
    pattern: Node | None = parameter
    default = unwrapped(field(parameter, "value"))
    if parameter.type in ("required_parameter", "optional_parameter"):
        pattern = field(parameter, "pattern")
    elif parameter.type == "assignment_pattern":
        pattern, default = field(parameter, "left"), unwrapped(field(parameter, "right"))
    if pattern is None:
        return
    for name, path, inner in _bound(pattern):
        given = inner if path else default
        yield Declaration(text(name), "parameter", name, function, None, path, given, function, position)


def _items(loop: Node) -> Iterator[Declaration]:
    pattern = field(loop, "left")
    if pattern is None or field(loop, "kind") is None:
        return
    for name, path, default in _bound(pattern):
        yield Declaration(text(name), "item", name, loop, unwrapped(field(loop, "right")), path, default)


def _imports(statement: Node, root: Node) -> Iterator[Declaration]:
    module = literal_string(field(statement, "source")) or ""
    for clause in statement.named_children:
        if clause.type != "import_clause":
            continue
        for part in clause.named_children:
            for name, imported in _import_names(part):
                yield Declaration(text(name), "import", name, root, None, module=module, imported=imported)


def _import_names(part: Node) -> Iterator[tuple[Node, str]]:
    if part.type == "identifier":
        yield part, "default"
    elif part.type == "namespace_import" and part.named_children:
        yield part.named_children[0], "*"
    elif part.type == "named_imports":
        for specifier in part.named_children:
            name = field(specifier, "name")
            if specifier.type == "import_specifier" and name is not None:
                yield field(specifier, "alias") or name, text(name)


def _bound(pattern: Node) -> Iterator[tuple[Node, tuple[str, ...], Node | None]]:
    """The names that a pattern binds, with the steps to each and its default."""
    if pattern.type in ("identifier", "shorthand_property_identifier_pattern"):
        yield pattern, (), None
    elif pattern.type in ("assignment_pattern", "object_assignment_pattern"):
        left, default = field(pattern, "left"), unwrapped(field(pattern, "right"))
        if left is not None:
            own = (text(left),) if pattern.type == "object_assignment_pattern" else ()
            for name, path, inner in _bound(left):
                yield name, own + path, default if not path else inner
    elif pattern.type == "rest_pattern" and pattern.named_children:
        for name, path, default in _bound(pattern.named_children[0]):
            yield name, ("...", *path), default
    elif pattern.type == "object_pattern":
        for part in pattern.named_children:
            yield from _bound_property(part)
    elif pattern.type == "array_pattern":
        yield from _bound_items(pattern)


def _bound_property(part: Node) -> Iterator[tuple[Node, tuple[str, ...], Node | None]]:
    if part.type == "shorthand_property_identifier_pattern":
        yield part, (text(part),), None
    elif part.type == "pair_pattern":
        key, value = field(part, "key"), field(part, "value")
        if value is not None:
            step = literal_string(key) or text(key)
            for name, path, default in _bound(value):
                yield name, (step, *path), default
    else:
        yield from _bound(part)


def _bound_items(pattern: Node) -> Iterator[tuple[Node, tuple[str, ...], Node | None]]:
    index = 0
    for child in pattern.children:
        if child.type == ",":
            index += 1
        elif child.is_named:
            for name, path, default in _bound(child):
                yield name, (str(index), *path), default


def _block(node: Node) -> Node:
    return enclosing(node, _BLOCKS) or _top(node)


def _function_around(node: Node) -> Node:
    return enclosing(node, FUNCTIONS | {"program"}) or _top(node)


def _top(node: Node) -> Node:
    """The root of the tree, which of a file that is broken at its beginning is no program but an error."""
    while node.parent is not None:
        node = node.parent
    return node
