"""Applies the statements of a file to what is known of the database.

What a statement means is told by its first words. Those that nobody asks about are passed over, as are those that are
no PostgreSQL at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from helpers.review.database.dynamic import unrolled
from helpers.review.database.pieces import FLAGS, names
from helpers.review.database.policies import (
    alter_policy,
    change_grant,
    create_function,
    create_policy,
    create_trigger,
    drop_function,
    drop_policy,
    drop_trigger,
)
from helpers.review.database.publications import alter_publication, create_publication, drop_publication
from helpers.review.database.state import Database, Statement
from helpers.review.database.tables import (
    alter_table,
    create_index,
    create_table,
    drop_index,
    drop_schema,
    drop_table,
    rename_index,
)
from helpers.schemas.sql_text import NAME, QUALIFIED, split_statements

__all__ = ["apply_sql"]

_SEARCH_PATH = re.compile(r"set\s+(?:session\s+)?search_path\s*(?:=|to)\s*(?P<path>.+)$", FLAGS)
_FULL = rf"(?:{NAME}\s*\.\s*)?{NAME}"


def apply_sql(database: Database, text: str, path: str, *, standalone: bool = False) -> None:
    """Apply all statements of a file.

    Args:
        path: of the file, for the places of what it makes.
        standalone: whether it is part of no sequence of migrations: it then drops only what it makes itself.
    """
    home = "public"
    for line, written in split_statements(text):
        database.statements += 1
        found = _SEARCH_PATH.match(written)
        if found is not None:
            home = _first_schema(found["path"]) or home
        elif not _applied(database, Statement(written, path, line, home, standalone)):
            database.passed_over += 1


def _first_schema(path: str) -> str:
    return next((name for name in names(path.replace("'", '"')) if name and name not in ("$user", "pg_catalog")), "")


def _applied(database: Database, statement: Statement) -> bool:
    if re.match(r"do\b", statement.text, FLAGS):
        known = [_recognised(database, each) for each in _statements_of(database, statement)]
        return any(known)
    return _recognised(database, statement)


def _statements_of(database: Database, statement: Statement) -> Iterator[Statement]:
    for line, text in unrolled(database, statement):
        yield replace(statement, text=text, line=line)


def _recognised(database: Database, statement: Statement) -> bool:
    for pattern, read in _READERS:
        found = pattern.match(statement.text)
        if found is not None:
            read(database, statement, found)
            return True
    return False


_Reader = Callable[[Database, Statement, re.Match[str]], None]
_READERS: tuple[tuple[re.Pattern[str], _Reader], ...] = tuple(
    (re.compile(pattern, FLAGS), read)
    for pattern, read in (
        (rf"create\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?{QUALIFIED}", create_table),
        (r"drop\s+table\s+(?:if\s+exists\s+)?(?P<rest>.*)$", drop_table),
        (r"drop\s+schema\s+(?:if\s+exists\s+)?(?P<rest>.*)$", drop_schema),
        (rf"alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?{QUALIFIED}\s*\*?\s+", alter_table),
        (
            r"create\s+(?:unique\s+)?index\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?"
            rf"(?:(?!on\s)(?P<index>{NAME})\s+)?on\s+(?:only\s+)?{QUALIFIED}\s*(?:using\s+\w+\s*)?(?=\()",
            create_index,
        ),
        (r"drop\s+index\s+(?:concurrently\s+)?(?:if\s+exists\s+)?(?P<rest>.*)$", drop_index),
        (
            rf"alter\s+index\s+(?:if\s+exists\s+)?{QUALIFIED}\s+rename\s+to\s+(?P<to>{NAME})",
            rename_index,
        ),
        (rf"create\s+policy\s+(?P<name>{NAME})\s+on\s+{QUALIFIED}", create_policy),
        (rf"alter\s+policy\s+(?P<name>{NAME})\s+on\s+{QUALIFIED}", alter_policy),
        (rf"drop\s+policy\s+(?:if\s+exists\s+)?(?P<name>{NAME})\s+on\s+{QUALIFIED}", drop_policy),
        (rf"create\s+publication\s+(?P<name>{NAME})(?P<rest>.*)$", create_publication),
        (rf"alter\s+publication\s+(?P<name>{NAME})\s+(?P<verb>add|drop|set)\s+(?P<rest>.*)$", alter_publication),
        (r"drop\s+publication\s+(?:if\s+exists\s+)?(?P<rest>.*)$", drop_publication),
        (r"(?P<verb>grant)\s+(?P<rights>.*?)\s+on\s+(?P<objects>.*?)\s+to\s+(?P<roles>.*)$", change_grant),
        (r"(?P<verb>revoke)\s+(?P<rights>.*?)\s+on\s+(?P<objects>.*?)\s+from\s+(?P<roles>.*)$", change_grant),
        (rf"create\s+(?:or\s+replace\s+)?(?:function|procedure)\s+(?P<name>{_FULL})\s*(?=\()", create_function),
        (r"drop\s+(?:function|procedure)\s+(?:if\s+exists\s+)?(?P<rest>.*)$", drop_function),
        (
            rf"create\s+(?:or\s+replace\s+)?(?:constraint\s+)?trigger\s+(?P<name>{NAME})\s+"
            rf"(?P<events>(?:before|after|instead\s+of)\s+.*?)\s+on\s+{QUALIFIED}",
            create_trigger,
        ),
        (rf"drop\s+trigger\s+(?:if\s+exists\s+)?(?P<name>{NAME})\s+on\s+{QUALIFIED}", drop_trigger),
    )
)
