"""Section "Example Optimized Code": for the tables, models and filter of this very project."""

from __future__ import annotations

import re
from importlib.resources import files

from helpers.places import repository_root
from helpers.report.inputs import Inputs
from helpers.report.model import Example

__all__ = ["examples", "model_of"]

#: Where the specification's example subscribes, and what it filters by.
SCHEMA, TABLE, FILTER = "public", "messages", "room_id=eq.123"

_MODEL = re.compile(r'^model (\w+) \{(?:(?!^\}).)*?@@map\("([^"]+)"\)', re.MULTILINE | re.DOTALL)


def examples(inputs: Inputs) -> tuple[Example, ...]:
    """The filtered, batched subscription in both languages, with the filter that was measured."""
    comparison = inputs.comparison
    row_filter = comparison.filtered.filter if comparison and comparison.filtered.filter else FILTER
    schema = comparison.filtered.schema if comparison else SCHEMA
    title = f"Filtered subscription to `{TABLE}`, mirrored through Prisma in batches"
    return (
        Example(f"{title} (TypeScript)", "typescript", _filled("mirror.ts", schema, row_filter)),
        Example(f"{title} (Python)", "python", _filled("mirror.py.txt", schema, row_filter)),
    )


def model_of(table: str) -> str:
    """The Prisma model of a table, by the `@@map` in `data/prisma/schema.prisma`.

    Raises:
        KeyError: no model has this table.
    """
    schema = (repository_root() / "data" / "prisma" / "schema.prisma").read_text()
    models: dict[str, str] = {mapped: model for model, mapped in _MODEL.findall(schema)}
    return models[table]


def _filled(template: str, schema: str, row_filter: str) -> str:
    """A template with the project's names; `TABLE`, `FILTER` and the models stand in it as words."""
    model, copy = model_of(TABLE), model_of(f"mirrored_{TABLE}")
    text = files("helpers.report").joinpath("templates", template).read_text(encoding="utf-8")
    words = {
        "__SCHEMA__": schema,
        "__TABLE__": TABLE,
        "__FILTER__": row_filter,
        "__model__": model[0].lower() + model[1:],
        "__copy__": copy[0].lower() + copy[1:],
        "__Copy__": copy,
        "__model_lower__": model.lower(),
        "__copy_lower__": copy.lower(),
    }
    return re.sub("|".join(map(re.escape, words)), lambda match: words[match.group()], text).strip()
