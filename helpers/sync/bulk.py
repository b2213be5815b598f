"""Many rows of a table in one statement, sent through Prisma as one text of JSON.

`create_many` and `delete_many` name every value apart: the client writes each of them into its query, the engine reads
each and hands it on as a parameter, and the database binds each. Here PostgreSQL makes rows of the text, by the types
of the table's own columns, so that nothing on the way needs to know them, and all that JSON can tell arrives.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import Any

from helpers.errors import SettingsError
from helpers.prisma.datamodel import Datamodel, Field, FieldKind, Model

__all__ = ["BulkTable", "Statement"]

#: SQL and its parameter: ``batch.execute_raw(*statement)``.
Statement = tuple[str, str]
Encoder = Callable[[Any], Any]

#: Rows of the parameter. Columns that it does not tell are NULL in them, whatever their types are.
_ROWS = "json_populate_recordset(null::{table}, $1::text::json)"
_INSERT = f"insert into {{table}} ({{columns}}) select {{values}} from {_ROWS}"
_DELETE = f"delete from {{table}} where ({{key}}) in (select {{key}} from {_ROWS})"
_DELETE_OTHERS = f"delete from {{table}} where ({{key}}) not in (select {{key}} from {_ROWS})"


@dataclass(frozen=True)
class BulkTable:
    """The statements for a table in PostgreSQL. Rows and keys are in Prisma's names and types.

    Attributes:
        model: of the table.
        fields: of the model, that rows hold; other columns get what the database has for their default.
        key: fields by which rows are told apart, in the order in which keys hold their values.
        enums: of the schema (`Datamodel.enums`).
        schema: of the database, for a model that names none; empty where the search path leads to it.
    """

    model: Model
    fields: tuple[Field, ...]
    key: tuple[Field, ...]
    enums: Mapping[str, Mapping[str, str]]
    schema: str = ""

    @classmethod
    def of(cls, datamodel: Datamodel, accessor: str, source: Model, schema: str = "") -> BulkTable:
        """The table of the model with this accessor, for the rows and the keys of `source`.

        Raises:
            SettingsError: the schema has no such model, or the model not all of the fields.
        """
        model = datamodel.model_of_accessor(accessor)
        fields = {field.name: field for field in model.columns.values()}
        names = [field.name for field in source.columns.values()]
        if missing := [name for name in names if name not in fields]:
            tried, advice = f"writing into the model {accessor}", "Give it the fields of its source, and generate again"
            raise SettingsError(tried, f"it has no field {', '.join(missing)}", advice)
        key = tuple(fields[name] for name in source.key)
        return cls(model, tuple(fields[name] for name in names), key, datamodel.enums, schema)

    def insert(self, rows: Iterable[Mapping[str, Any]]) -> Statement:
        """Insert rows, each the `data` of a Prisma call and with all of the fields."""
        encoders = self._encoders
        told = [{column: encode(row[name]) for name, column, encode in encoders} for row in rows]
        return self._filled(_INSERT), _text(told)

    def delete(self, keys: Iterable[tuple[Any, ...]]) -> Statement:
        """Delete the rows that have one of these keys."""
        return self._filled(_DELETE), self._keys(keys)

    def delete_others(self, keys: Iterable[tuple[Any, ...]]) -> Statement:
        """Delete the rows that have none of these keys."""
        return self._filled(_DELETE_OTHERS), self._keys(keys)

    @cached_property
    def _encoders(self) -> list[tuple[str, str, Encoder]]:
        """Of each field: its name, its column, and what makes its value one of JSON."""
        return [(field.name, field.column, self._encoder(field)) for field in self.fields]

    @cached_property
    def _key_encoders(self) -> list[tuple[str, Encoder]]:
        return [(field.column, self._encoder(field)) for field in self.key]

    def _filled(self, sql: str) -> str:
        table = ".".join(_quoted(name) for name in (self.model.schema or self.schema, self.model.table) if name)
        key, columns = (", ".join(_quoted(field.column) for field in fields) for fields in (self.key, self.fields))
        return sql.format(table=table, key=key, columns=columns, values=", ".join(map(_selected, self.fields)))

    def _keys(self, keys: Iterable[tuple[Any, ...]]) -> str:
        encoders = self._key_encoders
        return _text(
            [{column: encode(value) for (column, encode), value in zip(encoders, key, strict=True)} for key in keys]
        )

    def _encoder(self, field: Field) -> Encoder:
        one = self._encoder_of_one(field)
        if field.is_list:
            return lambda values: [one(value) for value in values]
        return lambda value: None if value is None else one(value)

    def _encoder_of_one(self, field: Field) -> Encoder:
        if field.kind is FieldKind.ENUM:
            return {name: label for label, name in self.enums[field.type].items()}.__getitem__
        if field.is_time_of_day:
            return _time_of_day
        if field.type == "Json" and field.is_list:
            return _json_text
        return _ENCODERS.get(field.type, _as_it_is)


def _selected(field: Field) -> str:
    """What is inserted into a column. A null is NULL in every row of the parameter, also where JSON's own null is
    meant; and lists in a list are dimensions of an array, so that elements of a list of Json come as texts."""
    column = _quoted(field.column)
    if field.type != "Json" or (field.is_optional and not field.is_list):
        return column
    if not field.is_list:
        return f"coalesce({column}, 'null')"
    type_name = "json" if field.native == "Json" else "jsonb"
    return f"array(select (one #>> '{{}}')::{type_name} from unnest({column}) one)"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: Any) -> str:
    """Raises ValueError for a number that JSON does not know."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _time_of_day(moment: datetime) -> str:
    return moment.timetz().isoformat()


def _bytes(base64_text: Any) -> str:
    """Prisma's Bytes as PostgreSQL writes them."""
    return "\\x" + base64.b64decode(str(base64_text)).hex()


def _json_text(wrapped: Any) -> str:
    return _text(wrapped.data)


def _as_it_is(value: Any) -> Any:
    return value


_ENCODERS: Mapping[str, Encoder] = {
    "DateTime": datetime.isoformat,
    "Decimal": str,
    "Bytes": _bytes,
    "Json": attrgetter("data"),
}
