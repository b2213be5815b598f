"""Whether bindings can be subscribed to: all of a channel in one transaction, one bad binding refuses them all.

The order of the questions and the words of the refusals are those of the real server (`subscriptions.ex` and the
database function `realtime.subscription_check_filters`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import AsyncConnection, sql

from helpers.lab.changes.bindings import Binding
from helpers.lab.changes.catalog import DROPPED_MEANWHILE, TableInfo, describe_published
from helpers.lab.changes.conditions import Check, compile_check
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.changes.subscription import SubscriptionRefused
from helpers.lab.changes.types import PgType, TypeCatalog
from helpers.wire.filters import MAX_IN_VALUES, Condition, Operator

__all__ = ["Admission", "Admitted", "compile_condition"]

_TRIES = 5  # before a table that is gone is the binding's fault, not a drop in the midst of the question
_UNABLE = "Unable to subscribe to changes with given parameters."
_LIKE_OPERATORS = {Operator.LIKE: "~~", Operator.ILIKE: "~~"}
_REGEX_OPERATORS = {Operator.MATCH: "~", Operator.IMATCH: "~*"}


@dataclass(frozen=True, slots=True)
class Admitted:
    """A binding on one table; a binding with wildcards is admitted for several.

    Attributes:
        binding: as it was asked for.
        position: among the channel's bindings.
        table_oid: of the table.
        checks: the filter's conditions, compiled for the table's columns.
        misnamed: the table, if the binding names another: its name was taken for a pattern.
    """

    binding: Binding
    position: int
    table_oid: int
    checks: tuple[Check, ...]
    misnamed: str | None = None


class _Objection(Exception):  # noqa: N818
    """What the database function would raise."""

    def __init__(self, message: str) -> None:
        super().__init__(f"ERROR P0001 (raise_exception) {message}")


class Admission:
    """Checks the bindings of one channel.

    Args:
        connection: in autocommit.
        types: of the database.
        settings: the publication, and how names are compared.
        role: who subscribes.
    """

    def __init__(self, connection: AsyncConnection, types: TypeCatalog, settings: ChangeSettings, role: str) -> None:
        self._connection = connection
        self._types = types
        self._settings = settings
        self._role = role

    async def admit(self, bindings: Sequence[Binding]) -> list[Admitted]:
        """Check bindings against publication, columns, privileges and types.

        Raises:
            SubscriptionRefused: with the server's text about the first bad binding.
            psycopg.OperationalError: when the database does not answer.
        """
        for _ in range(_TRIES - 1):
            try:
                return await self._admit_all(bindings)
            except SubscriptionRefused as refused:
                if not isinstance(refused.__cause__, DROPPED_MEANWHILE):
                    raise
        return await self._admit_all(bindings)

    async def _admit_all(self, bindings: Sequence[Binding]) -> list[Admitted]:
        admitted = []
        async with self._connection.transaction():
            for position, binding in enumerate(bindings):
                admitted += await self._admit(binding, position)
        return admitted

    async def _admit(self, binding: Binding, position: int) -> list[Admitted]:
        try:
            tables = await describe_published(
                self._connection,
                self._settings.publication,
                binding.schema,
                binding.table,
                self._role,
                patterns=self._settings.names_are_patterns,
            )
            admitted = [
                Admitted(binding, position, table.oid, await self._checks(table, binding), _misnamed(table, binding))
                for table in tables.values()
            ]
        except psycopg.OperationalError:
            raise  # the connection's fault, not the binding's
        except (psycopg.DatabaseError, _Objection) as error:
            raise SubscriptionRefused(
                f"{_UNABLE} An exception happened so please check your connect parameters: [{binding}]. "
                f"Exception: {_exception_text(error)}"
            ) from error
        if not admitted:
            raise SubscriptionRefused(
                f"{_UNABLE} Please check Realtime is enabled for the given connect parameters: [{binding}]"
            )
        return admitted

    async def _checks(self, table: TableInfo, binding: Binding) -> tuple[Check, ...]:
        shown = table.readable[self._role]
        readable = {column.name: column.type_oid for column in table.columns if column.name in shown}
        types = await self._types.describe(self._connection, readable.values())
        checks = []
        for condition in binding.conditions:
            if condition.column not in readable:
                raise _Objection(f"invalid column for filter {condition.column}")
            checks.append(await compile_condition(self._connection, condition, types[readable[condition.column]]))
        for name in binding.select or ():
            if name not in readable:
                raise _Objection(f"invalid column for select {name}")
        return tuple(checks)


def _misnamed(table: TableInfo, binding: Binding) -> str | None:
    meant = binding.schema in ("*", table.schema) and binding.table in ("*", table.name)
    return None if meant else table.sql_name


async def compile_condition(connection: AsyncConnection, condition: Condition, pg_type: PgType) -> Check:
    """Check a condition on a column of this type, and compile it.

    Raises:
        psycopg.DatabaseError: when the value cannot be cast.
    """
    literal = condition.value
    texts: Sequence[str | None] = ()
    if condition.operator is Operator.IN:
        texts = await _array_texts(connection, literal, pg_type)
    elif condition.operator is Operator.IS:
        _check_is(literal, pg_type)
    elif condition.operator in _LIKE_OPERATORS:
        await _check_operator(connection, condition.operator, _LIKE_OPERATORS[condition.operator], pg_type)
    elif condition.operator in _REGEX_OPERATORS:
        await _check_operator(connection, condition.operator, _REGEX_OPERATORS[condition.operator], pg_type)
        await _check_regex(connection, condition.operator, literal)
    else:
        texts = [await _text(connection, literal, pg_type)]
    return compile_check(condition.column, pg_type, condition.operator, literal, condition.negated, texts)


async def _text(connection: AsyncConnection, literal: str, pg_type: PgType) -> str | None:
    if pg_type.name == "bytea":
        return literal  # the real server does not cast these until a change comes
    query = sql.SQL("select to_jsonb(%s::{type}) #>> '{{}}'").format(type=_type_name(pg_type))
    row = await (await connection.execute(query, (literal,))).fetchone()
    return row[0] if row else None


async def _array_texts(connection: AsyncConnection, literal: str, pg_type: PgType) -> list[str | None]:
    query = sql.SQL("select to_jsonb(item) #>> '{{}}' from unnest(%s::{type}[]) item").format(type=_type_name(pg_type))
    texts = [row[0] for row in await (await connection.execute(query, (literal,))).fetchall()]
    if len(texts) > MAX_IN_VALUES:
        raise _Objection(f"too many values for `in` filter. Maximum {MAX_IN_VALUES}")
    return texts


def _check_is(literal: str, pg_type: PgType) -> None:
    if literal not in ("null", "true", "false", "unknown"):
        raise _Objection("invalid value for is filter: must be null, true, false, or unknown")
    if literal != "null" and pg_type.name != "bool":
        raise _Objection(f"is {literal} filter requires a boolean column, got {pg_type.sql_name}")


async def _check_operator(connection: AsyncConnection, operator: Operator, symbol: str, pg_type: PgType) -> None:
    cursor = await connection.execute(
        "select from pg_operator where oprname = %s and oprleft = %s::oid and oprresult = 'boolean'::regtype",
        (symbol, pg_type.oid),
    )
    if await cursor.fetchone() is None:
        raise _Objection(f"operator {operator} requires a text-compatible column type, got {pg_type.sql_name}")


async def _check_regex(connection: AsyncConnection, operator: Operator, literal: str) -> None:
    try:
        async with connection.transaction():
            await connection.execute("select '' ~ %s", (literal,))
    except psycopg.DataError as error:
        raise _Objection(f"invalid regular expression for {operator} filter: {error.diag.message_primary}") from error


def _type_name(pg_type: PgType) -> sql.SQL:
    return sql.SQL(pg_type.sql_name.replace("%", "%%"))


def _exception_text(error: Exception) -> str:
    """As the real server's database driver prints an error."""
    if not isinstance(error, psycopg.Error):
        return str(error)
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
    hint = f"\n\n    hint: {error.diag.message_hint}" if error.diag.message_hint else ""
    detail = f"\n\n{error.diag.message_detail}" if error.diag.message_detail else ""
    return f"ERROR {error.sqlstate} ({name}) {error.diag.message_primary}{hint}{detail}"
