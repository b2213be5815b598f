"""Rules about `schema.prisma`: names and types on the way to a payload, and what the schema leaves to nobody."""

from __future__ import annotations

import re
from difflib import get_close_matches

from helpers.diagnosis.evidence import Missing, TableName
from helpers.diagnosis.evidence.prisma_schema import Model, ModelField, PrismaSchema
from helpers.diagnosis.evidence.project import ModelTable, Project, ProjectDatabase
from helpers.diagnosis.rules import project as needs
from helpers.diagnosis.rules.project import Models
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning

__all__ = ["RULES"]

NAMES = "https://github.com/prisma/prisma/issues/18271"
EXTERNAL = "https://www.prisma.io/docs/orm/prisma-schema/data-model/externally-managed-tables"
#: Schemas that Supabase's own services migrate.
SUPABASE = frozenset({"auth", "storage", "realtime", "vault", "extensions", "graphql_public", "supabase_functions"})
NO_LEDGER = ProjectDatabase()
#: What Prisma's client gives, and what a payload holds, for types that differ on the way.
TYPES = {
    "BigInt": ("BigInt", "a number, which JavaScript rounds beyond 2^53"),
    "Decimal": ("Decimal", "a number, which JavaScript rounds to 15–17 digits"),
    "DateTime": ("a Date of whole milliseconds", "text without a zone, which JavaScript takes for local time"),
    "Bytes": ("bytes", "hexadecimal digits"),
}


@rule(
    "Every model has its table",
    needs.applied_models,
    "https://www.prisma.io/docs/orm/reference/error-reference",
    symptom="Prisma answers P2021 (“The table does not exist”), and a subscription to the table gets “Unable to "
    "subscribe to changes with given parameters”.",
    remedy="Apply the migrations (`npx prisma migrate deploy`), or name the table as the database does with `@@map`.",
    verify="`npx prisma migrate status` says that the schema is up to date, and a query of the model succeeds.",
    notes=(44,),
)
def prisma_tables_exist(found: Models) -> Verdict:
    """A model without `@@map` means the table of exactly its own name: case counts, and nothing makes a plural of it.
    A table that was created by hand or by another tool mostly has another one."""
    absent = [(model, table) for model, table in found.pairs if not table.exists]
    if not absent:
        return ok(f"{len(found.pairs)} models, each with its table")
    cause = f"There is no table for {listed(f'{model.name} ({table.name})' for model, table in absent)}"
    lines = [_table_fix(found, model, table.name) for model, table in absent]
    fix = "npx prisma migrate deploy" if _never_deployed(found) else "\n".join(lines)
    return failure(f"not in pg_class: {listed(table.name for _, table in absent)}", cause, fix)


@rule(
    "Every field has its column",
    needs.applied_models,
    NAMES,
    symptom="Prisma answers P2022 (“The column does not exist”); a filter on the field's name ends its subscription "
    "with “invalid column for filter”.",
    remedy="Name the column as the database does with `@map`, or add it by a migration.",
    verify="A query that selects the field succeeds.",
    follows=("prisma_tables_exist",),
    notes=(44,),
)
def prisma_columns_exist(found: Models) -> Verdict:
    """A field without `@map` means the column of exactly its own name, so that `userId` is not `user_id`. Prisma quotes
    what it writes and is right about case; SQL, policies and filters written by hand are not forgiven either."""
    absent = [
        (model, table, field)
        for model, table in found.pairs
        if table.exists
        for field in model.fields
        if field.column not in dict(table.columns)
    ]
    if not absent:
        return ok(f"the columns of {len(found.pairs)} models are there")
    names = listed(f"{model.name}.{field.name} ({table.name}.{field.column})" for model, table, field in absent)
    return failure(f"not in pg_attribute: {names}", f"There is no column for {names}", _columns_fix(absent))


@rule(
    "Fields are named like columns",
    needs.published_models,
    NAMES,
    symptom="A filter with a field's name ends its subscription with “invalid column for filter”, and `payload.new` "
    "has no property of that name.",
    remedy="Use the database's names in table, filter and payload, and translate at one place of the application.",
    verify="A subscription with the translated filter becomes ready, and its payload holds the columns listed here.",
    notes=(44,),
)
def prisma_names(found: Models) -> Verdict:
    """Realtime reads the write-ahead log, which knows the database's names alone. `@map` and `@@map` exist in Prisma's
    client only, and so does the spelling of enum values."""
    lines = [line for model in found.published for line in _renamed(found.project, model)]
    lines += _renamed_values(found.schema, found.published)
    if not lines:
        return ok(f"{len(found.published)} models have the names of the database")
    cause = "Payloads and filters have the database's names, not those of Prisma's client"
    return note(
        f"{len(lines)} names differ", cause, "Prisma → database, as filters and payloads name it:\n" + "\n".join(lines)
    )


@rule(
    "Types are the same in Prisma and in payloads",
    needs.published_models,
    "https://github.com/supabase/supabase-js/issues/1270",
    symptom="A row read with Prisma and the same row in a change are not equal: numbers, times or bytes differ.",
    remedy="Compare and convert at one place: numbers from text columns, times as instants, bytes from hexadecimal "
    "digits; or fetch the row again by its key.",
    verify="Read one row both ways and compare field by field after the conversion.",
    notes=(45, 46),
)
def prisma_types(found: Models) -> Verdict:
    """Prisma's client builds BigInt, Decimal, Date and bytes from what the database sends. Realtime sends JSON, in
    which numbers are doubles to JavaScript, times are PostgreSQL's text and bytes are hexadecimal digits."""
    lines = [
        f"{model.name}.{field.name} ({field.type}): Prisma gives {TYPES[field.type][0]}, the payload {_arrives(field)}"
        for model in found.published
        for field in model.fields
        if field.type in TYPES
    ]
    if not lines:
        return ok(f"no field of {len(found.published)} models changes its type on the way")
    kinds = sorted({field.type for model in found.published for field in model.fields if field.type in TYPES})
    cause = f"Realtime's JSON cannot hold {listed(kinds)} as Prisma's client gives them"
    return note(f"{len(lines)} fields differ", cause, "\n".join(lines))


@rule(
    "The schema's enums have lower-case names",
    needs.published_models,
    "https://github.com/supabase/supabase/issues/5685",
    symptom="After a migration with a new enum, changes of its table stop to arrive, or the column is missing in them.",
    remedy='Give the enum a lower-case name in the database with `@@map("…")` before the migration is written.',
    verify="`select typname from pg_type where typtype = 'e'` shows no name with capitals.",
    follows=("enum_names",),
    notes=(35,),
)
def prisma_enum_names(found: Models) -> Verdict:
    """Prisma names the database's type exactly like the enum, quoted and with its capitals. Realtime casts values by
    the type's name, and names that need quotes have broken that cast."""
    used = {field.type for model in found.published for field in model.fields}
    there = {name for _, table in found.pairs for name in table.enums}
    loud = [
        each
        for each in found.schema.enums
        if each.name in used and each.type_name != each.type_name.lower() and each.type_name not in there
    ]
    if not loud:
        return ok("no enum of a published model will get a name with capitals")
    names = listed(each.type_name for each in loud)
    fix = "\n".join(f'{each.place}: enum {each.name} {{ … @@map("{snake(each.name)}") }}' for each in loud)
    return warning(names, f"The next migration makes types with capitals in their names: {names}", fix)


@rule(
    "Prisma leaves Supabase's own schemas alone",
    needs.schema,
    "https://github.com/prisma/prisma/issues/17734",
    symptom="`prisma migrate dev` reports drift in `auth`, wants to reset the database, or writes a migration that "
    "drops or alters `auth.users`.",
    remedy="Take the schema out of `schemas` and refer to the user by a plain uuid column, or declare the tables as "
    "external in `prisma.config.ts`.",
    verify="`npx prisma migrate diff` from the database to the schema shows no statement about `auth`.",
    notes=(39,),
)
def prisma_supabase_schemas(found: tuple[Project, PrismaSchema]) -> Verdict:
    """Supabase's services migrate `auth`, `storage` and `realtime` themselves. What Prisma finds there and not in its
    own schema is drift to it, which it undoes by dropping."""
    project, schema = found
    managed = [model for model in schema.models if model.schema in SUPABASE]
    ours = [model for model in managed if f"{model.schema}.{model.table}" not in project.external]
    declared = sorted(SUPABASE.intersection(schema.datasource.schemas)) if schema.datasource else []
    if not ours and (not declared or project.external):
        return ok(f"{len(schema.models)} models, none of them Supabase's own")
    names = listed([model.name for model in ours] or declared)
    external = ", ".join(f'"{model.schema}.{model.table}"' for model in ours) or '"auth.users"'
    place = schema.datasource.place if schema.datasource else schema.file
    fix = (
        f"{place}: take {listed(declared) or 'the schema'} out of `schemas`, and "
        f"{listed(model.name for model in ours) or 'its models'} out of the schema;\n"
        f"or prisma.config.ts: experimental: {{ externalTables: true }}, tables: {{ external: [{external}] }}"
    )
    return warning(names, f"Prisma takes {names} for its own, and a migration may drop what Supabase needs", fix)


@rule(
    "Relations are kept by the database",
    needs.schema,
    "https://www.prisma.io/docs/orm/prisma-schema/data-model/relations/relation-mode",
    symptom="Rows are deleted and their children stay; policies and filters on the parent's key get slow.",
    remedy="Remove `relationMode` on PostgreSQL, or add `@@index` for each field that refers to another model.",
    verify="`\\d` of the table shows an index that begins with the column.",
)
def prisma_relation_mode(found: tuple[Project, PrismaSchema]) -> Verdict:
    """With `relationMode = "prisma"` the database has no foreign keys, and Prisma makes no index in their place. What
    other clients delete leaves orphans, and a policy that looks up the parent's rows reads the whole table."""
    schema = found[1]
    if schema.datasource is None or schema.datasource.relation_mode != "prisma":
        return ok("foreign keys in the database")
    bare = [(model, column) for model in schema.models for column in model.linked]
    if not bare:
        return ok('relationMode = "prisma", and an index for each relation')
    names = listed(f"{model.name}.{column}" for model, column in bare)
    fix = "\n".join(f"{model.place}: model {model.name} {{ … @@index([{_field_of(model, c)}]) }}" for model, c in bare)
    return warning(f"no index on {names}", f"Neither a foreign key nor an index stands behind {names}", fix)


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _field_of(model: Model, column: str) -> str:
    return next((field.name for field in model.fields if field.column == column), column)


def _never_deployed(found: Models) -> bool:
    """Whether there are migrations, and Prisma has applied none of them to this database."""
    migrations = found.project.migrations
    return not isinstance(migrations, Missing) and bool(migrations) and (found.database or NO_LEDGER).ledger is None


def _table_fix(found: Models, model: Model, name: TableName) -> str:
    assert found.database is not None, "tables are known"
    there = {each.table for each in found.database.names if each.schema == name.schema}
    near = _near(model.name, there) or _near(name.table, there)
    if near:
        return f'{model.place}: model {model.name} {{ … @@map("{near}") }}'
    return f"{model.place}: npx prisma migrate dev --name add_{snake(model.name)}"


def _columns_fix(absent: list[tuple[Model, ModelTable, ModelField]]) -> str:
    lines = []
    for model, table, field in absent:
        file = model.place.rpartition(":")[0]
        free = {name for name, _ in table.columns} - {each.column for each in model.fields}
        near = _near(field.name, free) or _near(field.column, free)
        way = f'{field.name} … @map("{near}")' if near else f"npx prisma migrate dev --name add_{snake(field.name)}"
        lines.append(f"{file}:{field.line}: {way}")
    return "\n".join(lines)


def _near(name: str, there: set[str]) -> str:
    """The name that was most likely meant: other case, other word marks, a plural."""
    bare = {re.sub(r"\W|_", "", each).lower(): each for each in sorted(there)}
    found = get_close_matches(re.sub(r"\W|_", "", name).lower(), list(bare), n=1, cutoff=0.8)
    return bare[found[0]] if found else ""


def _renamed(project: Project, model: Model) -> list[str]:
    table = model.table_in(project.home)
    lines = [f"{model.name} → {table}"] if model.table != model.name else []
    pairs = [(field.name, field.column) for field in model.fields if field.name != field.column]
    return lines + [f"{model.name}.{name} → {column}" for name, column in pairs]


def _renamed_values(schema: PrismaSchema, published: list[Model]) -> list[str]:
    used = {field.type for model in published for field in model.fields}
    enums = [each for each in schema.enums if each.name in used]
    return [f"{e.name}.{name} → {value}" for e in enums for name, value in e.values if name != value]


def _arrives(field: ModelField) -> str:
    """As PostgreSQL writes the column; without ``@db.`` Prisma makes a DateTime a timestamp without a zone."""
    if field.native.startswith("Timestamptz"):
        return "text with +00:00 and microseconds"
    if field.native.startswith(("Date", "Time(", "Timetz")) or field.native == "Time":
        return "a date or a time alone"
    return TYPES[field.type][1]


RULES = (
    prisma_tables_exist,
    prisma_columns_exist,
    prisma_enum_names,
    prisma_supabase_schemas,
    prisma_relation_mode,
    prisma_names,
    prisma_types,
)
