"""Statements about tables and indexes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from helpers.review.database.facts import ColumnFacts
from helpers.review.database.pieces import FLAGS, inside, masked, names, parts, plain_type, qualified
from helpers.review.database.state import Database, Identity, Statement, Table
from helpers.schemas.sql_text import NAME, unquoted

__all__ = ["alter_table", "create_index", "create_table", "drop_index", "drop_schema", "drop_table", "rename_index"]

_FULL = rf"(?:{NAME}\s*\.\s*)?{NAME}"
_CONSTRAINT = re.compile(
    rf"(?:constraint\s+(?P<name>{NAME})\s+)?(?P<kind>primary\s+key|unique|check|foreign\s+key|exclude)\b", FLAGS
)
_USING_INDEX = re.compile(rf"\s*using\s+index\s+(?P<index>{NAME})", FLAGS)
_REQUIRED = re.compile(r"\bnot\s+null\b|\bprimary\s+key\b|\bgenerated\b.*\bas\s+identity\b")
_NAMED_UNIQUE = re.compile(rf"constraint\s+(?P<name>{NAME})\s+unique\b", FLAGS)
_NAMED_KEY = re.compile(rf"constraint\s+(?P<name>{NAME})\s+primary\s+key\b", FLAGS)
_IDENTITIES: dict[str, Identity] = {"default": "default", "full": "full", "nothing": "nothing", "using": "index"}


def create_table(database: Database, statement: Statement, found: re.Match[str]) -> None:
    """``create table``; one that is there already gets what it lacks, as a second description of it."""
    name = _name(found, statement)
    old = database.tables.get(name)
    table = old or Table(*name, statement.place())
    if not table.created:
        table.place = statement.place()
    table.created = True
    table.identity = table.identity or "default"
    table.row_security = bool(table.row_security)
    table.primary_key = table.primary_key or ()
    database.tables[name] = table
    _fill(database, statement, table, found)


def _fill(database: Database, statement: Statement, table: Table, found: re.Match[str]) -> None:
    rest = statement.text[found.end() :]
    parent = re.match(rf"\s*partition\s+of\s+({_FULL})", rest, FLAGS)
    if parent is not None:
        _copy(database, table, qualified(parent[1], statement.home), keys=True)
        return
    body = inside(statement.text, found.end())
    if body is None:
        return  # ``create table … as select``, ``of type``
    text, end = body
    after = masked(statement.text[end:])
    table.whole = not re.search(r"\binherits\b|\bas\b", after)
    start = statement.text.index("(", found.end()) + 1
    for offset, item in parts(text):
        _element(database, statement, table, item, start + offset)


def _copy(database: Database, table: Table, source: tuple[str, str], *, keys: bool) -> None:
    other = database.tables.get(source)
    if other is None:
        table.whole = False
        return
    table.whole = other.whole
    table.columns |= {key: value for key, value in other.columns.items() if key not in table.columns}
    if keys and other.primary_key:
        table.set_key(other.primary_key)
    for columns in other.indexes.values() if keys else ():
        table.add_index(columns, "", "idx")


def _element(database: Database, statement: Statement, table: Table, item: str, offset: int) -> None:
    like = re.match(rf"like\s+({_FULL})(?P<options>.*)$", item, FLAGS)
    if like is not None:
        keys = bool(re.search(r"including\s+(all|indexes)", like["options"], FLAGS))
        whole = table.whole
        _copy(database, table, qualified(like[1], statement.home), keys=keys)
        table.whole = table.whole and whole
    elif constraint := _CONSTRAINT.match(item):
        _constraint(table, item, constraint)
    else:
        _column(table, item, statement, offset)


def _constraint(table: Table, item: str, found: re.Match[str]) -> None:
    kind, name = found["kind"].lower().split()[0], unquoted(found["name"])
    if kind not in ("primary", "unique"):
        return
    index = _USING_INDEX.match(item, found.end())
    if index is not None:
        columns: tuple[str, ...] = table.indexes.pop(unquoted(index["index"]), ())
        name = name or unquoted(index["index"])
    else:
        opening = item.find("(", found.end())
        listed = inside(item, opening) if opening >= 0 else None
        columns = tuple(names(listed[0])) if listed else ()
    if kind == "primary":
        table.set_key(columns, name)
    elif columns:
        table.add_index(columns, name, "key")


def _column(table: Table, item: str, statement: Statement, offset: int) -> None:
    found = re.match(rf"({NAME})\s*", item, FLAGS)
    if found is None:
        table.whole = False
        return
    name = unquoted(found[1])
    written = item[found.end() :]
    kind, end = plain_type(written)
    words = masked(written[end:])
    serial = bool(re.match(r"(big|small)?serial", written, FLAGS))
    required = serial or _REQUIRED.search(words) is not None
    table.columns[name] = ColumnFacts(name, kind, nullable=not required, place=statement.place(offset))
    if re.search(r"\bprimary\s+key\b", words):
        key = _NAMED_KEY.search(written)
        table.set_key((name,), unquoted(key["name"]) if key else "")
    if re.search(r"\bunique\b", words):
        unique = _NAMED_UNIQUE.search(written)
        table.add_index((name,), unquoted(unique["name"]) if unique else "", "key")


def drop_table(database: Database, statement: Statement, found: re.Match[str]) -> None:
    for name in _listed(found["rest"], statement):
        table = database.tables.get(name)
        if table is not None and statement.may_drop(table.place):
            database.drop(name)


def drop_schema(database: Database, statement: Statement, found: re.Match[str]) -> None:
    gone = {name for _, name in _listed(found["rest"], statement)}
    for key, table in list(database.tables.items()):
        if table.schema in gone and statement.may_drop(table.place):
            database.drop(key)


def _listed(rest: str, statement: Statement) -> list[tuple[str, str]]:
    text = re.sub(r"\s+(cascade|restrict)\s*$", "", rest, flags=FLAGS)
    return [qualified(item, statement.home) for _, item in parts(text) if item]


def create_index(database: Database, statement: Statement, found: re.Match[str]) -> None:
    listed = inside(statement.text, found.end())
    columns = tuple(names(listed[0])) if listed else ()
    some = listed is not None and re.search(r"\bwhere\b", masked(statement.text[listed[1] :]))
    if columns and not some:  # an index of some rows does not serve all
        table = database.table(_name(found, statement), statement.place())
        table.add_index(columns, unquoted(found["index"]), "idx")


def drop_index(database: Database, statement: Statement, found: re.Match[str]) -> None:
    for schema, name in _listed(found["rest"], statement):
        for table in database.tables.values():
            if table.schema == schema and statement.may_drop(table.place):
                table.indexes.pop(name, None)


def rename_index(database: Database, statement: Statement, found: re.Match[str]) -> None:
    for table in database.tables.values():
        _rename_key(table, unquoted(found["table"]), unquoted(found["to"]))


def _rename_key(table: Table, old: str, new: str) -> None:
    if old in table.indexes:
        table.indexes[new] = table.indexes.pop(old)
    if table.key_name == old:
        table.key_name = new


def alter_table(database: Database, statement: Statement, found: re.Match[str]) -> None:
    """Each action of ``alter table``, in their order."""
    name, start = _name(found, statement), found.end()
    if name in database.tables or re.search(_TELLING, statement.text[start:], FLAGS):
        for offset, action in parts(statement.text[start:]):
            table = database.table(name, statement.place())
            for pattern, act in _ACTIONS:
                if seen := pattern.match(action):
                    act(_Altering(database, statement, table, action, start + offset), seen)
                    break
            name = (table.schema, table.name)


class _Altering:
    """One action of ``alter table``."""

    def __init__(self, database: Database, statement: Statement, table: Table, action: str, offset: int) -> None:
        self.database, self.statement, self.table = database, statement, table
        self.action, self.offset = action, offset

    def constraint(self, found: re.Match[str]) -> None:
        seen = _CONSTRAINT.match(self.action, found.end())
        if seen is not None:
            _constraint(self.table, self.action, seen)

    def add_column(self, found: re.Match[str]) -> None:
        name = unquoted((re.match(NAME, self.action[found.end() :]) or [""])[0])
        if not (found["unless"] and name in self.table.columns):
            whole = self.table.whole
            _column(self.table, self.action[found.end() :], self.statement, self.offset)
            self.table.whole = whole

    def drop_constraint(self, found: re.Match[str]) -> None:
        name = unquoted(found["name"])
        if not self.statement.may_drop(self.table.place):
            return
        self.table.indexes.pop(name, None)
        if name == self.table.key_name:
            self.table.primary_key, self.table.key_name = (), ""

    def drop_column(self, found: re.Match[str]) -> None:
        if self.statement.may_drop(self.table.place):
            self.table.drop_column(unquoted(found["name"]))

    def change_type(self, found: re.Match[str]) -> None:
        self._change(found, type=plain_type(self.action[found.end() :])[0])

    def change_null(self, found: re.Match[str]) -> None:
        self._change(found, nullable=found["verb"].lower() == "drop")

    def _change(self, found: re.Match[str], **changes: Any) -> None:
        name = unquoted(found["name"])
        if name in self.table.columns:
            self.table.columns[name] = replace(self.table.columns[name], **changes)

    def rename_table(self, found: re.Match[str]) -> None:
        old = (self.table.schema, self.table.name)
        self.database.rename(old, (old[0], unquoted(found["to"])))

    def rename_constraint(self, found: re.Match[str]) -> None:
        _rename_key(self.table, unquoted(found["name"]), unquoted(found["to"]))

    def rename_column(self, found: re.Match[str]) -> None:
        key = (self.table.schema, self.table.name)
        self.database.rename_column(key, unquoted(found["name"]), unquoted(found["to"]))

    def move(self, found: re.Match[str]) -> None:
        old = (self.table.schema, self.table.name)
        self.database.rename(old, (unquoted(found["to"]), old[1]))

    def row_security(self, found: re.Match[str]) -> None:
        verb = found["verb"].lower()
        if verb in ("enable", "disable"):
            self.table.row_security = verb == "enable"
        else:
            self.table.forced = verb == "force"

    def identity(self, found: re.Match[str]) -> None:
        self.table.identity = _IDENTITIES.get(found["kind"].lower(), self.table.identity)


#: Actions that say something of a table that the files do not make.
_TELLING = r"row\s+level\s+security|replica\s+identity|^\s*add\s|^\s*rename\s+to"
_ACTIONS: tuple[tuple[re.Pattern[str], Callable[[_Altering, re.Match[str]], None]], ...] = tuple(
    (re.compile(pattern, FLAGS), act)
    for pattern, act in (
        (r"add\s+(?=(?:constraint|primary\s+key|unique|check|foreign\s+key|exclude)\b)", _Altering.constraint),
        (r"add\s+(?:column\s+)?(?P<unless>if\s+not\s+exists\s+)?", _Altering.add_column),
        (rf"drop\s+constraint\s+(?:if\s+exists\s+)?(?P<name>{NAME})", _Altering.drop_constraint),
        (rf"drop\s+(?:column\s+)?(?:if\s+exists\s+)?(?P<name>{NAME})", _Altering.drop_column),
        (rf"alter\s+(?:column\s+)?(?P<name>{NAME})\s+(?:set\s+data\s+)?type\s+", _Altering.change_type),
        (rf"alter\s+(?:column\s+)?(?P<name>{NAME})\s+(?P<verb>set|drop)\s+not\s+null", _Altering.change_null),
        (rf"rename\s+to\s+(?P<to>{NAME})", _Altering.rename_table),
        (rf"rename\s+constraint\s+(?P<name>{NAME})\s+to\s+(?P<to>{NAME})", _Altering.rename_constraint),
        (rf"rename\s+(?:column\s+)?(?P<name>{NAME})\s+to\s+(?P<to>{NAME})", _Altering.rename_column),
        (rf"set\s+schema\s+(?P<to>{NAME})", _Altering.move),
        (r"(?P<verb>enable|disable|no\s+force|force)\s+row\s+level\s+security", _Altering.row_security),
        (r"replica\s+identity\s+(?P<kind>\w+)", _Altering.identity),
    )
)


def _name(found: re.Match[str], statement: Statement) -> tuple[str, str]:
    return (unquoted(found["schema"]) or statement.home, unquoted(found["table"]))
