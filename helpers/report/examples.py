"""Section "Example Optimized Code": for the tables, models and filter of this very project."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from helpers.places import repository_root
from helpers.report.following import filled, following_python, following_typescript
from helpers.report.inputs import Inputs
from helpers.report.model import Example
from helpers.review.reviewed import Followed

__all__ = ["examples", "model_of"]

#: Where the specification's example subscribes, and what it filters by.
SCHEMA, TABLE, FILTER = "public", "messages", "room_id=eq.123"

_MODEL = re.compile(r'^model (\w+) \{(?:(?!^\}).)*?@@map\("([^"]+)"\)', re.MULTILINE | re.DOTALL)


def examples(inputs: Inputs) -> tuple[Example, ...]:
    """In both languages: for the reviewed application's own model, else for the tables that were measured."""
    followed = inputs.review.result.followed if inputs.review else None
    if followed is None or inputs.review is None or inputs.review.result.is_sample:
        return _mirrored(inputs)
    return _followed(followed)


def _followed(followed: Followed) -> tuple[Example, ...]:
    """Of the user's own: the table that the code subscribes to, read again through its model."""
    followed = replace(followed, filter=followed.filter or _by_key(followed))
    title = f"Filtered subscription to `{followed.table}`, read again through Prisma's `{followed.model.name}`"
    makers = (("TypeScript", "typescript", following_typescript), ("Python", "python", following_python))
    return tuple(_example(f"{title} ({name})", language, maker, followed) for name, language, maker in makers)


def _by_key(followed: Followed) -> str:
    """For a subscription without a filter: by one row, until its owner knows a better column."""
    keys = followed.model.key_fields
    return f"{keys[0].column}=eq.{{{keys[0].name}}}" if keys else ""


def _example(title: str, language: str, make: Callable[[Followed], str], followed: Followed) -> Example:
    try:
        return Example(title, language, make(followed))
    except ValueError as reason:
        sign = "//" if language == "typescript" else "#"
        return Example(title, language, f"{sign} No example, because {reason}.")


def _mirrored(inputs: Inputs) -> tuple[Example, ...]:
    """Of the workbook's own tables: the copy whose keeping was measured, with the filter that was measured."""
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
    return filled(template, words)
