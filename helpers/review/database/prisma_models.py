"""What `schema.prisma` says of tables: columns and keys, and how Prisma calls them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from helpers.review.database.facts import ColumnFacts
from helpers.review.database.pieces import plain_type
from helpers.review.database.state import Database, Table
from helpers.review.source import Place
from helpers.schemas.prisma_text import FIELD, Block, Entry, mapped_name, names_in, text_of

__all__ = ["apply_models"]

#: What Prisma makes of its types: https://www.prisma.io/docs/orm/core-concepts/supported-databases/postgresql
_TYPES = {
    "BigInt": "bigint",
    "Boolean": "boolean",
    "Bytes": "bytea",
    "DateTime": "timestamp",
    "Decimal": "numeric",
    "Float": "double precision",
    "Int": "integer",
    "Json": "jsonb",
    "String": "text",
}
_NATIVE = {"DoublePrecision": "double precision", "Integer": "integer", "JsonB": "jsonb", "ByteA": "bytea"}


@dataclass(frozen=True, slots=True)
class _Field:
    entry: Entry
    name: str
    column: str
    type: str
    is_list: bool
    optional: bool


def apply_models(database: Database, blocks: Iterable[Block]) -> None:
    """Add the models of one schema, which may stand in several files, to what its migrations made."""
    blocks = list(blocks)
    others = {block.name for block in blocks if block.kind in ("model", "view", "type")}
    enums = {block.name: mapped_name(block.attribute("map"), block.name) for block in blocks if block.kind == "enum"}
    for block in blocks:
        if block.kind == "model":
            _model(database, block, others, enums)


def _model(database: Database, block: Block, others: set[str], enums: dict[str, str]) -> None:
    fields = [field for field in _fields(block) if field.type not in others]
    schema = block.attribute("schema")
    home = (text_of(schema.arguments) if schema else None) or "public"
    place = Place(block.file, block.line)
    table = database.table((home, mapped_name(block.attribute("map"), block.name)), place)
    table.model = table.model or block.name
    for field in fields:
        known = table.columns.get(field.column)
        described = _described(field, enums, block.file)
        table.columns[field.column] = (
            described if known is None else replace(known, field=field.name, prisma_type=field.type)
        )
    table.whole = True
    _keys(table, block, fields)


def _fields(block: Block) -> Iterator[_Field]:
    for entry in block.entries:
        found = FIELD.match(entry.head) if entry.head else None
        if found is not None:
            column = mapped_name(entry.attribute("map"), found[1])
            yield _Field(entry, found[1], column, found[2], found[3] is not None, found[4] is not None)


def _described(field: _Field, enums: dict[str, str], path: str) -> ColumnFacts:
    return ColumnFacts(
        field.column,
        _type(field, enums) + ("[]" if field.is_list else ""),
        field.name,
        field.type,
        field.optional,
        Place(path, field.entry.line),
    )


def _type(field: _Field, enums: dict[str, str]) -> str:
    native = next((each.name[3:] for each in field.entry.attributes if each.name.startswith("db.")), "")
    if native:
        return _NATIVE.get(native, plain_type(native)[0])
    if field.type.startswith("Unsupported"):
        return plain_type(text_of(field.type) or "")[0]
    return _TYPES.get(field.type) or enums.get(field.type, "")


def _keys(table: Table, block: Block, fields: list[_Field]) -> None:
    columns = {field.name: field.column for field in fields}
    whole = block.attribute("id")
    key = names_in(whole.arguments) if whole else [field.name for field in fields if field.entry.attribute("id")]
    if table.primary_key is None or not table.created:
        table.set_key(tuple(columns.get(name, name) for name in key))
    for field in fields:
        if field.entry.attribute("unique"):
            _index(table, (field.column,), "key")
    for entry in block.entries:
        for each in entry.attributes if not entry.head else ():
            if each.name in ("index", "unique"):
                listed = tuple(columns.get(name, name) for name in names_in(each.arguments))
                _index(table, listed, "idx" if each.name == "index" else "key")


def _index(table: Table, columns: tuple[str, ...], ending: str) -> None:
    if columns and columns not in table.indexes.values():
        table.add_index(columns, "", ending)
