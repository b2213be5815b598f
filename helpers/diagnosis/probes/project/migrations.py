"""Reads Prisma's migrations for what they do to publication, replica identity, grants and policies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from helpers.diagnosis.evidence.base import Missing
from helpers.diagnosis.evidence.project import Effect, EffectKind, Migration
from helpers.diagnosis.probes.project.files import UnreadableFile, named, read_text
from helpers.schemas.sql_text import NAME, QUALIFIED, literals, split_statements, unquoted

__all__ = ["effects_of", "read_migrations"]

#: The publication that Realtime reads.
PUBLICATION = "supabase_realtime"
_FLAGS = re.IGNORECASE | re.DOTALL
#: What stands around the body of a DO block.
_FRAME = re.compile(r"^do\s+(language\s+\w+\s+)?(\$\w*\$|')|(\$\w*\$|')\s*(language\s+\w+)?$", _FLAGS)
_TABLES = re.compile(rf"\s*(?:only\s+)?{QUALIFIED}\s*(?:\*|\([^)]*\))?(?:\s+where\s+\([^;]*?\))?\s*(?:,|$)", _FLAGS)


def read_migrations(folder: Path, root: Path) -> tuple[Migration, ...] | Missing:
    """All migrations in the order in which Prisma applies them."""
    try:
        files = sorted(path / "migration.sql" for path in folder.iterdir() if (path / "migration.sql").exists())
        return tuple(
            Migration(file.parent.name, named(file, root), effects_of(read_text(file, root))) for file in files
        )
    except UnreadableFile as error:
        return Missing(str(error), tried=True)
    except OSError:
        return Missing(f"there is no folder {named(folder, root)}")


def effects_of(text: str) -> tuple[Effect, ...]:
    """What the statements of one migration do, in their order."""
    return tuple(effect for line, statement in split_statements(text) for effect in _effects(line, statement))


def _effects(line: int, statement: str) -> Iterator[Effect]:
    if re.match(r"(do|create\s+(or\s+replace\s+)?(function|procedure))\b", statement, _FLAGS):
        if statement[:2].lower() == "do":
            yield from _dynamic(line, statement)
        return
    for pattern, read in _READERS:
        found = pattern.match(statement)
        if found is not None:
            yield from read(line, found)
            return


def _one(kind: EffectKind, line: int, found: re.Match[str], detail: str = "") -> Effect:
    return Effect(kind, unquoted(found["schema"]), unquoted(found["table"]), detail, line)


def _created(line: int, found: re.Match[str]) -> Iterator[Effect]:
    yield _one(EffectKind.CREATE_TABLE, line, found)


def _dropped(line: int, found: re.Match[str]) -> Iterator[Effect]:
    rest = re.sub(r"\s+(cascade|restrict)\s*$", "", found["rest"], flags=_FLAGS)
    for each in _TABLES.finditer(rest):
        yield _one(EffectKind.DROP_TABLE, line, each)


def _schema_dropped(line: int, found: re.Match[str]) -> Iterator[Effect]:
    rest = re.sub(r"\s+(cascade|restrict)\s*$", "", found["rest"], flags=_FLAGS)
    for name in re.findall(NAME, rest):
        yield Effect(EffectKind.DROP_SCHEMA, unquoted(name), line=line)


def _created_publication(line: int, found: re.Match[str]) -> Iterator[Effect]:
    if unquoted(found["name"]) == PUBLICATION:
        yield from _published(line, found["rest"], EffectKind.PUBLISH)


def _altered_publication(line: int, found: re.Match[str]) -> Iterator[Effect]:
    if unquoted(found["name"]) != PUBLICATION:
        return
    verb = found["verb"].lower()
    if verb == "set":
        yield Effect(EffectKind.DROP_PUBLICATION, line=line)
    yield from _published(line, found["rest"], EffectKind.UNPUBLISH if verb == "drop" else EffectKind.PUBLISH)


def _published(line: int, rest: str, kind: EffectKind) -> Iterator[Effect]:
    text = re.sub(r"^\s*for\s+|\s+with\s*\(.*$", "", rest, flags=_FLAGS).strip()
    if re.match(r"all\s+tables", text, _FLAGS):
        yield Effect(kind, line=line)
    elif found := re.match(r"tables\s+in\s+schema\s+(.*)$", text, _FLAGS):
        for name in re.findall(NAME, found[1]):
            yield Effect(kind, unquoted(name), line=line)
    elif found := re.match(r"table\s+(.*)$", text, _FLAGS):
        for each in _TABLES.finditer(found[1]):
            yield _one(kind, line, each)


def _dropped_publication(line: int, found: re.Match[str]) -> Iterator[Effect]:
    if PUBLICATION in {unquoted(name) for name in re.findall(NAME, found["rest"])}:
        yield Effect(EffectKind.DROP_PUBLICATION, line=line)


def _altered_table(line: int, found: re.Match[str]) -> Iterator[Effect]:
    for action in re.split(r",(?![^()]*\))", found["rest"]):
        for pattern, kind in _ACTIONS:
            if seen := pattern.match(action.strip()):
                detail = seen["detail"].lower() if kind is EffectKind.REPLICA_IDENTITY else unquoted(seen["detail"])
                yield _one(kind, line, found, detail)
                break


def _granted(line: int, found: re.Match[str]) -> Iterator[Effect]:
    if not re.search(r"\b(select|all)\b", found["rights"], _FLAGS):
        return
    if not re.search(r"\b(anon|authenticated|public)\b", found["roles"], _FLAGS):
        return
    objects = found["objects"]
    if every := re.match(r"all\s+tables\s+in\s+schema\s+(.*)$", objects, _FLAGS):
        for name in re.findall(NAME, every[1]):
            yield Effect(EffectKind.GRANT, unquoted(name), line=line)
    elif not re.match(r"(schema|sequence|all\s+sequences|function|all\s+functions|type|database)\b", objects, _FLAGS):
        for each in _TABLES.finditer(re.sub(r"^table\s+", "", objects, flags=_FLAGS)):
            yield _one(EffectKind.GRANT, line, each)


def _default_privileges(line: int, found: re.Match[str]) -> Iterator[Effect]:
    """What later tables get by themselves; whichever they are."""
    rest = found["rest"]
    if re.search(
        r"grant\s+(all|[^;]*select)[^;]*\bon\s+tables\s+to\b[^;]*\b(anon|authenticated|public)\b", rest, _FLAGS
    ):
        yield Effect(EffectKind.GRANT, detail="later tables", line=line)


def _policy(line: int, found: re.Match[str]) -> Iterator[Effect]:
    yield _one(EffectKind.POLICY, line, found)


#: Words by which a statement that is put together at run time tells what it does.
_DYNAMIC = (
    (r"publication.*\badd\s+table|create\s+publication", EffectKind.PUBLISH),
    (r"replica\s+identity", EffectKind.REPLICA_IDENTITY),
    (r"\bgrant\s+(all|[^;]*select)", EffectKind.GRANT),
    (r"create\s+policy", EffectKind.POLICY),
)


def _dynamic(line: int, statement: str) -> Iterator[Effect]:
    """A DO block: it concerns the tables that it names, and all when it names none (it loops over the catalogs)."""
    body = _FRAME.sub("", statement)
    names = {name for name in literals(body) if re.fullmatch(r"[^\s%().]+(\.[^\s%().]+)?", name)}
    names |= {unquoted(each["table"]) for each in re.finditer(rf"\btable\s+(?:only\s+)?{QUALIFIED}", body, _FLAGS)}
    names -= {PUBLICATION, "only"}
    if re.search(r"\b(pg_tables|pg_class|information_schema)\b", body, _FLAGS):
        names = set()
    for words, kind in _DYNAMIC:
        if not re.search(words, body, _FLAGS):
            continue
        detail = "full" if re.search(r"identity\s+full", body, _FLAGS) else ""
        if not names:
            yield Effect(kind, "", "", detail, line)
        for name in sorted(names):
            schema, _, table = name.rpartition(".")
            yield Effect(kind, schema, table, detail, line)


_READERS = tuple(
    (re.compile(pattern, _FLAGS), read)
    for pattern, read in (
        (rf"create\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?{QUALIFIED}", _created),
        (r"drop\s+table\s+(?:if\s+exists\s+)?(?P<rest>.*)$", _dropped),
        (r"drop\s+schema\s+(?:if\s+exists\s+)?(?P<rest>.*)$", _schema_dropped),
        (rf"create\s+publication\s+(?P<name>{NAME})(?P<rest>.*)$", _created_publication),
        (
            rf"alter\s+publication\s+(?P<name>{NAME})\s+(?P<verb>add|drop|set)\s+(?P<rest>(?!\().*)$",
            _altered_publication,
        ),
        (r"drop\s+publication\s+(?:if\s+exists\s+)?(?P<rest>.*)$", _dropped_publication),
        (rf"alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?{QUALIFIED}\s+(?P<rest>.*)$", _altered_table),
        (r"grant\s+(?P<rights>.*?)\s+on\s+(?P<objects>.*?)\s+to\s+(?P<roles>.*)$", _granted),
        (r"alter\s+default\s+privileges\s+(?P<rest>.*)$", _default_privileges),
        (rf"create\s+policy\s+{NAME}\s+on\s+{QUALIFIED}", _policy),
    )
)
_ACTIONS = tuple(
    (re.compile(pattern, _FLAGS), kind)
    for pattern, kind in (
        (rf"rename\s+to\s+(?P<detail>{NAME})", EffectKind.RENAME_TABLE),
        (rf"rename\s+(?:column\s+)?(?P<detail>{NAME})\s+to\s", EffectKind.RENAME_COLUMN),
        (rf"drop\s+(?!constraint)(?:column\s+)?(?:if\s+exists\s+)?(?P<detail>{NAME})", EffectKind.DROP_COLUMN),
        (rf"alter\s+(?:column\s+)?(?P<detail>{NAME})\s+(?:set\s+data\s+)?type\s", EffectKind.CHANGE_TYPE),
        (r"replica\s+identity\s+(?P<detail>\w+)", EffectKind.REPLICA_IDENTITY),
    )
)
