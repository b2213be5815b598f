"""The bindings of a join, as the real server reads them (supabase/realtime, `subscriptions.ex`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from helpers.lab.changes.elixir import inspect
from helpers.lab.changes.phash import phash2
from helpers.lab.changes.subscription import SubscriptionRefused
from helpers.wire.filters import Condition, FilterError, parse_conditions

__all__ = ["EVENTS", "Binding", "binding_id", "legacy_binding", "parse_binding"]

EVENTS = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True, slots=True)
class Binding:
    """What one entry of `config.postgres_changes` asks for.

    Attributes:
        id: as the join's reply told it.
        event: INSERT, UPDATE, DELETE or ``*``.
        schema: a name, or ``*``.
        table: a name, or ``*``.
        conditions: all of which must hold.
        select: the columns wanted besides the primary key, None for all.
    """

    id: int
    event: str
    schema: str
    table: str
    conditions: tuple[Condition, ...]
    select: tuple[str, ...] | None

    def __str__(self) -> str:
        """The parameters as the server's refusals show them."""
        conditions = [
            (condition.column, str(condition.operator), condition.value, condition.negated)
            for condition in self.conditions
        ]
        select = "nil" if self.select is None else inspect(list(self.select))
        filters = inspect(conditions)
        return f"event: {self.event}, schema: {self.schema}, table: {self.table}, filters: {filters}, select: {select}"


def binding_id(binding: Mapping[str, Any]) -> int:
    """The real server's hash of all of a binding's parameters; an integer `id` given by the client wins.

    Equal bindings share their id, extra keys change it.
    """
    given = binding.get("id")
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    return _hash_of(json.dumps(binding))


@lru_cache(maxsize=4096)
def _hash_of(binding: str) -> int:
    """Remembered, as clients of one kind all join with the same few bindings."""
    return phash2(json.loads(binding))


def legacy_binding(sub_topic: str) -> dict[str, str]:
    """The binding of a join without `config`: ``schema[:table[:filter]]`` of the topic after ``realtime:``."""
    names = ("schema", "table", "filter")
    return dict(zip(names, sub_topic.split(":", 2), strict=False))


def parse_binding(params: Mapping[str, Any]) -> Binding:
    """Read one entry of `config.postgres_changes`.

    Raises:
        SubscriptionRefused: with the server's text; it does not try such a binding again.
    """
    select = _select(params)
    schema, table, conditions = _target(params)
    if select is not None and "*" in (schema, table):
        raise SubscriptionRefused(
            "Column selection is not supported for wildcard subscriptions. Provide an explicit schema and table name."
        )
    return Binding(binding_id(params), _event(params), schema, table, conditions, select)


def _event(params: Mapping[str, Any]) -> str:
    """Names are taken in any case; an unknown one means all events."""
    event = params.get("event")
    return event.upper() if isinstance(event, str) and event.upper() in EVENTS else "*"


def _select(params: Mapping[str, Any]) -> tuple[str, ...] | None:
    select = params.get("select")
    if isinstance(select, str):
        raise SubscriptionRefused(
            'Error parsing `select` params: expected a list of column name strings, e.g. select: ["col1", "col2"]'
        )
    if not isinstance(select, list):
        return None
    return tuple(name for name in select if isinstance(name, str)) or None


def _target(params: Mapping[str, Any]) -> tuple[str, str, tuple[Condition, ...]]:
    """Schema, table and filter. A filter needs both names, a name that is there must be text."""
    given = {name: params[name] for name in ("schema", "table", "filter") if name in params}
    if not all(isinstance(value, str) for value in given.values()) or not given.keys() & {"schema", "table"}:
        raise _no_params(params)
    if "filter" not in given:
        return given.get("schema", "public"), given.get("table", "*"), ()
    if len(given) < 3:
        raise _no_params(params)
    try:
        return given["schema"], given["table"], parse_conditions(given["filter"])
    except FilterError as error:
        raise SubscriptionRefused(f"Error parsing `filter` params: {error.server_says}") from error


def _no_params(params: Mapping[str, Any]) -> SubscriptionRefused:
    hidden = "user_token" in params or "auth_token" in params
    shown = "<redacted>" if hidden else inspect(params)
    return SubscriptionRefused(
        "No subscription params provided. Please provide at least a `schema` or `table` to subscribe to: " + shown
    )
