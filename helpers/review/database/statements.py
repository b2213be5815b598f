"""What one SQL statement does to tables, policies and the publication."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import cast

from helpers.diagnosis.probes.project.sql_text import NAME, QUALIFIED, literals, unquoted
from helpers.review.database.columns import add_column, add_constraint, is_constraint
from helpers.review.database.drafts import DatabaseDraft, Identity, TableDraft
from helpers.review.database.facts import PolicyFacts
from helpers.review.database.scanning import FLAGS, bracketed, column_names, names_in, parts
from helpers.review.database.types import of_sql
from helpers.review.source import Place

__all__ = ["apply"]

#: The publication that Realtime reads.
PUBLICATION = "supabase_realtime"
_TABLE = re.compile(rf"\s*(?:table\s+)?(?:only\s+)?{QUALIFIED}", FLAGS)
#: Statements in a DO block, after the words that may stand before them.
_INNER = re.compile(
    r"\b((?:alter|create|drop)\s+(?:publication|policy|table|index|unique\s+index)\b.*)$|\b(execute\b.*)$", FLAGS
)
_DYNAMIC_PUBLICATION = re.compile(r"alter\s+publication\s+supabase_realtime\s+add\s+table|create\s+publication", FLAGS)
_CATALOGS = re.compile(r"\b(?:pg_tables|pg_class|information_schema)\b", FLAGS)


def apply(draft: DatabaseDraft, statement: str, place: Place) -> None:
    """Let a statement do to the draft what it would do to the database; others than those are passed over."""
    if re.match(r"do\b", statement, FLAGS):
        _do(draft, statement, place)
        return
    for pattern, read in _READERS:
        found = pattern.match(statement)
        if found is not None:
            read(draft, found, place)
            return


def _key(found: re.Match[str]) -> tuple[str, str]:
    return unquoted(found["schema"]) or "public", unquoted(found["table"])


def _create_table(draft: DatabaseDraft, found: re.Match[str], place: Place) -> None:
    key = _key(found)
    if key in draft.tables and draft.tables[key].whole:
        return  # `if not exists`, or a schema that is declared beside its migrations
    table = draft.table(key)
    rest = found["rest"]
    table.place, table.row_security, table.identity = place, bool(table.row_security), table.identity or "default"
    listed = rest.lstrip().startswith("(")
    table.whole = listed and not re.search(r"\binherits\s*\(", rest, FLAGS)
    for part in parts(bracketed(rest, 0)[0]) if listed else ():
        if re.match(r"like\b", part, FLAGS):
            table.whole = False
        elif is_constraint(part):
            add_constraint(table, part)
        else:
            add_column(table, part, place)
    table.primary_key = table.primary_key or (() if table.whole else None)


def _drop_table(draft: DatabaseDraft, found: re.Match[str], place: Place) -> None:
    for part in parts(found["rest"]):
        if each := _TABLE.match(part):
            draft.drop(_key(each))


def _drop_schema(draft: DatabaseDraft, found: re.Match[str], place: Place) -> None:
    gone = set(names_in(found["rest"]))
    for key in [key for key in draft.tables if key[0] in gone]:
        draft.drop(key)


def _alter_table(draft: DatabaseDraft, found: re.Match[str], place: Place) -> None:
    key = _key(found)
    for action in parts(found["rest"]):
        renamed = re.match(rf"rename\s+to\s+({NAME})", action, FLAGS)
        moved = re.match(rf"set\s+schema\s+({NAME})", action, FLAGS)
        if renamed or moved:
            to = (key[0], unquoted(renamed[1])) if renamed else (unquoted(moved[1]) if moved else key[0], key[1])
            draft.rename(key, to)
            key = to
        else:
            _action(draft.table(key), action, place)


def _action(table: TableDraft, action: str, place: Place) -> None:
    for pattern, act in _ACTIONS:
        if found := pattern.match(action):
            act(table, found, place)
            return


def _row_security(table: TableDraft, found: re.Match[str], place: Place) -> None:
    table.row_security = found["verb"].lower() == "enable"


def _identity(table: TableDraft, found: re.Match[str], place: Place) -> None:
    word = found["identity"].lower()
    table.identity = cast(Identity, "index" if word == "using" else word)


def _add(table: TableDraft, found: re.Match[str], place: Place) -> None:
    rest = found["rest"]
    if is_constraint(rest):
        add_constraint(table, rest)
    else:
        add_column(table, re.sub(r"^(?:column\s+)?(?:if\s+not\s+exists\s+)?", "", rest, flags=FLAGS), place)


def _drop_column(table: TableDraft, found: re.Match[str], place: Place) -> None:
    name = unquoted(found["name"])
    table.columns.pop(name, None)
    table.indexes = {key: columns for key, columns in table.indexes.items() if name not in columns}


def _drop_constraint(table: TableDraft, found: re.Match[str], place: Place) -> None:
    name = unquoted(found["name"])
    if name == f"{table.name}_pkey" and table.primary_key is not None:
        table.primary_key = ()
    table.indexes.pop(name, None)


def _rename_column(table: TableDraft, found: re.Match[str], place: Place) -> None:
    old, new = unquoted(found["name"]), unquoted(found["to"])
    table.columns = {
        (new if name == old else name): (replace(each, name=new) if name == old else each)
        for name, each in table.columns.items()
    }
    table.primary_key = _renamed(table.primary_key, old, new) if table.primary_key is not None else None
    table.indexes = {key: _renamed(columns, old, new) for key, columns in table.indexes.items()}


def _renamed(columns: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    return tuple(new if column == old else column for column in columns)


def _column_type(table: TableDraft, found: re.Match[str], place: Place) -> None:
    name = unquoted(found["name"])
    if name in table.columns:
        made = re.split(r"\s+(?:using|collate)\s", found["type"], flags=FLAGS)[0]
        table.columns[name] = replace(table.columns[name], type=of_sql(made))


def _create_index(draft: DatabaseDraft, found: re.Match[str], place: Place) -> None:
    inner, end = bracketed(found["rest"], 0)
    if not re.search(r"\bwhere\b", found["rest"][end:], FLAGS):  # of some rows only, it does not serve all
        draft.table(_key(found)).add_index(column_names(inner), unquoted(found["name"]))


def _drop_index(draft: DatabaseDraft, found: re.Match[str], place: Place) -> None:
    for part in parts(found["rest"]):
        name = _TABLE.match(part)
        for table in draft.tables.values():
            table.indexes.pop(unquoted(name["table"]) if name else "", None)


def _create_policy(draft: DatabaseDraft, found: re.Match[str], place: Place) -> None:
    key, name = _key(found), unquoted(found["name"])
    command, roles, using, check = _policy_parts(found["rest"])
    draft.policies[key, name] = PolicyFacts(
        name, *key, (command or "all").upper(), roles or ("public",), using or "", check or "", place
    )


def _alter_policy(draft: DatabaseDraft, found: re.Match[str], place: Place) -> None:
    key, name = _key(found), unquoted(found["name"])
    old = draft.policies.get((key, name))
    if old is None:
        return
    if renamed := re.match(rf"\s*rename\s+to\s+({NAME})", found["rest"], FLAGS):
        del draft.policies[key, name]
        name = unquoted(renamed[1])
    _, roles, using, check = _policy_parts(found["rest"])
    draft.policies[key, name] = PolicyFacts(
        name,
        *key,
        old.command,
        roles or old.roles,
        old.using if using is None else using,
        old.check if check is None else check,
        place if using is not None else old.place,
    )


def _drop_policy(draft: DatabaseDraft, found: re.Match[str], place: Place) -> None:
    draft.policies.pop((_key(found), unquoted(found["name"])), None)


def _policy_parts(rest: str) -> tuple[str, tuple[str, ...], str | None, str | None]:
    """Command, roles, `using` and `with check`, each empty or None where it is not said."""
    head = re.split(r"\b(?:using|with\s+check)\b", rest, maxsplit=1, flags=FLAGS)[0]
    command = re.search(r"\bfor\s+(all|select|insert|update|delete)\b", head, FLAGS)
    roles = re.search(r"\bto\s+(.*)$", head, FLAGS)
    return (
        command[1] if command else "",
        tuple(names_in(roles[1])) if roles and not head.lstrip().lower().startswith("rename") else (),
        _expression(rest, r"\busing\s*(?=\()"),
        _expression(rest, r"\bwith\s+check\s*(?=\()"),
    )


def _expression(rest: str, word: str) -> str | None:
    found = re.search(word, rest, FLAGS)
    return " ".join(bracketed(rest, found.end())[0].split()) if found else None


def _create_publication(draft: DatabaseDraft, found: re.Match[str], place: Place) -> None:
    if unquoted(found["name"]) == PUBLICATION:
        _publish(draft, re.sub(r"^\s*for\s+", "", found["rest"], flags=FLAGS))


def _alter_publication(draft: DatabaseDraft, found: re.Match[str], place: Place) -> None:
    verb = found["verb"].lower()
    if unquoted(found["name"]) != PUBLICATION or found["rest"].lstrip().startswith("("):
        return
    if verb == "drop":
        for key in _named_tables(found["rest"]):
            draft.publication.tables.discard(key)
        return
    if verb == "set":
        draft.publication.clear()
    _publish(draft, found["rest"])


def _drop_publication(draft: DatabaseDraft, found: re.Match[str], place: Place) -> None:
    if PUBLICATION in names_in(found["rest"]):
        draft.publication.clear()


def _publish(draft: DatabaseDraft, rest: str) -> None:
    publication, text = draft.publication, rest.strip()
    if re.match(r"all\s+tables", text, FLAGS):
        publication.told = publication.everything = True
    elif schemas := re.match(r"tables\s+in\s+schema\s+(.*)$", text, FLAGS):
        publication.told = True
        publication.schemas.update(names_in(schemas[1]))
    elif tables := re.match(r"table\s+(.*)$", text, FLAGS):
        publication.told = True
        publication.tables.update(_named_tables(tables[1]))


def _named_tables(text: str) -> Iterator[tuple[str, str]]:
    for part in parts(re.sub(r"^\s*table\s+", "", text, flags=FLAGS)):
        if found := _TABLE.match(part):
            yield _key(found)


def _do(draft: DatabaseDraft, statement: str, place: Place) -> None:
    """A DO block: its plain statements are read as such; of those that are put together, what they publish."""
    body = re.sub(r"^do\s+(?:language\s+\w+\s+)?(?:\$\w*\$|')|(?:\$\w*\$|')\s*(?:language\s+\w+)?$", "", statement)
    for piece in body.split(";"):
        found = _INNER.search(piece)
        if found is None:
            continue
        if found[1] and not re.search(r"\bexecute\b", piece, FLAGS):
            before = piece[: found.start()].count("\n") + body[: body.find(piece)].count("\n")
            apply(draft, found[1].strip(), Place(place.path, place.line + before))
        elif _DYNAMIC_PUBLICATION.search(piece):
            _publish_dynamically(draft, body)


def _publish_dynamically(draft: DatabaseDraft, body: str) -> None:
    """Tables that a block names are published; all of them if it loops over the catalogs, or names none."""
    names = {name for name in literals(body) if re.fullmatch(r"[\w$]+(?:\.[\w$]+)?", name)} - {PUBLICATION, "public"}
    draft.publication.told = True
    if not names or _CATALOGS.search(re.sub(r"pg_publication_tables", "", body)):
        draft.publication.everything = True
    for name in names:
        schema, _, table = name.rpartition(".")
        draft.publication.tables.add((schema or "public", table))


_Act = Callable[[TableDraft, "re.Match[str]", Place], None]
_ACTIONS: tuple[tuple[re.Pattern[str], _Act], ...] = tuple(
    (re.compile(pattern, FLAGS), act)
    for pattern, act in (
        (r"(?P<verb>enable|disable)\s+row\s+level\s+security", _row_security),
        (r"replica\s+identity\s+(?P<identity>full|nothing|default|using)\b", _identity),
        (rf"drop\s+constraint\s+(?:if\s+exists\s+)?(?P<name>{NAME})", _drop_constraint),
        (rf"drop\s+(?:column\s+)?(?:if\s+exists\s+)?(?P<name>{NAME})", _drop_column),
        (rf"rename\s+(?!constraint)(?:column\s+)?(?P<name>{NAME})\s+to\s+(?P<to>{NAME})", _rename_column),
        (rf"alter\s+(?:column\s+)?(?P<name>{NAME})\s+(?:set\s+data\s+)?type\s+(?P<type>.*)$", _column_type),
        (r"add\s+(?P<rest>.*)$", _add),
    )
)
_Read = Callable[[DatabaseDraft, "re.Match[str]", Place], None]
_READERS: tuple[tuple[re.Pattern[str], _Read], ...] = tuple(
    (re.compile(pattern, FLAGS), read)
    for pattern, read in (
        (rf"create\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?{QUALIFIED}(?P<rest>.*)$", _create_table),
        (r"drop\s+table\s+(?:if\s+exists\s+)?(?P<rest>.*)$", _drop_table),
        (r"drop\s+schema\s+(?:if\s+exists\s+)?(?P<rest>.*)$", _drop_schema),
        (rf"alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?{QUALIFIED}\s*\*?\s+(?P<rest>.*)$", _alter_table),
        (
            rf"create\s+(?:unique\s+)?index\s+(?:concurrently\s+)?(?:if\s+not\s+exists\s+)?(?P<name>(?!on\b){NAME})?"
            rf"\s*on\s+(?:only\s+)?{QUALIFIED}(?P<rest>.*)$",
            _create_index,
        ),
        (r"drop\s+index\s+(?:concurrently\s+)?(?:if\s+exists\s+)?(?P<rest>.*)$", _drop_index),
        (rf"create\s+policy\s+(?P<name>{NAME})\s+on\s+{QUALIFIED}(?P<rest>.*)$", _create_policy),
        (rf"alter\s+policy\s+(?P<name>{NAME})\s+on\s+{QUALIFIED}(?P<rest>.*)$", _alter_policy),
        (rf"drop\s+policy\s+(?:if\s+exists\s+)?(?P<name>{NAME})\s+on\s+{QUALIFIED}", _drop_policy),
        (rf"create\s+publication\s+(?P<name>{NAME})(?P<rest>.*)$", _create_publication),
        (rf"alter\s+publication\s+(?P<name>{NAME})\s+(?P<verb>add|drop|set)\s+(?P<rest>.*)$", _alter_publication),
        (r"drop\s+publication\s+(?:if\s+exists\s+)?(?P<rest>.*)$", _drop_publication),
    )
)
