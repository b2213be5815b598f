"""Changes of the database, as statements of a migration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from psycopg import sql

from helpers.review.database.facts import DatabaseFacts, PolicyFacts, TableFacts
from helpers.review.plan.replay.stage import mentions

__all__ = [
    "broadcast_sql",
    "index_sql",
    "missing_indexes",
    "once",
    "policy_sql",
    "publication_sql",
]

#: Calls that PostgreSQL makes for each row, unless they stand in a select of their own.
_CALL = re.compile(r"\bauth\.(?:uid|jwt|role|email)\(\)|\bcurrent_setting\([^()]*\)")
_BEFORE = re.compile(r"\(\s*select\s+(?:\w+\s*\(\s*)*$", re.IGNORECASE)
#: ``column = …`` and ``… = column`` around the user's id.
_OWNER = re.compile(
    r"(?P<left>[\w.\"]+)\s*=\s*\(?\s*(?:select\s+)?auth\.uid\(\)|auth\.uid\(\)\s*(?:as\s+\w+\s*)?\)?\s*=\s*(?P<right>[\w.\"]+)",
    re.IGNORECASE,
)


def once(expression: str) -> str:
    """A policy's expression in which each call is made once for a statement, and not once for each row."""

    def wrapped(found: re.Match[str]) -> str:
        in_select = _BEFORE.search(expression[: found.start()])
        return found[0] if in_select else f"(select {found[0]})"

    return _CALL.sub(wrapped, expression)


def policy_sql(policy: PolicyFacts) -> str | None:
    """Alters a policy so that it calls once; None if it does already."""
    parts = []
    if policy.using and once(policy.using) != policy.using:
        parts.append(f"using ({once(policy.using)})")
    if policy.check and once(policy.check) != policy.check:
        parts.append(f"with check ({once(policy.check)})")
    if not parts:
        return None
    return f"alter policy {_name(policy.name)} on {_qualified(policy)} {' '.join(parts)};"


def missing_indexes(table: TableFacts, database: DatabaseFacts) -> Iterator[tuple[TableFacts, str]]:
    """Columns that the table's policies compare with the user's id in other tables, and that lead no index there."""
    for policy in table.policies:
        if policy.command not in ("ALL", "SELECT"):
            continue
        for other in database.tables:
            if other.name == table.name or not mentions(policy.using, other.name):
                continue
            for column in _owners(policy.using, other):
                if not any(index[:1] == (column,) for index in (*other.indexes, other.primary_key or ())):
                    yield other, column


def _owners(using: str, table: TableFacts) -> Iterator[str]:
    for found in _OWNER.finditer(using):
        column = (found["left"] or found["right"]).replace('"', "").rpartition(".")[2]
        if table.column(column) is not None:
            yield column


def index_sql(table: TableFacts, column: str) -> str:
    """Makes an index, without a lock on writes only where it can: a migration runs in a transaction."""
    return f"create index if not exists {_name(f'{table.name}_{column}_idx')} on {_table(table)} ({_name(column)});"


def publication_sql(table: TableFacts) -> str:
    """Publishes a table's changes."""
    return f"alter publication supabase_realtime add table {_table(table)};"


def broadcast_sql(table: TableFacts, group: str | None, kinds: Iterable[str]) -> tuple[str, ...]:
    """A trigger that broadcasts these kinds of changes to the private topic of their group."""
    function = f"{_name(table.schema)}.{_name(f'broadcast_{table.name}')}"
    topic = sql.Literal(f"{table.name}:").as_string()
    ending = f" || coalesce(new.{_name(group)}, old.{_name(group)})::text" if group else ""
    return (
        f"create or replace function {function}() returns trigger language plpgsql security definer"
        " set search_path = '' as $$\n"
        "begin\n"
        f"  perform realtime.broadcast_changes(\n"
        f"    {topic}{ending}, tg_op, tg_op, tg_table_name, tg_table_schema, new, old\n"
        "  );\n"
        "  return null;\n"
        "end $$;",
        f"create or replace trigger {_name(f'broadcast_{table.name}')}\n"
        f"  after {' or '.join(kind.lower() for kind in kinds)} on {_table(table)}\n"
        f"  for each row execute function {function}();",
    )


def _qualified(policy: PolicyFacts) -> str:
    return f"{_name(policy.schema)}.{_name(policy.table)}"


def _table(table: TableFacts) -> str:
    return f"{_name(table.schema)}.{_name(table.name)}"


def _name(name: str) -> str:
    """As one writes it: quoted only where it must be."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else sql.Identifier(name).as_string()
