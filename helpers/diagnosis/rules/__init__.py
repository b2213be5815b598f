"""Rules turn evidence into findings. They do no I/O, so that each is tested on data."""

from __future__ import annotations

from typing import Any

from helpers.diagnosis.evidence import Evidence
from helpers.diagnosis.results import Check
from helpers.diagnosis.rules import (
    answers,
    broadcasts,
    capacity,
    grants,
    identity,
    key,
    live,
    messages,
    packages,
    policies,
    policy_calls,
    policy_costs,
    policy_trials,
    prisma_connection,
    prisma_migrations,
    prisma_reset,
    prisma_schema,
    publication,
    server,
    slots,
    tables,
    tls,
    token,
    types,
    watch,
    watch_events,
    way_in,
    wish,
)
from helpers.diagnosis.rules.rule import Rule, Verdict, attributed

__all__ = ["RULES", "Rule", "Verdict", "judge"]

#: In the order of the way through the system: of several failures, the first is most likely the others' cause. Within
#: the database, what is most often the cause and most silent comes first.
RULES: tuple[Rule[Any], ...] = (
    *way_in.RULES,
    *tls.RULES,
    *key.RULES,
    *token.RULES,
    *wish.RULES,
    *answers.RULES,
    *server.RULES,
    *publication.RULES,
    *tables.RULES,
    *grants.RULES,
    *policies.RULES,
    *policy_calls.RULES,
    *policy_trials.RULES,
    *identity.RULES,
    *types.RULES,
    *capacity.RULES,
    *messages.RULES,
    *broadcasts.RULES,
    *slots.RULES,
    *policy_costs.RULES,
    *live.RULES,
    *watch.RULES,
    *watch_events.RULES,
    *prisma_migrations.RULES,
    *prisma_reset.RULES,
    *prisma_schema.RULES,
    *prisma_connection.RULES,
    *packages.RULES,
)


def judge(evidence: Evidence) -> tuple[Check, ...]:
    """One check for each rule, in the order of `RULES`; of a chain of findings only the first cause is one."""
    return attributed(RULES, [each.check(evidence) for each in RULES])
