"""Rules about what policies cost: when they were tried, and as tables grow."""

from __future__ import annotations

import re

from helpers.diagnosis.evidence import Database, Policy, PolicyTrial, Scan, Table, TableName
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.policy_trials import TOO_LONG, Tried, named, trials, tried_on
from helpers.diagnosis.rules.rule import Verdict, listed, ok, rule, warning
from helpers.diagnosis.rules.sql import quoted

__all__ = ["RULES"]

RLS_PERFORMANCE = (
    "https://supabase.com/docs/guides/database/postgres/row-level-security#rls-performance-recommendations"
)
BENCHMARKS = "https://supabase.com/docs/guides/realtime/benchmarks"
#: Supabase's figures leave some 0.3 ms for each subscriber and change; what takes 20 holds up everybody.
COSTLY_MS = 20.0
#: Fewer rows are looked through in less than a millisecond.
MANY_ROWS = 1000
#: So many rows, looked through for each subscriber and change, are too many on any machine.
TOO_MANY_ROWS = 10_000


@rule(
    "Columns of policies have an index",
    needs.database,
    RLS_PERFORMANCE,
    symptom="Lists get slower with each row, under policies and not without.",
    remedy="Create an index that begins with the column.",
    verify="EXPLAIN under the role shows an index scan",
)
def policy_columns_indexed(database: Database) -> Verdict:
    """A policy adds its condition to each query of the user. A column that it compares, and that leads no index, means
    looking at every row."""
    large = {table.name: table for table in database.tables if (table.rows or 0) >= MANY_ROWS}
    bare = {
        (name, column)
        for table in database.tables
        for policy in table.policies
        for name, column in policy.reads
        if name in large and column not in large[name].indexed and _compared(column, policy)
    }
    if not bare:
        return ok(f"{len(large)} tables with {MANY_ROWS} rows or more")
    seen = listed(f"{name}.{column}" for name, column in sorted(bare))
    fix = "\n".join(_index(name, column) for name, column in sorted(bare))
    return warning(seen, f"Policies compare {seen}, which leads no index: every row is looked at", fix)


@rule(
    "Policies cost little",
    trials,
    BENCHMARKS,
    symptom="Changes arrive seconds late, the later the more people subscribe; QueryCanceled in the log.",
    remedy="Let the policy find what it looks up by an index, and look up as little as it can.",
    verify="EXPLAIN (ANALYZE) of one row by its key, under role and claims, takes less than a millisecond",
    follows=("policies_end", "policies_evaluate", "policy_columns_indexed", "policy_functions_see"),
)
def policies_cheap(tried: Tried) -> Verdict:
    """Realtime asks the policies of each change once for every set of claims that is subscribed, on one connection,
    one after the other: a change for 100 users costs 100 times this time, and all other changes wait."""
    costly = [(table, trial) for table, trial in tried if _costly(trial)]
    if not costly:
        return ok(f"{tried_on(tried)}, {max(trial.took_ms for _, trial in tried):.1f} ms at most")
    seen = listed(f"{table.name} as {trial.role}: {_time(trial)}" for table, trial in costly)
    cause = f"The policies of {named(costly)} take {_time(costly[0][1])} for one row and one subscriber"
    return warning(seen, cause, "\n".join(dict.fromkeys(_cheaper(table, trial) for table, trial in costly)))


def _time(trial: PolicyTrial) -> str:
    return "more than the limit" if trial.code == TOO_LONG else f"{trial.took_ms:.1f} ms"


def _costly(trial: PolicyTrial) -> bool:
    return (
        trial.code == TOO_LONG
        or trial.took_ms > COSTLY_MS
        or any(scan.thrown_away >= TOO_MANY_ROWS for scan in trial.scans)
    )


def _cheaper(table: Table, trial: PolicyTrial) -> str:
    found = [_index(scan.table, column) for scan in trial.scans for column in _missing_index(scan)]
    called = sorted({each.quoted for policy in table.policies for each in policy.functions})
    return "\n".join(found) or f"-- make what the policies call cheaper: {listed(called) or 'see EXPLAIN'}"


def _missing_index(scan: Scan) -> list[str]:
    if scan.thrown_away < MANY_ROWS:
        return []
    found = re.search(r"(?:\w+\.)?(\w+|\"(?:[^\"]|\"\")+\") = ", scan.filter)
    return [found.group(1).strip('"')] if found else []


def _compared(column: str, policy: Policy) -> bool:
    name = rf"(?<![\w\"])(?:{re.escape(column)}|{re.escape(quoted(column))})(?![\w\"])"
    equal = rf"{name}\)?(?:::[\w ]+)? (?:=|IN) |= \(*(?:\w+\.)?{name}"
    return any(re.search(equal, text) for text in (policy.using, policy.check))


def _index(table: TableName, column: str) -> str:
    return f"create index on {table.quoted} ({quoted(column)});"


RULES = (policy_columns_indexed, policies_cheap)
