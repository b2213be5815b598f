"""What a handler makes of the rows that it is given, as far as the text of its function shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from helpers.review.code.chained.chains import Source, ancestors, text, walk
from helpers.review.inventory import Comparison, Handler
from helpers.review.source import Place

__all__ = ["handler_of"]

#: How rows of a payload are written, by language: of changes new and old, where ``P`` is the payload's name.
_KEY = r"(?:\[[\"']{0}[\"']\]|\.get\([\"']{0}[\"'][^()]*\))"
_ROWS = {
    "python": (
        rf"P{_KEY.format('data')}?{_KEY.format('(?:record|new)')}",
        rf"P{_KEY.format('data')}?{_KEY.format('(?:old_record|old)')}",
    ),
    "dart": (r"P\.newRecord", r"P\.oldRecord"),
}
_INNER = {"python": rf"P{_KEY.format('data')}"}
_COLUMN = r"(?:\[[\"'](\w+)[\"']\]|\.get\([\"'](\w+)[\"'][^()]*\))"
_TYPE = re.compile(r"""\[["'](?:type|eventType)["']\]|\.eventType\b""")
_COMPARISONS = frozenset({"comparison_operator", "equality_expression", "relational_expression"})
_NEGATED = {"==": "!==", "!=": "===", "<": ">=", ">": "<=", "<=": ">", ">=": "<"}
_KEPT = {"==": "===", "!=": "!==", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_LEAVING = re.compile(r"\{?\s*(?:return\b[^\n;]*|continue)\s*;?\s*\}?\s*$")


def handler_of(source: Source, node: Node | None, kind: str) -> Handler | None:
    """The handler that an argument names or is; None without one."""
    if node is None:
        return None
    function = source.function_of(node)
    if function is None:
        return Handler(source.place(node), complete=False, name=text(node)[:60])
    name = source.function_name(function)
    if source.language not in _ROWS or kind != "postgres_changes":
        return Handler(source.place(function), complete=False, name=name)
    return _Reading(source, function).handler(name)


@dataclass(frozen=True, slots=True)
class _Row:
    """How a row and its columns are written: `whole` matches the row, `column` one of its columns."""

    whole: re.Pattern[str]
    column: re.Pattern[str]


class _Reading:
    def __init__(self, source: Source, function: Node) -> None:
        self._source, self._function = source, function
        self._text = text(function)
        self._payload = _parameter(source.parameters(function))
        new, old = _ROWS[source.language]
        self._payloads = [self._payload, *self._bound(_INNER.get(source.language, "(?!)"))] if self._payload else []
        self._new, self._old = self._row(new), self._row(old)

    def _pattern(self, template: str) -> str:
        return template.replace("P", rf"\b(?:{'|'.join(map(re.escape, self._payloads))})", 1)

    def _bound(self, template: str) -> list[str]:
        """Names that are bound to the whole of an expression."""
        payload = rf"\b{re.escape(self._payload)}"
        return re.findall(rf"\b(\w+)\s*=\s*{template.replace('P', payload, 1)}\s*(?=[;\n]|$)", self._text)

    def _row(self, template: str) -> _Row:
        if not self._payloads:
            return _Row(re.compile("(?!)"), re.compile("(?!)"))
        written = self._pattern(template)
        names = re.findall(rf"\b(\w+)\s*=\s*{written}\s*(?=[;\n]|$)", self._text)
        whole = "|".join((written, *(rf"(?<![\w\"'.]){re.escape(name)}\b" for name in names)))
        return _Row(re.compile(f"(?:{whole})"), re.compile(f"(?:{whole})[!?]?{_COLUMN}"))

    def handler(self, name: str) -> Handler:
        return Handler(
            self._source.place(self._function),
            self._payload,
            reads=self._reads(self._new),
            reads_old=self._reads(self._old),
            comparisons=tuple(self._comparisons()),
            complete=not _TYPE.search(self._text),
            name=name,
        )

    def _reads(self, row: _Row) -> tuple[str, ...]:
        """The columns that are read; ``("*",)`` when the row, or the payload with it, goes somewhere as a whole."""
        body = self._body()
        columns = [found[1] or found[2] for found in row.column.finditer(body)]
        rest = row.column.sub("", body)
        rest = re.sub(rf"\b\w+\s*=\s*(?:{row.whole.pattern})\s*(?=[;\n]|$)", "", rest)
        whole = row.whole.search(rest) or any(
            re.search(rf"(?<![\w\"'.]){re.escape(p)}\b(?!\s*[\[.=])", rest) for p in self._payloads
        )
        return ("*",) if whole else tuple(dict.fromkeys(columns))

    def _body(self) -> str:
        body = self._function.child_by_field_name("body")
        return text(body) if body is not None else self._text

    def _comparisons(self) -> Iterator[Comparison]:
        for node in walk(self._function):
            if node.type in _COMPARISONS and node.named_child_count >= 2:
                yield from self._comparison(node)

    def _comparison(self, node: Node) -> Iterator[Comparison]:
        sides = re.split(r"\s*(==|!=|<=|>=|<|>)\s*", text(node), maxsplit=1)
        if len(sides) != 3:
            return
        left, operator, right = sides
        for side, row in (("new", self._new), ("old", self._old)):
            for own, other in ((left, right), (right, left)):
                found = row.column.fullmatch(own.strip())
                if found is None:
                    continue
                guards, leaves = self._guards(node)
                yield Comparison(
                    found[1] or found[2],
                    _NEGATED[operator] if leaves else _KEPT[operator],
                    self._source.spelled(other.strip()),
                    "new" if side == "new" else "old",
                    self._place(node),
                    self._outside(other),
                    guards,
                )
                return

    def _place(self, node: Node) -> Place:
        return self._source.place(node)

    def _outside(self, other: str) -> bool:
        names = set(re.findall(r"\b[^\W\d]\w*", re.sub(r"[\"'][^\"']*[\"']", "", other)))
        inner = set(re.findall(r"\b(\w+)\s*=(?!=)", self._text)) | {self._payload}
        return names.isdisjoint(inner)

    def _guards(self, node: Node) -> tuple[bool, bool]:
        """Whether nothing happens to rows that fail the test, and whether it is written the other way round: as what
        leaves the function."""
        test = node
        for around in ancestors(node):
            if around.type in ("if_statement",):
                return self._branch(around, test)
            if around.type in self._source.functions or around.type in ("block", "not_operator", "boolean_operator"):
                return False, False
            test = around
        return False, False

    def _branch(self, branch: Node, test: Node) -> tuple[bool, bool]:
        body = branch.child_by_field_name("consequence")
        if branch.child_by_field_name("alternative") is not None or body is None:
            return False, False
        if _LEAVING.match(text(body)):
            return self._in_function(branch), True
        others = [each for each in (branch.parent.named_children if branch.parent else []) if each != branch]
        quiet = all(each.type in _QUIET or _is_binding(each) for each in others)
        return quiet and self._in_function(branch), False

    def _in_function(self, branch: Node) -> bool:
        """Whether the branch stands in the function's own body, and in no other branch."""
        around = branch.parent
        while around is not None and around.type in ("block", "function_expression_body"):
            around = around.parent
        return around is not None and (around == self._function or around.type in self._source.functions)


_QUIET = frozenset({"comment", "local_variable_declaration"})


def _is_binding(node: Node) -> bool:
    return (
        node.type == "expression_statement"
        and bool(node.named_children)
        and node.named_children[0].type == "assignment"
    )


def _parameter(listed: Node | None) -> str:
    """The name of the first parameter but for ``self``."""
    for each in listed.named_children if listed is not None else ():
        found = re.findall(r"[^\W\d]\w*", text(each).partition(":")[0])
        if found and found[-1] not in ("self", "cls"):
            return str(found[-1])
    return ""
