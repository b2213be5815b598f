"""Names and code as a fix shows them: in the language of the file, with its own names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from helpers.review.inventory import Text
from helpers.review.rules.reviewed import SCRIPTS, Change

__all__ = ["FILTERS", "binding", "condition", "expression", "listed", "on", "option", "quoted", "remove", "text"]

#: Of a long list, so many are named.
MOST_NAMED = 8
#: How a comparison is asked of the server.
FILTERS = {
    "===": "eq",
    "==": "eq",
    "!==": "neq",
    "!=": "neq",
    "<": "lt",
    "<=": "lte",
    ">": "gt",
    ">=": "gte",
    "includes": "in",
    "in": "in",
}
_HOLE = re.compile(r"\{([^{}]*)\}")
#: How a hole stands in a text, and the quotes around such a text.
_TEMPLATES = {
    "python": ("{{{}}}", 'f"', '"'),
    "dart": ("${{{}}}", "'", "'"),
    "swift": ("\\({})", '"', '"'),
    "kotlin": ("${{{}}}", '"', '"'),
}
_SCRIPT = ("${{{}}}", "`", "`")


def listed(names: Iterable[object]) -> str:
    """Names in a sentence; of many, the first and how many more."""
    texts = list(dict.fromkeys(str(name) for name in names))
    more = f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
    return ", ".join(texts[:MOST_NAMED]) + more


def quoted(language: str, value: str) -> str:
    quote = '"' if language in ("python", "swift", "kotlin") else "'"
    return f"{quote}{value}{quote}"


def text(language: str, value: Text | str) -> str:
    """A text of the code as its language writes it, with what is computed in its place."""
    pattern = value if isinstance(value, str) else value.value
    if not _HOLE.search(pattern):
        return quoted(language, pattern)
    hole, opening, closing = _TEMPLATES.get(language, _SCRIPT)
    return opening + _HOLE.sub(lambda found: hole.format(found[1]), pattern) + closing


def expression(language: str, value: Text) -> str:
    """A value as an expression: a hole alone is a name."""
    alone = _HOLE.fullmatch(value.value)
    return alone[1] if alone else text(language, value)


def condition(column: str, operator: str, value: Text) -> str:
    """A condition of a filter, computed parts as holes; of `in` the list's items between commas."""
    if operator != "in":
        return f"{column}={operator}.{value.value}"
    alone = _HOLE.fullmatch(value.value)
    items = f"{{{alone[1]}.join(',')}}" if alone else value.value
    return f"{column}=in.({items})"


def option(language: str, name: str, value: str) -> str:
    """One named argument or option."""
    return f"{name}={value}" if language == "python" else f"{name}: {value}"


def binding(change: Change, **changed: str) -> str:
    """The binding as it should be: its own event, schema, table, filter and select, and what is `changed` of them.

    Values of `changed` are texts with holes; of `select` the columns between commas.
    """
    own = {
        "event": change.binding.event.value,
        "schema": change.schema,
        "table": change.binding.table.value if change.binding.table is not None else "",
        "filter": change.binding.filter.value if change.binding.filter is not None else "",
    }
    wanted = {name: value for name, value in {**own, **changed}.items() if value}
    return on(change.language, wanted)


def on(language: str, wanted: dict[str, str]) -> str:
    """Listening to `wanted` (event, schema, table, filter, select), in the language."""
    if language == "python":
        event = wanted.pop("event", "*")
        return f"channel.on_postgres_changes({', '.join([quoted(language, event), *_options(language, wanted)])}, …)"
    if language == "dart":
        return _dart(wanted)
    if language == "swift":
        return _swift(wanted)
    if language == "kotlin":
        return _kotlin(wanted)
    return f".on('postgres_changes', {{ {', '.join(_options(language, wanted))} }}, …)"


def remove(language: str, client: str, variable: str) -> str:
    """Giving a channel up."""
    client, variable = client or "supabase", variable or "channel"
    if language == "python":
        return f"await {client}.remove_channel({variable})"
    awaiting = {"swift": "await ", "kotlin": "", "dart": "await "}.get(language, "")
    if language == "kotlin":
        return f"{client}.realtime.removeChannel({variable})"
    return f"{awaiting}{client}.removeChannel({variable})"


def is_script(language: str) -> bool:
    return language in SCRIPTS


def _options(language: str, wanted: dict[str, str]) -> list[str]:
    return [option(language, name, _value(language, name, value)) for name, value in wanted.items()]


def _value(language: str, name: str, value: str) -> str:
    if name != "select":
        return text(language, value)
    return "[" + ", ".join(quoted(language, column.strip()) for column in value.split(",")) + "]"


def _dart(wanted: dict[str, str]) -> str:
    event = {"*": "all"}.get(wanted["event"], wanted["event"].lower())
    parts = [f"event: PostgresChangeEvent.{event}"]
    parts += [f"{name}: {text('dart', wanted[name])}" for name in ("schema", "table") if name in wanted]
    if "filter" in wanted:
        column, operator, value = _split(wanted["filter"])
        kind = "inFilter" if operator == "in" else operator
        parts.append(
            f"filter: PostgresChangeFilter(type: PostgresChangeFilterType.{kind}, column: '{column}', "
            f"value: {expression('dart', Text(value))})"
        )
    return f".onPostgresChanges({', '.join(parts)}, callback: …)"


def _swift(wanted: dict[str, str]) -> str:
    action = {"*": "AnyAction"}.get(wanted["event"], f"{wanted['event'].capitalize()}Action")
    parts = [f"{action}.self"]
    parts += [f"{name}: {text('swift', wanted[name])}" for name in ("schema", "table") if name in wanted]
    if "filter" in wanted:
        column, operator, value = _split(wanted["filter"])
        parts.append(f'filter: .{operator}("{column}", value: {expression("swift", Text(value))})')
    return f"channel.postgresChange({', '.join(parts)})"


def _kotlin(wanted: dict[str, str]) -> str:
    action = "" if wanted["event"] == "*" else f".{wanted['event'].capitalize()}"
    inner = [f"table = {text('kotlin', wanted['table'])}"] if "table" in wanted else []
    if "filter" in wanted:
        column, operator, value = _split(wanted["filter"])
        inner.append(f'filter("{column}", FilterOperator.{operator.upper()}, {expression("kotlin", Text(value))})')
    schema = text("kotlin", wanted.get("schema", "public"))
    return f"channel.postgresChangeFlow<PostgresAction{action}>(schema = {schema}) {{ {'; '.join(inner)} }}"


def _split(condition: str) -> tuple[str, str, str]:
    column, _, rest = condition.partition("=")
    operator, _, value = rest.partition(".")
    return column, operator, value
