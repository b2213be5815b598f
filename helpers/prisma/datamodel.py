"""`schema.prisma`, read for its names and types: which field is which column.

Realtime, filters and SQL know the database's names, an application knows Prisma's. Only what tells one from the other
is read here; whether the schema is valid is Prisma's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from helpers.errors import SettingsError

__all__ = ["Datamodel", "Field", "FieldKind", "Model", "parse_datamodel", "read_datamodel"]

_BLOCK = re.compile(r"^\s*(model|view|enum)\s+(\w+)\s*\{(.*?)^\s*\}", re.DOTALL | re.MULTILINE)
_FIELD = re.compile(r"^\s*(\w+)\s+(\w+)(\[\])?(\?)?(.*)$")
_VALUE = re.compile(r"^\s*(\w+)(.*)$")
_MAP = re.compile(r'(?<!@)@map\(\s*(?:name:\s*)?"([^"]+)"')
_BLOCK_MAP = re.compile(r'@@map\(\s*(?:name:\s*)?"([^"]+)"')
_BLOCK_ID = re.compile(r"@@id\(\s*(?:fields:\s*)?\[([^\]]+)\]")
_NATIVE = re.compile(r"@db\.(\w+(?:\([^)]*\))?)")
_COMMENT = re.compile(r"//.*$", re.MULTILINE)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


class FieldKind(StrEnum):
    """What a field holds."""

    SCALAR = "scalar"
    ENUM = "enum"
    RELATION = "relation"  # another model: no column of this table


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a model.

    Attributes:
        name: in the application.
        column: in the database.
        type: Prisma's scalar type, or the name of an enum or model.
        native: the type after ``@db.``, empty if none is given.
    """

    name: str
    column: str
    type: str
    kind: FieldKind
    is_list: bool = False
    is_optional: bool = False
    native: str = ""


@dataclass(frozen=True)
class Model:
    """One model and its table. `key` names the fields of the primary key."""

    name: str
    table: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]

    @property
    def accessor(self) -> str:
        """The attribute of the Python client: ``client.message``."""
        return self.name.lower()

    @cached_property
    def columns(self) -> dict[str, Field]:
        """Column -> field, for every field that is one and that a client has."""
        return {
            field.column: field
            for field in self.fields
            if field.kind is not FieldKind.RELATION and field.type != "Unsupported"
        }


@dataclass(frozen=True, slots=True)
class Datamodel:
    """Models by their name, and for each enum its values: the database's word -> the application's."""

    models: dict[str, Model]
    enums: dict[str, dict[str, str]]

    def model_of_table(self, table: str) -> Model:
        """The model of a table.

        Raises:
            SettingsError: the schema has none.
        """
        for model in self.models.values():
            if model.table == table:
                return model
        known = ", ".join(sorted(model.table for model in self.models.values()))
        raise SettingsError("reading schema.prisma", f"no model has the table {table!r}", f"Take one of: {known}")


def read_datamodel(path: Path) -> Datamodel:
    """Parse a schema file."""
    return parse_datamodel(path.read_text(encoding="utf-8"))


def parse_datamodel(text: str) -> Datamodel:
    """Parse the text of a schema."""
    blocks = [match.groups() for match in _BLOCK.finditer(_without_comments(text))]
    enums = {name: _enum(body) for kind, name, body in blocks if kind == "enum"}
    names = frozenset(name for kind, name, _ in blocks if kind != "enum")
    models = {name: _model(name, body, names, enums) for kind, name, body in blocks if kind != "enum"}
    return Datamodel(models, enums)


def _without_comments(text: str) -> str:
    """`//` inside of a string is no comment, so strings are skipped over."""
    kept = re.compile(f"{_STRING.pattern}|{_COMMENT.pattern}", re.MULTILINE)
    return kept.sub(lambda match: match[0] if match[0].startswith('"') else "", text)


def _lines(body: str) -> list[str]:
    return [line for line in body.splitlines() if line.strip() and not line.strip().startswith("@@")]


def _enum(body: str) -> dict[str, str]:
    values = {}
    for line in _lines(body):
        if match := _VALUE.match(line):
            values[_mapped(match[2], match[1])] = match[1]
    return values


def _model(name: str, body: str, models: frozenset[str], enums: dict[str, dict[str, str]]) -> Model:
    matches = [match for line in _lines(body) if (match := _FIELD.match(line))]
    fields = tuple(_field(match, models, enums) for match in matches)
    table, key = _BLOCK_MAP.search(body), _BLOCK_ID.search(body)
    if key:
        names = tuple(part.strip() for part in key[1].split(","))
    else:
        names = tuple(match[1] for match in matches if re.search(r"@id\b", match[5]))
    return Model(name, table[1] if table else name, fields, names)


def _field(match: re.Match[str], models: frozenset[str], enums: dict[str, dict[str, str]]) -> Field:
    name, type_name, brackets, question, attributes = match.groups()
    native = _NATIVE.search(attributes)
    return Field(
        name=name,
        column=_mapped(attributes, name),
        type=type_name,
        kind=FieldKind.RELATION if type_name in models else FieldKind.ENUM if type_name in enums else FieldKind.SCALAR,
        is_list=brackets is not None,
        is_optional=question is not None,
        native=native[1] if native else "",
    )


def _mapped(attributes: str, name: str) -> str:
    match = _MAP.search(attributes)
    return match[1] if match else name
