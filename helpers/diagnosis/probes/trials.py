"""Tries policies: asks for one row by its key under a role and claims, as Realtime does for each change.

The transaction is read-only and is rolled back, each try has a short limit of its own, and all together have one. What
a policy does, it does for each change that Realtime checks anyway.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jwt
import psycopg
from psycopg import sql

from helpers.diagnosis.evidence import KEY_ROLES, PolicyTrial, Scan, Table, TableName
from helpers.diagnosis.probes.reader import Reader, reason
from helpers.query_plans import EXPLAIN, Plan, become
from helpers.target import Target

__all__ = ["Claims", "claims_of", "try_policies"]

#: A policy that takes longer holds up the changes of everybody by as much, for each subscriber.
TRY_LIMIT_MS = 300
#: For all tables together: of many, the first are tried.
ALL_LIMIT_S = 1.0
#: SQLSTATEs that speak of the look and not of the policy.
NOT_THE_POLICY = ("25006",)

Claims = Mapping[str, Any]


def claims_of(target: Target) -> dict[str, Claims]:
    """For each role the claims to ask with: those of the target's key if it is a token, else what Supabase issues."""
    claims: dict[str, Claims] = {
        "anon": {"role": "anon"},
        "authenticated": {"role": "authenticated", "aud": "authenticated", "sub": str(uuid.uuid4())},
    }
    try:
        own = jwt.decode(target.publishable_key, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return claims
    return claims | ({own["role"]: own} if own.get("role") in KEY_ROLES else {})


async def try_policies(
    reader: Reader, tables: Sequence[Table], claims: Mapping[str, Claims]
) -> tuple[list[Table], str]:
    """The tables with their trials, and why nothing was tried if nothing could be."""
    started, tried = time.monotonic(), list(tables)
    for number, table in enumerate(tables):
        if time.monotonic() - started > ALL_LIMIT_S:
            return tried, f"only the first {number} tables were tried, within {ALL_LIMIT_S:g} s"
        trials = []
        for role in _roles(table):
            trial = await _try(reader, table, role, claims[role])
            if isinstance(trial, str):
                return tried, trial
            trials += [trial] if trial else []
        tried[number] = replace(table, trials=tuple(trials))
    return tried, ""


def _roles(table: Table) -> Iterator[str]:
    """As whom it is worth asking: who may read the key, of a table whose policies are in force."""
    if not (table.published and table.rls and table.policies and table.primary_key):
        return
    key = [table.column(name) for name in table.primary_key]
    for role in table.select_roles:
        if all(column is not None and role in column.readable_by for column in key):
            yield role


async def _try(reader: Reader, table: Table, role: str, claims: Claims) -> PolicyTrial | str | None:
    """The trial; a text when the role cannot be taken; nothing when the try itself was at fault."""
    connection = reader.connection
    text = json.dumps(claims)
    begun = False
    try:
        async with connection.transaction(force_rollback=True):
            key = await (await connection.execute(_some_key(table))).fetchone()
            await become(connection, role, text, limit_ms=TRY_LIMIT_MS)
            begun = True
            row = await (await connection.execute(_question(table, key or {}))).fetchone()
    except psycopg.Error as error:
        if connection.closed:
            raise
        if not begun:
            return f"{role} could not be tried: {reason(error)}"
        code = error.sqlstate or ""
        return None if code in NOT_THE_POLICY else PolicyTrial(role, text, error=reason(error), code=code)
    plan = Plan.read(row["QUERY PLAN"][0] if row else {})
    return PolicyTrial(role, text, plan.execution_ms, scans=tuple(_scans(plan)))


def _some_key(table: Table) -> sql.Composed:
    names = sql.SQL(", ").join(sql.SQL("{0}::text as {0}").format(sql.Identifier(name)) for name in table.primary_key)
    return sql.SQL("select {} from {} limit 1").format(names, sql.Identifier(table.name.schema, table.name.table))


def _question(table: Table, key: Mapping[str, Any]) -> sql.Composed:
    """Without any row of the table nothing is found, and yet rights and recursion are checked."""
    compared = []
    for name in table.primary_key:
        column = table.column(name)
        assert column is not None, "a key's column is one of the table's"
        kind = sql.Identifier(column.type_schema, column.type)
        value = sql.Literal(key.get(name))
        compared.append(sql.SQL("{} = {}::{}").format(sql.Identifier(name), value, kind))
    return sql.SQL("{} select 1 from {} where {}").format(
        sql.SQL(EXPLAIN), sql.Identifier(table.name.schema, table.name.table), sql.SQL(" and ").join(compared)
    )


def _scans(plan: Plan) -> Iterator[Scan]:
    for node in plan.nodes:
        if node.kind == "Seq Scan" and node.filter:
            yield Scan(TableName(node.schema, node.table), node.filter, node.thrown_away)
