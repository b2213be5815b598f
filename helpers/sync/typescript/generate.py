"""Generates TypeScript for models of a `schema.prisma`.

What is the same for every model (`templates/*.ts`) is copied as it stands; `_model.ts` and `_table.ts` are filled in
once for each model. Nothing generated needs the workbook: its imports are `@supabase/supabase-js`, the Prisma client,
and React for the hook.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from helpers.errors import SettingsError
from helpers.prisma.datamodel import Datamodel, Field, FieldKind, Model

__all__ = ["Imports", "generate", "write_sources"]

_TRIED = "generating TypeScript"
_PLACE = re.compile(r"__([a-z]+(?:_[a-z]+)*|Model)__")
#: Fields that usually hold the time of the last write.
_VERSIONS = ("updatedAt", "updated_at", "modifiedAt", "modified_at")
_HOOK = ("use-rows.ts",)


@dataclass(frozen=True, slots=True)
class Imports:
    """Whence the generated code takes Prisma.

    Attributes:
        client: the generated client, as the generated files import it, for example ``../generated/client.js``.
        browser: its part for browsers; empty stands for the client, whose package may tell browsers apart by itself.
    """

    client: str = "@prisma/client"
    browser: str = ""


def generate(
    datamodel: Datamodel,
    models: Sequence[str] = (),
    *,
    imports: Imports | None = None,
    schema: str = "public",
    hook: bool = True,
) -> dict[str, str]:
    """The files as name -> text.

    Args:
        models: names of models; none stands for all that have a primary key.
        schema: of the database, for models whose schema is not given.
        hook: whether React's hook is wanted.

    Raises:
        SettingsError: there is no such model, or it has no primary key.
    """
    templates = _templates()
    left_out = () if hook else _HOOK
    sources = {name: text for name, text in templates.items() if not name.startswith("_") and name not in left_out}
    for model in _chosen(datamodel, models):
        words = _words(model, datamodel, imports or Imports(), schema)
        for part in ("model", "table"):
            sources[f"{words['accessor']}.{part}.ts"] = _filled(templates[f"_{part}.ts"], words)
    return sources


def write_sources(sources: Mapping[str, str], folder: Path, *, force: bool = False) -> list[Path]:
    """Write them into a folder, which is made if it is missing. Returns the paths.

    Raises:
        SettingsError: a file is there and says something else (not with `force`), or cannot be written. Then none is.
    """
    changed = [name for name, text in sources.items() if _differs(folder / name, text)]
    if changed and not force:
        happened = f"{folder / changed[0]} is there, and says something else"
        raise SettingsError(_TRIED, happened, "Choose another folder, or add --force to lose what was changed there")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(folder / name, text) for name, text in sources.items()]
    except OSError as error:
        raise SettingsError(_TRIED, f"{error.filename}: {error.strerror}", "Choose a folder of your own") from error


def _templates() -> dict[str, str]:
    folder = files("helpers.sync.typescript") / "templates"
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".ts")}


def _chosen(datamodel: Datamodel, names: Sequence[str]) -> list[Model]:
    unknown = [name for name in names if name not in datamodel.models]
    if unknown:
        known = ", ".join(sorted(datamodel.models))
        raise SettingsError(_TRIED, f"the schema has no model {unknown[0]}", f"Take one of: {known}")
    keyless = [name for name in names if not datamodel.models[name].key]
    if keyless:
        advice = "Give it a primary key: changes of its rows could not be told apart"
        raise SettingsError(_TRIED, f"the model {keyless[0]} has no @id", advice)
    return [model for model in datamodel.models.values() if (model.name in names if names else model.key)]


def _words(model: Model, datamodel: Datamodel, imports: Imports, schema: str) -> dict[str, str]:
    """What stands for each placeholder."""
    key = _quoted(model.key)
    columns = list(model.columns.values())
    return {
        "Model": model.name,
        "accessor": model.name[0].lower() + model.name[1:],
        "client": imports.client,
        "browser": imports.browser or imports.client,
        "name": _quote(model.name),
        "schema": _quote(model.schema or schema),
        "table": _quote(model.table),
        "columns": "\n".join(_column(field, datamodel) for field in columns),
        "key": ", ".join(key),
        "key_type": " | ".join(key),
        "key_of_row": ", ".join(f"{name}: row.{name}" for name in model.key),
        "key_select": ", ".join(f"{name}: true" for name in model.key),
        "where_keys": _where_keys(model),
        "where_unique": _where_unique(model),
        "data": "\n".join(f"  {field.name}: {_datum(field)}," for field in columns),
        "prisma_import": _prisma_import(columns, imports),
        **_version_words(model),
    }


def _filled(template: str, words: Mapping[str, str]) -> str:
    """Words may hold placeholders themselves."""
    text = template
    while (filled := _PLACE.sub(lambda match: words[match[1]], text)) != text:
        text = filled
    return text


def _column(field: Field, datamodel: Datamodel) -> str:
    is_enum = field.kind is FieldKind.ENUM
    parts = {
        "field": _quote(field.name),
        "column": _quote(field.column),
        "type": _quote("Enum" if is_enum else field.type),
        "list": "true" if field.is_list else "false",
        "optional": "true" if field.is_optional else "false",
        "native": _quote(field.native),
    }
    if is_enum:
        values = ", ".join(f"{_quote(label)}: {_quote(name)}" for label, name in datamodel.enums[field.type].items())
        parts["values"] = f"{{ {values} }}"
    return f"  {{ {', '.join(f'{name}: {value}' for name, value in parts.items())} }},"


def _where_keys(model: Model) -> str:
    if len(model.key) == 1:
        name = model.key[0]
        return f"{{ {name}: {{ in: keys.map((key) => key.{name}) }} }}"
    return f"{{ OR: keys.map((key) => ({_fields_of_key(model)})) }}"


def _where_unique(model: Model) -> str:
    fields = _fields_of_key(model)
    return f"{{ {model.key_name}: {fields} }}" if model.key_name else fields


def _fields_of_key(model: Model) -> str:
    return f"{{ {', '.join(f'{name}: key.{name}' for name in model.key)} }}"


def _datum(field: Field) -> str:
    """A null means two things in a Json field; where both are possible, that of the database is the usual one."""
    value = f"row.{field.name}"
    if field.type != "Json" or field.kind is FieldKind.ENUM:
        return value
    if field.is_list:
        return f"{value} as Prisma.InputJsonValue[]"
    null = "DbNull" if field.is_optional else "JsonNull"
    return f"{value} === null ? Prisma.{null} : ({value} as Prisma.InputJsonValue)"


def _prisma_import(columns: Sequence[Field], imports: Imports) -> str:
    """`Prisma` is needed as a value for its nulls only."""
    needs_nulls = any(field.type == "Json" and not field.is_list for field in columns)
    names = "{ Prisma, type PrismaClient }" if needs_nulls else "type { Prisma, PrismaClient }"
    return f"import {names} from '{imports.client}';"


def _version_words(model: Model) -> dict[str, str]:
    """Reading by the time of the last write, for models that have it."""
    times = {field.name for field in model.fields if field.type == "DateTime" and not field.is_list}
    version = next((name for name in _VERSIONS if name in times), None)
    if version is None:
        return {"users": "`Revalidator` and `BatchWriter`", "find_since": ""}
    order = ", ".join(f"{{ {name}: 'asc' }}" for name in (version, *model.key))
    find_since = f"""
  findSince: (version: Date | null, take: number): Promise<__Model__Row[]> =>
    prisma.__accessor__.findMany({{
      where: version === null ? {{}} : {{ {version}: {{ gte: version }} }},
      orderBy: [{order}],
      take,
    }}),
"""
    return {"users": "`Revalidator`, `UpdatedAt` and `BatchWriter`", "find_since": find_since}


def _quoted(names: Sequence[str]) -> list[str]:
    return [_quote(name) for name in names]


def _quote(text: str) -> str:
    """As a literal of TypeScript."""
    return "'" + json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"


def _differs(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") != text
    except FileNotFoundError:
        return False
    except (OSError, UnicodeDecodeError):
        return True


def _write(path: Path, text: str) -> Path:
    """A file of that name is always whole."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as staging:
            staging.write(text)
        Path(name).chmod(0o644)
        return Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
