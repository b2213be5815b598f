"""Models of a `schema.prisma`, laid over what the migrations say of their tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from helpers.diagnosis.evidence.prisma_schema import Model, ModelField
from helpers.diagnosis.probes.project.prisma_schema import parse_schema
from helpers.diagnosis.probes.project.prisma_text import Block, SchemaSyntaxError, read_blocks
from helpers.review.database.drafts import DatabaseDraft, TableDraft
from helpers.review.database.facts import ColumnFacts
from helpers.review.database.types import of_field
from helpers.review.inventory import Unread
from helpers.review.source import Place

__all__ = ["lay_over"]

_NAMES = re.compile(r"[\w-]+")
_BLOCK = re.compile(r"^\s*(?:model|view|type)\s+([\w-]+)\s*\{", re.MULTILINE)


def lay_over(draft: DatabaseDraft, schemas: Mapping[str, str]) -> Iterable[Unread]:
    """Add the models of all schemas to the draft; those files that cannot be read are given back.

    Args:
        schemas: texts by path. A model's relations may lead into another file of the same schema.
    """
    models = {name for text in schemas.values() for name in _BLOCK.findall(text)}
    for path, text in sorted(schemas.items()):
        try:
            blocks = {block.name: block for block in read_blocks(text, path) if block.kind == "model"}
            for model in parse_schema(text, path).models:
                if not model.is_view:
                    _lay(draft, path, _without_relations(model, models), blocks[model.name])
        except SchemaSyntaxError as error:
            yield Unread(path, str(error))


def _without_relations(model: Model, models: set[str]) -> Model:
    """Fields of another file's models are no columns."""
    return replace(model, fields=tuple(field for field in model.fields if field.type not in models))


def _lay(draft: DatabaseDraft, path: str, model: Model, block: Block) -> None:
    key = (model.schema or "public", model.table)
    table = draft.table(key)
    table.model = table.model or model.name
    table.place = table.place or Place(path, block.line)
    columns = {field.name: field.column for field in model.fields}
    for field in model.fields:
        _column(table, path, field)
    if table.primary_key is None:
        table.primary_key = model.key
    for names in _indexes(block):
        table.add_index(tuple(columns.get(name, name) for name in names))
    table.whole = True


def _column(table: TableDraft, path: str, field: ModelField) -> None:
    known = table.columns.get(field.column) or ColumnFacts(field.column, of_field(field), nullable=field.is_optional)
    place = known.place or Place(path, field.line)
    table.columns[field.column] = replace(known, field=field.name, prisma_type=field.type, place=place)


def _indexes(block: Block) -> Iterable[list[str]]:
    for entry in block.entries:
        if entry.head and (entry.attribute("unique") or entry.attribute("id")):
            yield [entry.head.split()[0]]
        for attribute in entry.attributes if not entry.head else ():
            found = re.search(r"\[(.*)\]", attribute.arguments, re.DOTALL)
            if attribute.name in ("index", "unique", "id") and found:
                yield _NAMES.findall(re.sub(r"\([^)]*\)", "", found[1]))
