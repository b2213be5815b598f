"""Finds a project's Prisma schema and reads its models, enums and datasource, with the place of each."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

from helpers.diagnosis.evidence.base import Missing
from helpers.diagnosis.evidence.prisma_schema import DatabaseEnum, Datasource, Model, ModelField, PrismaSchema
from helpers.diagnosis.probes.project.files import UnreadableFile, named, read_text, walk
from helpers.schemas.prisma_text import (
    FIELD,
    Block,
    Entry,
    SchemaSyntaxError,
    first_word,
    mapped_name,
    names_in,
    read_blocks,
    text_of,
)

__all__ = ["ReadSchema", "find_schema", "parse_schema", "read_schema"]

#: Where Prisma looks by itself.
USUAL = ("schema.prisma", "prisma/schema.prisma", "prisma/schema", "prisma")
_CONFIGURED = re.compile(r"\bschema\s*:\s*(?:path\.)?((?:join|resolve)\([^)]*\)|[\"'`][^\"'`\n]*[\"'`])")
_PIECE = re.compile(r"[\"'`]([^\"'`]*)[\"'`]")
_WORD = re.compile(r"[^\W\d][\w-]*$")
_SETTING = re.compile(r"([\w-]+)\s*=\s*(.*)$", re.DOTALL)
_NAMES = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class ReadSchema:
    """A schema, its folder (beside which migrations lie), and the datasource's settings as they are written."""

    schema: PrismaSchema
    folder: Path
    settings: dict[str, str]


def find_schema(root: Path, config: str) -> Path | None:
    """The schema's file or folder: as configured, else where Prisma looks by itself."""
    wanted = [*_named_in(root, config), *USUAL]
    for path in (root / name for name in wanted):
        if path.is_file() or (path.is_dir() and any(walk(path, ".prisma"))):
            return path
    return None


def _elsewhere(root: Path) -> str:
    """Of a repository with several packages, the one that has a schema, as `apps/*` and `packages/*` are laid out."""
    found = sorted(
        path for pattern in ("*/*/prisma", "*/prisma", "*/*") for path in root.glob(f"{pattern}/schema.prisma")
    )
    others = [path for path in found if "node_modules" not in path.relative_to(root).parts]
    if not others:
        return ""
    folder = others[0].parent.parent if others[0].parent.name == "prisma" else others[0].parent
    return f": name the folder {named(folder, root)}, which has one"


def read_schema(root: Path, config: str) -> ReadSchema | Missing:
    """All models of the project; `Missing` says which line cannot be read."""
    path = find_schema(root, config)
    if path is None:
        return Missing(f"there is no schema.prisma in {root.name or 'the folder'}{_elsewhere(root)}")
    files = [path] if path.is_file() else list(walk(path, ".prisma"))
    try:
        blocks = [block for file in files for block in read_blocks(read_text(file, root), named(file, root))]
        schema = _schema(named(path, root), blocks)
    except (SchemaSyntaxError, UnreadableFile) as error:
        return Missing(str(error), tried=True)
    return ReadSchema(schema, path if path.is_dir() else path.parent, _settings(blocks))


def parse_schema(text: str, name: str = "schema.prisma") -> PrismaSchema:
    """One file's text.

    Raises:
        SchemaSyntaxError: with the line.
    """
    return _schema(name, read_blocks(text, name))


def _named_in(root: Path, config: str) -> list[str]:
    names = ["".join(f"/{piece}" for piece in _PIECE.findall(found[1])) for found in _CONFIGURED.finditer(config)]
    try:
        package = json.loads(read_text(root / "package.json", root))
        setting = package.get("prisma", {}).get("schema") if isinstance(package, dict) else None
    except (UnreadableFile, ValueError, AttributeError, RecursionError):
        setting = None
    relative = [name.lstrip("/") for name in [*names, *([setting] if isinstance(setting, str) else [])]]
    return [name for name in relative if ".." not in Path(name).parts]


def _schema(file: str, blocks: list[Block]) -> PrismaSchema:
    others = {block.name for block in blocks if block.kind in ("model", "view", "type")}
    sources = [_datasource(block) for block in blocks if block.kind == "datasource"]
    return PrismaSchema(
        file=file,
        models=tuple(_model(block, others) for block in blocks if block.kind in ("model", "view") and _is_used(block)),
        enums=tuple(_enum(block) for block in blocks if block.kind == "enum"),
        datasource=sources[0] if sources else None,
        adapter=any(_without_engine(block) for block in blocks if block.kind == "generator"),
    )


def _is_used(block: Block) -> bool:
    return block.attribute("ignore") is None


def _model(block: Block, others: set[str]) -> Model:
    entries = [(entry, found) for entry in block.entries if entry.head and (found := FIELD.match(entry.head))]
    wrong = next((entry for entry in block.entries if entry.head and not FIELD.match(entry.head)), None)
    if wrong is not None:
        raise SchemaSyntaxError(block.file, wrong.line, f"“{first_word(wrong.head)}” is not a field of {block.name}")
    fields = tuple(_field(entry, found) for entry, found in entries if found[2] not in others)
    columns = {field.name: field.column for field in fields}
    schema = block.attribute("schema")
    return Model(
        name=block.name,
        table=mapped_name(block.attribute("map"), block.name),
        schema=(text_of(schema.arguments) or "") if schema else "",
        fields=fields,
        key=tuple(columns.get(name, name) for name in _key(block, entries)),
        linked=tuple(columns.get(name, name) for name in _linked(block, entries)),
        is_view=block.kind == "view",
        place=f"{block.file}:{block.line}",
    )


def _field(entry: Entry, found: re.Match[str]) -> ModelField:
    native = next((each for each in entry.attributes if each.name.startswith("db.")), None)
    shown = "" if native is None else native.name[3:] + (f"({native.arguments})" if native.arguments else "")
    return ModelField(
        name=found[1],
        column=mapped_name(entry.attribute("map"), found[1]),
        type=found[2],
        is_list=found[3] is not None,
        is_optional=found[4] is not None,
        native=shown,
        line=entry.line,
    )


def _key(block: Block, entries: list[tuple[Entry, re.Match[str]]]) -> list[str]:
    whole = block.attribute("id")
    if whole is not None:
        return names_in(whole.arguments)
    return [found[1] for entry, found in entries if entry.attribute("id")]


def _linked(block: Block, entries: list[tuple[Entry, re.Match[str]]]) -> list[str]:
    """Fields of relations that lead no index: without foreign keys in the database nothing else makes one."""
    leading = {names[0] for names in _indexes(block) if names}
    leading |= {found[1] for entry, found in entries if entry.attribute("id") or entry.attribute("unique")}
    linked = []
    for entry, _ in entries:
        relation = entry.attribute("relation")
        names = re.search(r"fields\s*:\s*\[([^\]]*)\]", relation.arguments) if relation else None
        linked += _NAMES.findall(names[1])[:1] if names else []
    return [name for name in linked if name not in leading]


def _indexes(block: Block) -> list[list[str]]:
    attributes = [each for entry in block.entries if not entry.head for each in entry.attributes]
    return [names_in(each.arguments) for each in attributes if each.name in ("index", "unique", "id")]


def _enum(block: Block) -> DatabaseEnum:
    for entry in block.entries:
        if entry.head and not _WORD.match(entry.head):
            raise SchemaSyntaxError(
                block.file, entry.line, f"“{first_word(entry.head)}” is not a value of {block.name}"
            )
    schema = block.attribute("schema")
    return DatabaseEnum(
        name=block.name,
        type_name=mapped_name(block.attribute("map"), block.name),
        schema=(text_of(schema.arguments) or "") if schema else "",
        values=tuple((e.head, mapped_name(e.attribute("map"), e.head)) for e in block.entries if e.head),
        place=f"{block.file}:{block.line}",
    )


def _datasource(block: Block) -> Datasource:
    settings = _assignments(block)
    names = re.findall(r'"([^"]*)"', settings.get("schemas", ""))
    source = Datasource(provider=text_of(settings.get("provider", "")) or "", place=f"{block.file}:{block.line}")
    return replace(source, relation_mode=text_of(settings.get("relationMode", "")) or "", schemas=tuple(names))


def _settings(blocks: list[Block]) -> dict[str, str]:
    sources = [block for block in blocks if block.kind == "datasource"]
    return _assignments(sources[0]) if sources else {}


def _assignments(block: Block) -> dict[str, str]:
    found = (_SETTING.match(entry.head) for entry in block.entries)
    return {each[1]: each[2].strip() for each in found if each}


def _without_engine(block: Block) -> bool:
    settings = _assignments(block)
    engine = text_of(settings.get("engineType", ""))
    return engine == "client" or "queryCompiler" in settings.get("previewFeatures", "")
