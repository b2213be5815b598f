"""What the text of a function tells: tables that it reads or truncates, topics that it sends to."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from helpers.diagnosis.evidence import TableName

__all__ = ["Sending", "sending", "tables_read", "truncated", "without_truncate"]

_NAME = r'(?:"(?:[^"]|"")+"|[a-z_\u0080-\uffff][\w$]*)'
_TABLE = rf"({_NAME}(?:\s*\.\s*{_NAME})?)"
_READ = re.compile(rf"\b(?:from|join)\s+(?:only\s+)?{_TABLE}", re.IGNORECASE)
_TRUNCATE = re.compile(
    rf"\btruncate\s+(?:table\s+)?(?:only\s+)?{_TABLE}(?:\s+(?:restart|continue)\s+identity)?(?:\s+(?:cascade|restrict))?",
    re.IGNORECASE,
)
_SEND = re.compile(r"realtime\.(send|send_binary|broadcast_changes)\s*\(")
#: Where the topic stands among the arguments.
_TOPIC_AT = {"broadcast_changes": 0, "send": 2, "send_binary": 2}
_LITERAL = re.compile(r"'((?:[^']|'')*)'")


def tables_read(body: str, tables: Collection[TableName]) -> tuple[TableName, ...]:
    """Which of these tables a body reads. A name without a schema counts for each table of that name."""
    return tuple(sorted(_meant((found.group(1) for found in _READ.finditer(body)), tables)))


def truncated(body: str, tables: Collection[TableName]) -> tuple[TableName, ...]:
    """Which of these tables a body truncates."""
    return tuple(sorted(_meant((found.group(1) for found in _TRUNCATE.finditer(body)), tables)))


def without_truncate(definition: str) -> str:
    """The statement that makes the function, with a DELETE, whose rows are told, for each TRUNCATE."""
    return _TRUNCATE.sub(lambda found: f"delete from {found.group(1)}", definition).rstrip().rstrip(";") + ";"


@dataclass(frozen=True, slots=True)
class Sending:
    """The first call in a body that sends: whether it is `broadcast_changes`, and where it sends to."""

    whole_rows: bool
    topic: str
    private: bool


def sending(body: str) -> Sending:
    """What a body sends. Of a topic that is put together, the literal that it begins with."""
    found = _SEND.search(body)
    if found is None:
        return Sending(whole_rows=False, topic="", private=True)
    name, arguments = found.group(1), [each.strip() for each in _arguments(body[found.end() :])]
    at = _TOPIC_AT[name]
    literal = _LITERAL.match(arguments[at]) if at < len(arguments) else None
    topic = literal.group(1).replace("''", "'") if literal else ""
    whole_rows = name == "broadcast_changes"
    return Sending(whole_rows, topic, whole_rows or arguments[3:4] != ["false"])


def _arguments(text: str) -> list[str]:
    """Arguments up to the parenthesis that closes the call; commas in quotes and in parentheses do not count."""
    depth, quoted, found, current = 0, False, [], ""
    for sign in text:
        quoted ^= sign == "'"
        if not quoted and depth == 0 and sign in ",)":
            found.append(current)
            current = ""
            if sign == ")":
                break
            continue
        if not quoted:
            depth += (sign == "(") - (sign == ")")
        current += sign
    return found


def _meant(names: Iterable[str], tables: Collection[TableName]) -> set[TableName]:
    wanted = {TableName.parse(_folded(name), "") for name in names}
    return {table for table in tables if table in wanted or TableName("", table.table) in wanted}


def _folded(name: str) -> str:
    """Without spaces at the dot, and unquoted parts in lower case, as PostgreSQL reads them."""
    parts = re.findall(_NAME, name, re.IGNORECASE)
    return ".".join(part if part.startswith('"') else part.lower() for part in parts)
