"""Finds the row that a change is about, and has the database write its values as the log and the server would."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import tuple_row

from helpers.diagnosis.arrival.database import apart, identifier, sentence
from helpers.diagnosis.arrival.facts import Cell, Cells, Question, TableColumn, TableFacts
from helpers.errors import InputError

__all__ = ["Rows", "Texts", "as_table", "cells", "find_rows"]

#: A row's values as PostgreSQL writes them; null is None.
Texts = Mapping[str, str | None]

#: From this size on a value may be stored apart from its row (TOAST_TUPLE_THRESHOLD, about a quarter of a page).
_LARGE_BYTES = 2000
_CHUNKS_SINCE = 170000  # `pg_column_toast_chunk_id`
_NUMBERS = ("float4", "float8", "numeric")


@dataclass(frozen=True, slots=True)
class Rows:
    """The row before and after the change, whole.

    Attributes:
        apart: columns whose value is large, stored apart from the row, and not set by the change.
        notes: what was assumed about them.
    """

    before: Texts | None
    after: Texts | None
    apart: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Stored:
    texts: Texts
    large: frozenset[str]


async def find_rows(connection: AsyncConnection, table: TableFacts, question: Question) -> Rows:
    """The rows of the change in question.

    Raises:
        InputError: the row given does not fit the table, or none is given and the table is empty.
    """
    if question.event == "INSERT":
        rows = await _inserted(connection, table, question)
    else:
        rows = await _changed(connection, table, question)
    return rows if rows.after is None else replace(rows, after=await _computed(connection, table, rows.after))


async def _changed(connection: AsyncConnection, table: TableFacts, question: Question) -> Rows:
    """The row of an UPDATE or DELETE: as it is stored, else as it is given."""
    named = question.old_row if question.old_row is not None else question.row
    stored = await _stored(connection, table, named)
    if stored is None and named is None:
        raise _unfit(table, f"{table.name} holds no row to take", "Give a row, such as row={'id': 1}")
    notes = () if stored else ("the row is not in the table: what is given of it is taken for all of it",)
    before = stored.texts if stored else await _given(connection, table, named or {})
    if question.event == "DELETE":
        return Rows(before, None, notes=notes)
    set_texts = await _given(connection, table, question.row or {})
    sets = frozenset(question.row or ())
    after = {**before, **{name: text for name, text in set_texts.items() if name in sets}}
    return Rows(before, after, (stored.large if stored else frozenset()) - sets, notes)


async def _inserted(connection: AsyncConnection, table: TableFacts, question: Question) -> Rows:
    if question.row is None:
        stored = await _stored(connection, table, None)
        if stored is None:
            raise _unfit(table, f"{table.name} holds no row to take", "Give a row, such as row={'id': 1}")
        return Rows(None, stored.texts, notes=("a row of the table is taken, as if it were inserted now",))
    texts = dict(await _given(connection, table, question.row))
    notes = []
    for column in table.columns:
        if column.name not in question.row and (column.default or column.sequence):
            texts[column.name] = await _default(connection, table, column)
            notes.append(f"{column.name} takes its default, {texts[column.name]} if it were written now")
    return Rows(None, texts, notes=tuple(notes))


async def _given(connection: AsyncConnection, table: TableFacts, row: Mapping[str, Any]) -> Texts:
    """The values given, as the table's types take them; columns not given are null."""
    unknown = [name for name in row if table.column(name) is None]
    if unknown:
        known = ", ".join(column.name for column in table.columns)
        raise _unfit(table, f"there is no column {unknown[0]!r}", f"The columns are {known}")
    query = sql.SQL("select {} from jsonb_populate_record(null::{}, {}::jsonb) as t").format(
        _texts_of(table.columns), identifier(table.name), _json_of(row)
    )
    try:
        async with apart(connection):
            found = await _one(connection, query)
    except psycopg.Error as error:
        raise _unfit(table, f"the row does not fit the table: {sentence(error)}", "Correct that value") from error
    return _named(table.columns, found or ())


async def _stored(connection: AsyncConnection, table: TableFacts, named: Mapping[str, Any] | None) -> _Stored | None:
    """The row with the key of `named`, or any when that is None; None when there is no such row or it may not be read.

    Raises:
        InputError: the key does not fit the table.
    """
    keys = [column.name for column in table.key]
    if named is not None and not (keys and set(keys) <= named.keys()):
        return None
    if named is not None:
        await _given(connection, table, named)  # says what does not fit
    large = "pg_column_toast_chunk_id(t.{0}) is not null"
    if connection.info.server_version < _CHUNKS_SINCE:
        large = f"coalesce(pg_column_size(t.{{0}}), 0) >= {_LARGE_BYTES}"
    parts = [sql.SQL(large).format(sql.Identifier(column.name)) for column in table.columns]
    query = sql.SQL("select {}, {} from {} as t").format(
        _texts_of(table.columns), sql.SQL(", ").join(parts), identifier(table.name)
    )
    if named is not None:
        same = sql.SQL(" and ").join(sql.SQL("t.{0} = k.{0}").format(sql.Identifier(name)) for name in keys)
        query += sql.SQL(", jsonb_populate_record(null::{}, {}::jsonb) as k where {}").format(
            identifier(table.name), _json_of({name: named[name] for name in keys}), same
        )
    try:
        async with apart(connection):
            found = await _one(connection, query + sql.SQL(" limit 1"))
    except psycopg.errors.InsufficientPrivilege:
        return None
    if found is None:
        return None
    count = len(table.columns)
    names = [column.name for column in table.columns]
    return _Stored(
        _named(table.columns, found[:count]),
        frozenset(name for name, is_large in zip(names, found[count:], strict=True) if is_large),
    )


async def _default(connection: AsyncConnection, table: TableFacts, column: TableColumn) -> str | None:
    """What the column would hold now. A sequence is looked at, not advanced."""
    if column.sequence:
        query: sql.Composed = sql.SQL(
            "select format('%s', coalesce(last_value + increment_by, start_value)) from pg_sequences "
            "where format('%I.%I', schemaname, sequencename) = {}"
        ).format(column.sequence)
    else:
        query = sql.SQL("select format('%s', ({})::{})").format(sql.SQL(column.default), sql.SQL(column.stored_sql))
    try:
        async with apart(connection):
            found = await _one(connection, query)
    except psycopg.Error as error:
        happened = f"the default of {column.name} cannot be computed without writing: {sentence(error)}"
        raise _unfit(table, happened, f"Give a value for {column.name} in the row") from error
    return found[0] if found else None


async def _computed(connection: AsyncConnection, table: TableFacts, texts: Texts) -> Texts:
    """The row with the columns that PostgreSQL computes from the others."""
    columns = [column for column in table.columns if column.computed]
    if not columns:
        return texts
    parts = [
        sql.SQL("case when num_nonnulls({0}) = 1 then format('%s', {0}) end").format(sql.SQL(column.computed))
        for column in columns
    ]
    query = sql.SQL("select {} from {}").format(sql.SQL(", ").join(parts), as_table(table, texts))
    return {**texts, **_named(columns, await _one(connection, query) or ())}


def as_table(table: TableFacts, row: Texts) -> sql.Composed:
    """The row in the place of its table and under the table's name, so that expressions find their columns."""
    values = [sql.SQL("{}::{}").format(row[column.name], sql.SQL(column.stored_sql)) for column in table.columns]
    return sql.SQL("jsonb_populate_record(row({})::{}, '{{}}') as {}").format(
        sql.SQL(", ").join(values), identifier(table.name), sql.Identifier(table.name.table)
    )


async def cells(connection: AsyncConnection, columns: Sequence[TableColumn], texts: Texts) -> Cells:
    """The values as the server reads them from the log and turns them into JSON.

    Raises:
        psycopg.Error: when a value cannot be cast.
    """
    if not columns:
        return {}
    parts = [sql.SQL("{}::text").format(_as_jsonb(column, texts[column.name])) for column in columns]
    found = await _one(connection, sql.SQL("select {}").format(sql.SQL(", ").join(parts)))
    return {
        column.name: _cell(column, texts[column.name], written)
        for column, written in zip(columns, found or (), strict=True)
    }


def _cell(column: TableColumn, text: str | None, written: str | None) -> Cell:
    found = "null" if written is None else written
    value = json.loads(found, parse_float=Decimal) if column.type_name == "numeric" else json.loads(found)
    return Cell(text, found, value)


def _as_jsonb(column: TableColumn, text: str | None) -> sql.Composable:
    """`realtime.cast` of what wal2json writes: bytes without their prefix, numbers that are none as null."""
    if text is None:
        return sql.SQL("null")
    if column.type_name == "bytea":
        return sql.SQL("to_jsonb({}::text)").format(text.removeprefix("\\x"))
    kind = sql.SQL(column.type_sql)
    if column.type_name not in _NUMBERS:
        return sql.SQL("to_jsonb({}::{})").format(text, kind)
    if not text[-1].isdigit():
        return sql.SQL("null")
    return sql.SQL("to_jsonb({}::numeric::text::{})").format(text, kind)  # JSON knows no negative zero


def _texts_of(columns: Sequence[TableColumn]) -> sql.Composable:
    """Each column as its type's output function writes it (a cast to text would cut the blanks of char)."""
    return sql.SQL(", ").join(
        sql.SQL("case when num_nonnulls(t.{0}) = 1 then format('%s', t.{0}) end").format(sql.Identifier(column.name))
        for column in columns
    )


def _named(columns: Sequence[TableColumn], values: Sequence[Any]) -> Texts:
    return {column.name: value for column, value in zip(columns, values, strict=True)}


async def _one(connection: AsyncConnection, query: sql.Composed) -> tuple[Any, ...] | None:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(query)
        return await cursor.fetchone()


def _json_of(row: Mapping[str, Any]) -> sql.Literal:
    return sql.Literal(json.dumps({name: _plain(value) for name, value in row.items()}, default=str))


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return "\\x" + value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _unfit(table: TableFacts, happened: str, advice: str) -> InputError:
    return InputError(f"asking whether a change of {table.name} would arrive", happened, advice)
