"""Statements about publications."""

from __future__ import annotations

import re
from collections.abc import Iterator

from helpers.review.database.facts import PublishedTable
from helpers.review.database.pieces import FLAGS, inside, names, one_line, parts
from helpers.review.database.state import Database, Publication, Statement
from helpers.schemas.sql_text import NAME, QUALIFIED, unquoted

__all__ = ["alter_publication", "create_publication", "drop_publication"]

_OBJECT = re.compile(rf"(?:table\s+)?(?:only\s+)?{QUALIFIED}\s*\*?\s*", FLAGS)
_SCHEMA = re.compile(rf"(?:tables\s+in\s+schema\s+)?(?P<name>{NAME})\s*$", FLAGS)


def create_publication(database: Database, statement: Statement, found: re.Match[str]) -> None:
    name = unquoted(found["name"])
    publication = Publication(name, created=True)
    database.publications[name] = publication
    text = re.sub(r"^\s*for\s+|\s+with\s*\([^()]*\)\s*$", "", found["rest"], flags=FLAGS).strip()
    if re.match(r"all\s+tables", text, FLAGS):
        publication.all_tables = publication.touched = True
    elif not re.match(r"with\b", text, FLAGS):
        _add(publication, statement, text)


def alter_publication(database: Database, statement: Statement, found: re.Match[str]) -> None:
    publication, verb, text = (
        database.publication(unquoted(found["name"])),
        found["verb"].lower(),
        found["rest"].strip(),
    )
    if text.startswith("("):
        return  # its parameters
    if verb == "set":
        publication.tables.clear()
        publication.schemas.clear()
    if verb == "drop":
        _remove(publication, statement, text)
        return
    _add(publication, statement, text)


def drop_publication(database: Database, statement: Statement, found: re.Match[str]) -> None:
    for name in names(re.sub(r"\s+(cascade|restrict)\s*$", "", found["rest"], flags=FLAGS)):
        database.publications.pop(name, None)


def _add(publication: Publication, statement: Statement, text: str) -> None:
    for table in _objects(text, statement):
        publication.touched = True
        if isinstance(table, str):
            publication.schemas.add(table)
        else:
            publication.tables[table.schema, table.table] = table


def _remove(publication: Publication, statement: Statement, text: str) -> None:
    for table in _objects(text, statement):
        if isinstance(table, str):
            publication.schemas.discard(table)
        else:
            publication.tables.pop((table.schema, table.table), None)


def _objects(text: str, statement: Statement) -> Iterator[PublishedTable | str]:
    """The tables of a list, and (as text) schemas whose tables are meant."""
    in_schema = False
    for _, item in parts(text):
        in_schema = bool(re.match(r"tables\s+in\s+schema\b", item, FLAGS)) or (
            in_schema and not re.match(r"table\s", item, FLAGS)
        )
        found = (_SCHEMA if in_schema else _OBJECT).match(item)
        if found is not None and in_schema:
            yield unquoted(found["name"])
        elif found is not None:
            yield _table(item, found, statement)


def _table(item: str, found: re.Match[str], statement: Statement) -> PublishedTable:
    end, columns, where = found.end(), None, ""
    if listed := inside(item, end):
        columns, end = tuple(names(listed[0])), listed[1]
    if (word := re.compile(r"\s*where\s*", FLAGS).match(item, end)) and (condition := inside(item, word.end())):
        where = one_line(condition[0])
    schema = unquoted(found["schema"]) or statement.home
    return PublishedTable(schema, unquoted(found["table"]), columns, where, statement.place())
