"""Statements about policies, grants, functions and triggers."""

from __future__ import annotations

import re
from dataclasses import replace

from helpers.review.database.facts import FunctionFacts, PolicyFacts, TriggerFacts
from helpers.review.database.pieces import FLAGS, inside, names, one_line, parts, qualified
from helpers.review.database.state import Database, Statement, Table
from helpers.schemas.sql_text import NAME, unquoted

__all__ = [
    "alter_policy",
    "change_grant",
    "create_function",
    "create_policy",
    "create_trigger",
    "drop_function",
    "drop_policy",
    "drop_trigger",
]

_FOR = re.compile(r"\bfor\s+(all|select|insert|update|delete)\b", FLAGS)
_TO = re.compile(rf"\bto\s+(?P<roles>{NAME}(?:\s*,\s*{NAME})*)", FLAGS)
_CLAUSE = re.compile(r"\b(using|with\s+check)\s*(?=\()", FLAGS)
_BROADCAST = re.compile(r"\brealtime\s*\.\s*(?:broadcast_changes|send)\s*\(", FLAGS)
_EVENT = re.compile(r"\b(insert|update|delete|truncate)\b", FLAGS)
_PRIVILEGES = ("DELETE", "INSERT", "MAINTAIN", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE")


def _table(database: Database, statement: Statement, found: re.Match[str]) -> Table:
    name = (unquoted(found["schema"]) or statement.home, unquoted(found["table"]))
    return database.table(name, statement.place())


def create_policy(database: Database, statement: Statement, found: re.Match[str]) -> None:
    table, rest = _table(database, statement, found), statement.text[found.end() :]
    before, clauses = _clauses(rest)
    command, roles = _FOR.search(before), _TO.search(before)
    name = unquoted(found["name"])
    table.policies[name] = PolicyFacts(
        name,
        table.schema,
        table.name,
        command[1].upper() if command else "ALL",
        tuple(names(roles["roles"])) if roles else ("public",),
        clauses.get("using", ""),
        clauses.get("with", ""),
        statement.place(),
        not re.search(r"\bas\s+restrictive\b", before, FLAGS),
    )


def _clauses(rest: str) -> tuple[str, dict[str, str]]:
    """What stands before the expressions, and these by their first words."""
    clauses: dict[str, str] = {}
    first = end = len(rest)
    position = 0
    while found := _CLAUSE.search(rest, position):
        body = inside(rest, found.end())
        if body is None:
            break
        first, end = min(first, found.start()), body[1]
        clauses[found[1].lower().split()[0]] = one_line(body[0])
        position = end
    return rest[:first], clauses


def alter_policy(database: Database, statement: Statement, found: re.Match[str]) -> None:
    table, name = _table(database, statement, found), unquoted(found["name"])
    policy = table.policies.get(name)
    if policy is None:
        return
    rest = statement.text[found.end() :]
    renamed = re.match(rf"\s*rename\s+to\s+({NAME})", rest, FLAGS)
    if renamed is not None:
        del table.policies[name]
        table.policies[unquoted(renamed[1])] = replace(policy, name=unquoted(renamed[1]))
        return
    before, clauses = _clauses(rest)
    roles = _TO.search(before)
    table.policies[name] = replace(
        policy,
        roles=tuple(names(roles["roles"])) if roles else policy.roles,
        using=clauses.get("using", policy.using),
        check=clauses.get("with", policy.check),
        place=statement.place(),
    )


def drop_policy(database: Database, statement: Statement, found: re.Match[str]) -> None:
    table = database.tables.get((unquoted(found["schema"]) or statement.home, unquoted(found["table"])))
    policy = table.policies.get(unquoted(found["name"])) if table else None
    if table is not None and policy is not None and statement.may_drop(policy.place):
        del table.policies[policy.name]


def change_grant(database: Database, statement: Statement, found: re.Match[str]) -> None:
    """``grant`` and ``revoke`` on tables; those on columns, sequences, functions and schemas are passed over."""
    rights = re.sub(r"^grant\s+option\s+for\s+", "", found["rights"].strip(), flags=FLAGS)
    if "(" in rights:
        return
    every = re.match(r"all\b", rights, FLAGS)
    privileges = set(_PRIVILEGES) if every else {word.strip().upper() for word in rights.split(",")}
    words = re.sub(r"\s+(with\s+grant\s+option|granted\s+by\b.*|cascade|restrict)\s*$", "", found["roles"], flags=FLAGS)
    roles = [unquoted(name) for _, item in parts(words) for name in re.findall(NAME, item)[-1:]]
    for table in _granted_tables(database, statement, found["objects"]):
        for role in roles:
            held = table.grants.setdefault(role, set())
            if found["verb"].lower() == "grant":
                held |= privileges & set(_PRIVILEGES)
            else:
                held -= privileges


def _granted_tables(database: Database, statement: Statement, objects: str) -> list[Table]:
    whole = re.match(r"all\s+tables\s+in\s+schema\s+(.*)$", objects, FLAGS)
    if whole is not None:
        schemas = set(names(whole[1]))
        return [table for table in database.tables.values() if table.schema in schemas]
    if re.match(
        r"(all\s+\w+\s+in|schema|sequence|function|procedure|routine|type|domain|database|language|foreign|large|tablespace)\s",
        objects,
        FLAGS,
    ):
        return []
    listed = (qualified(item, statement.home) for _, item in parts(re.sub(r"^table\s+", "", objects, flags=FLAGS)))
    return [database.tables[name] for name in listed if name in database.tables]


def create_function(database: Database, statement: Statement, found: re.Match[str]) -> None:
    name = qualified(found["name"], statement.home)
    text = statement.text[found.end() :]
    database.functions[name] = FunctionFacts(
        *name,
        broadcasts=_BROADCAST.search(text) is not None,
        security_definer=re.search(r"\bsecurity\s+definer\b", text, FLAGS) is not None,
        place=statement.place(),
    )


def drop_function(database: Database, statement: Statement, found: re.Match[str]) -> None:
    for _, item in parts(found["rest"]):
        name = qualified(item.partition("(")[0], statement.home)
        function = database.functions.get(name)
        if function is not None and statement.may_drop(function.place):
            del database.functions[name]


def create_trigger(database: Database, statement: Statement, found: re.Match[str]) -> None:
    runs = re.search(rf"\bexecute\s+(?:function|procedure)\s+((?:{NAME}\s*\.\s*)?{NAME})", statement.text, FLAGS)
    table = _table(database, statement, found)
    function = qualified(runs[1], statement.home) if runs else ("", "")
    name = unquoted(found["name"])
    table.triggers[name] = TriggerFacts(
        name,
        tuple(dict.fromkeys(word.upper() for word in _EVENT.findall(found["events"]))),
        ".".join(function) if runs else "",
        place=statement.place(),
    )


def drop_trigger(database: Database, statement: Statement, found: re.Match[str]) -> None:
    table = database.tables.get((unquoted(found["schema"]) or statement.home, unquoted(found["table"])))
    trigger = table.triggers.get(unquoted(found["name"])) if table else None
    if table is not None and trigger is not None and statement.may_drop(trigger.place):
        del table.triggers[trigger.name]
