"""What a `schema.prisma` says."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.diagnosis.evidence.tables import TableName

__all__ = ["DatabaseEnum", "Datasource", "Model", "ModelField", "PrismaSchema"]


@dataclass(frozen=True, slots=True)
class ModelField:
    """One field of a model that is a column.

    Attributes:
        name: in the application.
        column: in the database, and so in payloads and filters.
        type: Prisma's scalar type, or the name of an enum.
        native: the type after ``@db.``, empty if none is given.
        line: where it stands.
    """

    name: str
    column: str
    type: str
    is_list: bool = False
    is_optional: bool = False
    native: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """One model and its table.

    Attributes:
        schema: of ``@@schema``, empty without one.
        key: the columns of the primary key.
        linked: fields that hold another model's key but lead no index of this one.
        is_view: a view has no changes of its own.
        place: file and line.
    """

    name: str
    table: str
    schema: str = ""
    fields: tuple[ModelField, ...] = ()
    key: tuple[str, ...] = ()
    linked: tuple[str, ...] = ()
    is_view: bool = False
    place: str = ""

    def table_in(self, home: str) -> TableName:
        """The table, in `home` when the model names no schema."""
        return TableName(self.schema or home, self.table)


@dataclass(frozen=True, slots=True)
class DatabaseEnum:
    """One enum. `type_name` is the database's name of it; `values` are pairs of Prisma's word and the database's."""

    name: str
    type_name: str
    schema: str = ""
    values: tuple[tuple[str, str], ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Datasource:
    """The database that Prisma uses; `schemas` is what it manages when it manages several."""

    provider: str = ""
    relation_mode: str = ""
    schemas: tuple[str, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class PrismaSchema:
    """All files of one schema together.

    Attributes:
        file: the schema, or the folder of its files, relative to the project.
        adapter: whether the client has no engine and speaks through a driver, which ignores Prisma's URL parameters.
    """

    file: str
    models: tuple[Model, ...] = ()
    enums: tuple[DatabaseEnum, ...] = ()
    datasource: Datasource | None = None
    adapter: bool = False
