"""From findings to changes that may pay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from helpers.review.inventory import Inventory
from helpers.review.plan.proposing.application import application_of
from helpers.review.plan.proposing.database import indexes, policy_once, publication, replica_identity
from helpers.review.plan.proposing.lifetimes import cleanups, one_client, stable_dependencies
from helpers.review.plan.proposing.lists import no_polling, refetches, state_per_event
from helpers.review.plan.proposing.narrowing import by_columns, by_event, by_filter
from helpers.review.plan.proposing.proposal import Proposal
from helpers.review.plan.proposing.reviewed import Found, Reviewed, each, policies
from helpers.review.plan.proposing.sharing import channel_per_row, shared_channel
from helpers.review.plan.rewriting.migrations import Migrations
from helpers.review.plan.rewriting.sources import Sources
from helpers.review.plan.usage import Usage

__all__ = ["Found", "propose"]


def propose(inventory: Inventory, findings: Iterable[Found], usage: Usage) -> tuple[tuple[Proposal, ...], Sources]:
    """A change for each finding for which there is one, in the order in which edits and measurements are best made.

    Returns:
        The changes, and the files that they edit.
    """
    database = inventory.database
    written = {policy.place.path for policy in policies(inventory) if policy.place}
    written |= {table.place.path for table in database.tables if table.place}
    review = Reviewed(inventory, application_of(inventory, usage), Sources(inventory.root), Migrations(sorted(written)))
    by_rule: dict[str, list[Found]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    proposals = [one for rule, build in _BUILDERS.items() for one in build(review, by_rule.get(rule, []))]
    unique = {one.id: one for one in proposals}
    return tuple(unique.values()), review.sources


#: What is done about the findings of a rule, in the order of the plan: first what works wrongly, then what is sent in
#: vain, then what is dear. What joins channels comes after what edits their bindings.
_BUILDERS: Mapping[str, Callable[[Reviewed, Sequence[Found]], Iterator[Proposal]]] = {
    "table_unpublished": each(publication),
    "delete_filter_identity": each(replica_identity),
    "client_in_render": each(one_client),
    "channel_not_removed": cleanups,
    "unstable_dependencies": each(stable_dependencies),
    "full_table": each(by_filter),
    "wildcard_event": each(by_event),
    "large_columns": each(by_columns),
    "channels_mergeable": each(shared_channel),
    "channel_per_row": each(channel_per_row),
    "refetch_per_event": refetches,
    "polling_beside_subscription": each(no_polling),
    "state_per_event": each(state_per_event),
    "policy_call_per_row": each(policy_once),
    "policy_column_unindexed": indexes,
}
