"""`schema.prisma`, read for its names and types: which field is which column.

Realtime, filters and SQL know the database's names, an application knows Prisma's. Only what tells one from the other
is read here; whether the schema is valid is Prisma's business.
"""

from __future__ import annotations

import json
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
_MAP = re.compile(r'(?<!@)@map\(\s*(?:name:\s*)?("(?:[^"\\]|\\.)+")')
_BLOCK_MAP = re.compile(r'@@map\(\s*(?:name:\s*)?("(?:[^"\\]|\\.)+")')
_BLOCK_ID = re.compile(r"@@id\(([^\[)]*)\[([^\]]+)\]([^\n]*)")
_BLOCK_SCHEMA = re.compile(r'@@schema\(\s*"([^"]+)"')
_NAME = re.compile(r'\bname:\s*"([^"]+)"')
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
        is_hidden: whether Prisma's client knows nothing of it: its type is unsupported, or it is to be ignored.
    """

    name: str
    column: str
    type: str
    kind: FieldKind
    is_list: bool = False
    is_optional: bool = False
    native: str = ""
    is_hidden: bool = False

    @property
    def is_time_of_day(self) -> bool:
        """Prisma has no type of its own for one."""
        return self.type == "DateTime" and self.native.startswith("Time") and not self.native.startswith("Timestamp")


@dataclass(frozen=True)
class Model:
    """One model and its table.

    Attributes:
        key: names of the fields of the primary key.
        key_name: how Prisma calls a key of several fields, as ``roomId_userId``; empty if it has one field.
        schema: of the database, empty if none is given.
    """

    name: str
    table: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    key_name: str = ""
    schema: str = ""

    @property
    def accessor(self) -> str:
        """The attribute of the Python client: ``client.message``."""
        return self.name.lower()

    @cached_property
    def columns(self) -> dict[str, Field]:
        """Column -> field, for every field that is one and that a client has."""
        fields = (field for field in self.fields if field.kind is not FieldKind.RELATION and not field.is_hidden)
        return {field.column: field for field in fields}

    @cached_property
    def key_fields(self) -> tuple[Field, ...]:
        """Of the primary key, in the order of the schema."""
        fields = {field.name: field for field in self.fields}
        return tuple(fields[name] for name in self.key)


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

    def model_of_accessor(self, accessor: str) -> Model:
        """The model that a client has under this attribute.

        Raises:
            SettingsError: the schema has none.
        """
        for model in self.models.values():
            if model.accessor == accessor:
                return model
        known = ", ".join(sorted(model.accessor for model in self.models.values()))
        raise SettingsError("reading schema.prisma", f"no model is client.{accessor}", f"Take one of: {known}")


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
    table, schema = _BLOCK_MAP.search(body), _BLOCK_SCHEMA.search(body)
    key, key_name = _key(body, matches)
    return Model(name, _unquoted(table[1]) if table else name, fields, key, key_name, schema[1] if schema else "")


def _key(body: str, fields: list[re.Match[str]]) -> tuple[tuple[str, ...], str]:
    """The primary key's fields, and its name if they are several."""
    block = _BLOCK_ID.search(body)
    if block is None:
        return tuple(match[1] for match in fields if re.search(r"@id\b", match[5])), ""
    names = tuple(part.split("(")[0].strip() for part in block[2].split(","))
    given = _NAME.search(f"{block[1]} {block[3]}")
    return names, given[1] if given else "_".join(names) if len(names) > 1 else ""


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
        is_hidden=type_name == "Unsupported" or re.search(r"@ignore\b", attributes) is not None,
    )


def _mapped(attributes: str, name: str) -> str:
    match = _MAP.search(attributes)
    return _unquoted(match[1]) if match else name


def _unquoted(literal: str) -> str:
    """Prisma's strings are written as those of JSON."""
    return str(json.loads(literal))
