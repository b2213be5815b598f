"""Types as PostgreSQL calls them, out of SQL and out of Prisma."""

from __future__ import annotations

import re

from helpers.diagnosis.evidence.prisma_schema import ModelField

__all__ = ["of_field", "of_sql"]

_ALIASES = {
    "int8": "bigint",
    "bigserial": "bigint",
    "serial8": "bigint",
    "int": "integer",
    "int4": "integer",
    "serial": "integer",
    "serial4": "integer",
    "int2": "smallint",
    "smallserial": "smallint",
    "float8": "double precision",
    "float4": "real",
    "decimal": "numeric",
    "bool": "boolean",
    "varchar": "character varying",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
}
_OF_PRISMA = {
    "String": "text",
    "Int": "integer",
    "BigInt": "bigint",
    "Float": "double precision",
    "Decimal": "numeric",
    "Boolean": "boolean",
    "DateTime": "timestamp",
    "Json": "jsonb",
    "Bytes": "bytea",
}


def of_sql(text: str) -> str:
    """A type without its length, by its usual name: ``VARCHAR(20)[]`` is ``character varying[]``."""
    bare = re.sub(r"\([^)]*\)", "", text.replace('"', "")).strip().lower()
    array = bare.endswith("]")
    bare = " ".join(re.sub(r"\[\d*\]", "", bare).split()).removeprefix("public.").removeprefix("pg_catalog.")
    return _ALIASES.get(bare, bare) + ("[]" if array else "")


def of_field(field: ModelField) -> str:
    """The type of a field's column: as ``@db.`` says, else Prisma's own choice; of an enum its name."""
    native = field.native.partition("(")[0]
    bare = of_sql(native) if native else _OF_PRISMA.get(field.type, field.type)
    return bare + ("[]" if field.is_list else "")
