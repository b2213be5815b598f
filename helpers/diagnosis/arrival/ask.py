"""The question: gathers the facts about one change in one transaction that is rolled back, and has them judged."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import AsyncConnection

from helpers.database_url import fault_of, reason_of
from helpers.diagnosis.arrival.admission import refusal
from helpers.diagnosis.arrival.catalog import read_table, role_exists, tables_alike
from helpers.diagnosis.arrival.conditions import evaluate_conditions
from helpers.diagnosis.arrival.database import reading
from helpers.diagnosis.arrival.decision import decide
from helpers.diagnosis.arrival.facts import EVENTS, Facts, Question, TableFacts
from helpers.diagnosis.arrival.log import carried, size_bytes
from helpers.diagnosis.arrival.policies import evaluate_policies, reads_itself
from helpers.diagnosis.arrival.results import Arrival
from helpers.diagnosis.arrival.rows import Rows, Texts, cells, find_rows
from helpers.diagnosis.evidence import TableName
from helpers.errors import ConnectionFailed, InputError
from helpers.target import Target, TargetKind
from helpers.wire.filters import FilterError, parse_conditions

__all__ = ["would_arrive"]

#: Of the tables that a name with wildcards fits, so many are looked at.
MOST_ALIKE = 20

_TRIED = "asking whether a change would arrive"
_SET_URL = "Set DATABASE_URL to the project's PostgreSQL URL"


async def would_arrive(
    target: Target,
    *,
    table: str,
    role: str | None = None,
    claims: Mapping[str, Any] | None = None,
    filter: str | None = None,
    event: str = "INSERT",
    listens: str = "*",
    row: Mapping[str, Any] | None = None,
    old_row: Mapping[str, Any] | None = None,
    select: Sequence[str] | None = None,
) -> Arrival:
    """Whether a subscriber would be told of a change, how it would look, and what would withhold it.

    Nothing is written: policies, filters and casts are evaluated by the database in a transaction that cannot write
    and is rolled back. The answer is about a change that commits now, alone in its batch: a filter or policy of
    another subscriber that fails can still drop the batch, and triggers and constraints are not asked. A policy that
    reads the table itself sees it without the change.

    Args:
        target: which Supabase; needs its database URL, of a role that may act as `role`.
        table: such as ``messages`` or ``chat.messages``.
        role: of the subscriber's token; by default that of the claims, else ``anon``.
        claims: of the subscriber's token, such as ``{"sub": "…"}``.
        filter: of the binding, such as ``room_id=eq.123``.
        event: what happens to the row: INSERT, UPDATE or DELETE.
        listens: the binding's event, ``*`` for all.
        row: INSERT: the new row, whose missing columns take their defaults. UPDATE: the primary key and the columns
            that are set; the rest is the stored row's. DELETE: at least the primary key. Values as in JSON. None takes
            a row of the table.
        old_row: for UPDATE and DELETE the row before, or its primary key when `row` changes the key.
        select: of the binding: the columns wanted besides the primary key.

    Raises:
        InputError: no database URL, an unknown event, or a row that does not fit the table.
        ConnectionFailed: the database does not answer.
        FailureError: the database role may not act as `role`, or a policy can only be asked about a stored row.
    """
    question = _question(target, table, role, claims, filter, event, listens, row, old_row, select)
    if not target.database_url:
        raise InputError(_TRIED, "DATABASE_URL is not set", _SET_URL)
    if fault := fault_of(target.database_url):
        raise InputError(_TRIED, f"DATABASE_URL cannot be used: {fault}", _SET_URL)
    began = time.monotonic()
    try:
        async with reading(target.database_url) as connection:
            facts = await _gather(connection, question)
    except psycopg.OperationalError as error:
        happened = reason_of(error, target.database_url)
        raise ConnectionFailed(_TRIED, happened, "Check DATABASE_URL and the network") from error
    return replace(decide(facts, _asked(question)), took_ms=(time.monotonic() - began) * 1000)


def _question(
    target: Target,
    table: str,
    role: str | None,
    claims: Mapping[str, Any] | None,
    filter: str | None,
    event: str,
    listens: str,
    row: Mapping[str, Any] | None,
    old_row: Mapping[str, Any] | None,
    select: Sequence[str] | None,
) -> Question:
    if event.upper() not in EVENTS:
        raise InputError(_TRIED, f"there is no event {event!r}", f"The events are {', '.join(EVENTS)}")
    acts_as = role or str((claims or {}).get("role") or "anon")
    home = target.schema if target.kind is TargetKind.LAB else "public"
    return Question(
        table=TableName.parse(table, home),
        event=event.upper(),
        listens=listens.upper() if listens.upper() in EVENTS else "*",
        role=acts_as,
        claims={**(claims or {}), "role": acts_as},
        filter=filter,
        select=tuple(select) if select else None,
        row=row,
        old_row=old_row,
    )


def _asked(question: Question) -> str:
    filter = f" where {question.filter}" if question.filter else ""
    return f"{question.event} in {question.table}, for {question.role} who listens to {question.listens}{filter}"


async def _gather(connection: AsyncConnection, question: Question) -> Facts:
    table = await read_table(connection, question.table, question.role)
    if table is None:
        return Facts(question, None)
    alike = (await tables_alike(connection, question.table))[:MOST_ALIKE]
    others = tuple(name for name in alike if name != question.table)
    table = replace(table, alike=others)
    bound = [table if name == question.table else await read_table(connection, name, question.role) for name in alike]
    known = [one for one in bound if one is not None]
    refused = await refusal(connection, question, known, await role_exists(connection, question.role))
    rows = await find_rows(connection, table, question)
    facts = await _with_values(connection, Facts(question, table, refused, notes=_notes(table, rows)), table, rows)
    return facts if refused else await _with_verdicts(connection, facts, table, rows.after)


async def _with_values(connection: AsyncConnection, facts: Facts, table: TableFacts, rows: Rows) -> Facts:
    logged = carried(table, rows)
    new = await cells(connection, [column for column in table.columns if column.name in logged.new], logged.new)
    old = await cells(connection, [column for column in table.columns if column.name in logged.old], logged.old)
    size = size_bytes(table, facts.question.event, new, old)
    return replace(facts, new=new, old=old, unchanged=logged.unchanged, size_bytes=size)


async def _with_verdicts(connection: AsyncConnection, facts: Facts, table: TableFacts, after: Texts | None) -> Facts:
    """The answers of filter and policies, which the server asks only about rows that it could show."""
    conditions = _conditions(facts.question)
    looked_at = facts.old if facts.question.event == "DELETE" else facts.new
    results = await evaluate_conditions(connection, table, conditions, looked_at)
    facts = replace(facts, conditions=results)
    showable = after is not None and table.key and all(column.readable for column in table.key)
    if not (table.rls and showable and after is not None):
        return facts
    return replace(facts, security=await evaluate_policies(connection, table, facts.question, after, facts.new))


def _conditions(question: Question) -> Sequence[Any]:
    try:
        return parse_conditions(question.filter or "")
    except FilterError:
        return ()


def _notes(table: TableFacts, rows: Rows) -> tuple[str, ...]:
    reading_itself = reads_itself(table) if table.rls and rows.after is not None else ()
    more = [f"policy “{name}” reads {table.name} itself, which is seen without this change" for name in reading_itself]
    return (*rows.notes, *more)
