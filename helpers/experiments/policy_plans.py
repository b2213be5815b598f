"""The plans behind the costs of policies: for one row by its key, and for a whole table."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from helpers.experiments.checks import claims_of, explain
from helpers.experiments.experiment import Experiment, Metric, Outcome
from helpers.experiments.membership import Membership, membership
from helpers.experiments.own_rows import POLICIES, Policy, policy_table, write_rows
from helpers.experiments.pairs import gain_between
from helpers.experiments.rounds import run_rounds
from helpers.experiments.size import Size, experiment_size
from helpers.experiments.tables import OwnTable
from helpers.profiling.results import Skipped
from helpers.query_plans import Node, Plan
from helpers.target import Target

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BY_KEY", "PLANNING", "WHOLE", "PolicyPlans", "explain_policies"]

QUESTION = "What does a policy cost for one row by its key, as Realtime asks, and for a list, as the application asks?"
BY_KEY, PLANNING, WHOLE = "one row by its key", "planning of that", "the whole table"
METRICS = (Metric(BY_KEY, "µs"), Metric(PLANNING, "µs"), Metric(WHOLE, "µs"))

USERS = 10
ROWS = 2_000
ROUNDS = {Size.SMALL: 8, Size.FULL: 50}

#: What PostgreSQL makes of `auth.uid()`, a function of SQL that it puts in line.
_UID = re.compile(r"\(COALESCE\(NULLIF\(current_setting\('request\.jwt\.claim\.sub'.*?'sub'::text\)\)\)::uuid")

#: What one would change: from, to.
CHANGES = (
    ("auth.uid()", "(select auth.uid())"),
    ("exists, no index", "exists, index"),
    ("function of the row", "in (select function)"),
)


@dataclass(frozen=True, slots=True)
class PolicyPlans:
    """Times, and for each policy the steps of its last two plans.

    Attributes:
        steps: by policy; the first text of one row by its key, the second of the whole table.
    """

    experiment: Experiment
    steps: dict[str, tuple[str, str]]

    def steps_frame(self) -> pd.DataFrame:
        """One row for each policy."""
        import pandas as pd

        return pd.DataFrame.from_dict(self.steps, orient="index", columns=[BY_KEY, WHOLE])

    def __str__(self) -> str:
        lines = (f"{name}\n  {BY_KEY}: {key}\n  {WHOLE}: {whole}" for name, (key, whole) in self.steps.items())
        return f"{self.experiment}\n\n" + "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(key)}</td><td>{html.escape(whole)}</td></tr>"
            for name, (key, whole) in self.steps.items()
        )
        head = f"<tr><th></th><th>{BY_KEY}</th><th>{WHOLE}</th></tr>"
        return f"{self.experiment._repr_html_()}<table>{head}{rows}</table>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))


async def explain_policies(
    target: Target,
    *,
    size: Size | str | None = None,
    policies: Sequence[Policy] = POLICIES,
    rounds: int | None = None,
) -> PolicyPlans | Skipped:
    """Have the database explain what it does under each policy, with role and claims of a user, and how long it takes.

    It needs no Realtime, only a database in which tables of our own may be made. Each question is asked in a
    transaction that is rolled back. The first of `policies` is what the others are compared with.

    Raises:
        SettingsError: an unknown size.
        FailureError: the database refuses.
    """
    chosen = experiment_size(size)
    if not (target.writes_allowed and target.database_url):
        return Skipped(
            "Plans of policies", "the workbook may not write here: set DATABASE_URL, WORKBOOK_ALLOW_WRITES=yes"
        )
    users, steps = [str(uuid.uuid4()) for _ in range(USERS)], dict[str, tuple[str, str]]()
    async with AsyncExitStack() as stack:
        member = await stack.enter_async_context(membership(target, users))
        arms = {}
        for policy in _unlike(policies):
            table = await stack.enter_async_context(policy_table(target, policy, member))
            row_id = await write_rows(table, users, ROWS)
            await table.run(f"analyze {table.quoted}")
            await explain(table, row_id, *claims_of(users[:1]))  # the first time is dearer: functions are compiled
            arms[policy.name] = partial(_run, policy.name, table, row_id, users[0], member, steps)
        experiment = await run_rounds(
            "policy plans",
            QUESTION,
            target,
            arms,
            metrics=METRICS,
            rounds=rounds or ROUNDS[chosen],
            size=chosen,
            answer=_answer,
            settings={"rows": ROWS, "rows of the user": ROWS // USERS},
        )
    return PolicyPlans(experiment, steps)


def _unlike(policies: Sequence[Policy]) -> list[Policy]:
    """Each expression once: a filter of the subscription does not change the policy's plan."""
    first: dict[str, Policy] = {}
    for policy in policies:
        first.setdefault(policy.using, policy)
    return list(first.values())


async def _run(
    name: str,
    table: OwnTable,
    row_id: int,
    user: str,
    member: Membership,
    steps: dict[str, tuple[str, str]],
    number: int,
) -> Outcome:
    (claims,) = claims_of([user])
    found = await explain(table, row_id, claims)
    steps[name] = (_told(found.by_key, table, member), _told(found.whole, table, member))
    return Outcome(
        {
            BY_KEY: 1e3 * found.by_key.execution_ms,
            PLANNING: 1e3 * found.by_key.planning_ms,
            WHOLE: 1e3 * found.whole.execution_ms,
        }
    )


def _told(plan: Plan, table: OwnTable, member: Membership) -> str:
    """The steps in a line, in the names of the experiment."""
    said = "; ".join(map(_step, plan.nodes)).replace(table.name, "rows")
    return member.readable(_UID.sub("auth.uid()", said)).replace("rows.", "")


def _step(node: Node) -> str:
    place = f" of {node.table}" if node.table else ""
    index = " by index" if node.index else ""
    asked = f", asking each {node.filter}" if node.filter else ""
    thrown_away = f", {node.thrown_away:,} rows thrown away" if node.thrown_away else ""
    part = f"{node.part}, once: " if node.part and node.loops == 1 else f"{node.part}: " if node.part else ""
    return f"{part}{node.kind}{place}{index}{asked}{thrown_away}"


def _answer(experiment: Experiment) -> str:
    found = []
    for before, after in CHANGES:
        gains = [
            f"for {metric} {gain.verdict}"
            for metric in (BY_KEY, WHOLE)
            if (gain := gain_between(experiment, metric, before, after)) is not None
        ]
        if gains:
            found.append(f"“{after}” in place of “{before}”: {'; '.join(gains)}.")
    return " ".join(found)
