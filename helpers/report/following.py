"""The example for a table of the user's own: the code that follows it, with the names and keys of its model."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

from helpers.prisma.datamodel import Field
from helpers.review.reviewed import Followed

__all__ = ["filled", "following_python", "following_typescript", "why_not"]

#: Prisma types of keys that a payload tells exactly, and how each is read from it.
_TYPESCRIPT = {"BigInt": "BigInt", "Int": "Number", "String": "String"}
_PYTHON = {"BigInt": "int", "Int": "int", "String": "str"}

#: Words of TypeScript and names of the templates, which a parameter cannot have.
_TAKEN = frozenset(
    {
        *("supabase", "prisma", "apply", "waitMs", "changed", "timer", "flush", "follow"),
        *("case", "catch", "const", "default", "delete", "do", "enum", "export", "extends", "function", "instanceof"),
        *("let", "new", "null", "super", "switch", "this", "throw", "typeof", "undefined", "var", "void"),
        *("interface", "package", "private", "protected", "public", "static"),
    }
)

_HOLE = re.compile(r"\{([^{}]*)\}")


def why_not(followed: Followed) -> str:
    """Why there is no example for a table; empty if there is."""
    model = followed.model
    if not model.key:
        return f"model {model.name} has no @id, so that no row can be read again: give it one"
    strange = [field for field in model.key_fields if field.type not in _TYPESCRIPT or field.is_time_of_day]
    if strange:
        told = ", ".join(f"{field.name} {field.type}" for field in strange)
        return f"the key of model {model.name} has a type that a change does not tell exactly ({told})"
    return ""


def following_typescript(followed: Followed) -> str:
    """For Prisma's TypeScript client and supabase-js.

    Raises:
        ValueError: `why_not` has a reason.
    """
    model, keys = followed.model, _keys(followed)
    names = _holes(followed.filter, _camel)
    words = {
        "__Model__": model.name,
        "__model__": model.name[0].lower() + model.name[1:],
        "__KEY_TYPE__": " | ".join(_quoted(field.name) for field in keys),
        "__KEY_NAMES__": ", ".join(f"String(key.{field.name})" for field in keys),
        "__KEY__": ", ".join(f"{f.name}: {_TYPESCRIPT[f.type]}(row[{_quoted(f.column)}])" for f in keys),
        "__PARAMETERS__": "".join(f"{name}: string | number | bigint,\n  " for name in names),
        "__TOPIC__": _template(f"{followed.table}:{followed.filter}", _camel),
        "__FILTER_TEXT__": _template(followed.filter, _camel),
        "__SCHEMA_TEXT__": _quoted(followed.schema),
        "__TABLE_TEXT__": _quoted(followed.table),
    }
    return filled("follow.ts", words)


def following_python(followed: Followed) -> str:
    """For Prisma Client Python and supabase-py.

    Raises:
        ValueError: `why_not` has a reason, or Prisma Client Python makes no client of the model.
    """
    model, keys = followed.model, _keys(followed)
    refused = [field.name for field in model.fields if keyword.iskeyword(field.name)]
    if refused or keyword.iskeyword(model.accessor):
        named = ", ".join(refused) or model.accessor
        raise ValueError(f"Prisma Client Python refuses names that are Python's own: {named}; rename with @map")
    numbered = list(enumerate(keys))
    words = {
        "__Model__": model.name,
        "__accessor__": model.accessor,
        "__KEY_TYPES__": ", ".join(_PYTHON[field.type] for field in keys),
        "__KEY_VALUES__": ", ".join(
            f"{_PYTHON[f.type]}(row[{json.dumps(f.column, ensure_ascii=False)}])" for f in keys
        ),
        "__ROW_KEY__": ", ".join(f"row.{field.name}" for field in keys),
        "__WHERE__": ", ".join(f'"{field.name}": key[{number}]' for number, field in numbered),
        "__PARAMETERS__": "".join(f"{name}: str | int,\n    " for name in _holes(followed.filter, _snake)),
        "__TOPIC__": _formatted(f"{followed.table}:{followed.filter}"),
        "__FILTER_TEXT__": _formatted(followed.filter),
        "__SCHEMA_TEXT__": _double(followed.schema),
        "__TABLE_TEXT__": _double(followed.table),
    }
    return filled("follow.py.txt", words)


def filled(template: str, words: Mapping[str, str]) -> str:
    """A template of this package with its words replaced, all at once: what replaces one is not looked at again."""
    text = files("helpers.report").joinpath("templates", template).read_text(encoding="utf-8")
    return re.sub("|".join(map(re.escape, words)), lambda match: words[match.group()], text).strip()


def _keys(followed: Followed) -> Sequence[Field]:
    if reason := why_not(followed):
        raise ValueError(reason)
    return followed.model.key_fields


def _holes(text: str, style: Callable[[str], str]) -> list[str]:
    """Parameters for what the application computes in a filter, each once."""
    return list(dict.fromkeys(style(hole) for hole in _HOLE.findall(text)))


def _camel(hole: str) -> str:
    """`room.id` → `roomId`; what has no name, or one that has a meaning already, is a value."""
    first, *rest = re.findall(r"[A-Za-z][A-Za-z0-9]*|[0-9]+", hole) or [""]
    name = (first + "".join(part[:1].upper() + part[1:] for part in rest)).lstrip("0123456789")
    return f"{name}Value" if name in _TAKEN or keyword.iskeyword(name) else name or "value"


def _snake(hole: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", _camel(hole)).lower()


def _double(text: str) -> str:
    """A string of Python, in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def _quoted(text: str) -> str:
    """A string of TypeScript, in single quotes."""
    return "'" + json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"


def _template(text: str, style: Callable[[str], str]) -> str:
    """A string of TypeScript; with holes, a template."""
    if not _HOLE.search(text):
        return _quoted(text)
    fixed = re.sub(r"[`\\]|\$(?=\{)", lambda found: "\\" + found[0], text)
    return "`" + _HOLE.sub(lambda hole: "${" + style(hole[1]) + "}", fixed) + "`"


def _formatted(text: str) -> str:
    """A string of Python; with holes, an f-string."""
    quoted = _double(text)
    return "f" + _HOLE.sub(lambda hole: "{" + _snake(hole[1]) + "}", quoted) if _HOLE.search(text) else quoted
