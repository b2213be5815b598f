"""Changes of the database: policies, indexes, the publication, the replica identity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import msgspec

from helpers.review.database.facts import PolicyFacts, TableFacts
from helpers.review.inventory import Binding
from helpers.review.plan.proposing.proposal import ChangeKind, Proposal, with_shape
from helpers.review.plan.proposing.reviewed import Found, Reviewed, migrated, policies, same_line
from helpers.review.plan.replay.comparing import DATABASE
from helpers.review.plan.replay.shapes import Shape
from helpers.review.plan.rewriting.refused import Refused
from helpers.review.plan.rewriting.statements import index_sql, missing_indexes, once, policy_sql, publication_sql
from helpers.review.source import Place

__all__ = ["indexes", "policy_once", "publication", "replica_identity"]


def policy_once(review: Reviewed, finding: Found) -> Proposal:
    policy = _policy_at(review, finding.place)
    statement = policy_sql(policy)
    if statement is None:
        raise Refused("it calls once already")
    shape = partial(_with_policies, change=once)
    return migrated(
        review,
        Proposal(
            id=f"policy:{finding.place}",
            kind=ChangeKind.POLICY,
            title=f"Let the policy “{policy.name}” ask who the user is once, and not for each row",
            place=finding.place,
            streams=review.streams_on(policy.table),
            apply=with_shape(policy.table, shape),
            chosen=DATABASE,
            rules=(finding.rule,),
            sql=(statement,),
        ),
    )


def _with_policies(shape: Shape, change: Callable[[str], str]) -> Shape:
    return msgspec.structs.replace(shape, policies=tuple(map(change, shape.policies)))


def indexes(review: Reviewed, found: Sequence[Found]) -> Iterator[Proposal]:
    """An index for each column that policies look up; several policies may need the same."""
    done: set[tuple[str, str]] = set()
    for finding in found:
        try:
            policy = _policy_at(review, finding.place)
        except Refused:
            continue
        table = review.inventory.database.table(policy.table, policy.schema)
        for other, column in missing_indexes(table, review.inventory.database) if table else ():
            if (other.name, column) not in done:
                done.add((other.name, column))
                yield _index(review, finding, other, column)


def _index(review: Reviewed, finding: Found, table: TableFacts, column: str) -> Proposal:
    return migrated(
        review,
        Proposal(
            id=f"index:{table.name}.{column}",
            kind=ChangeKind.INDEX,
            title=f"An index on {table.name} ({column}), which policies look up",
            place=finding.place,
            advice=f"With Prisma, say `@@index([{column}])` in its model too, or the next migration drops it.",
            streams=review.streams_on(table.name),
            apply=with_shape(table.name, partial(_indexed, column=column)),
            chosen=DATABASE,
            rules=(finding.rule,),
            sql=(index_sql(table, column),),
        ),
    )


def _indexed(shape: Shape, column: str) -> Shape:
    return msgspec.structs.replace(shape, indexes=(*shape.indexes, (column,)))


def publication(review: Reviewed, finding: Found) -> Proposal:
    _, binding, _ = review.binding(finding.place)
    table = _table(review, binding)
    return migrated(
        review,
        Proposal(
            id=f"publication:{table.name}",
            kind=ChangeKind.PUBLICATION,
            title=f"Publish {table.name}, of whose changes Realtime says nothing now",
            place=finding.place,
            rules=(finding.rule,),
            sql=(publication_sql(table),),
        ),
    )


def replica_identity(review: Reviewed, finding: Found) -> Proposal:
    _, binding, _ = review.binding(finding.place)
    table = _table(review, binding)
    return migrated(
        review,
        Proposal(
            id=f"identity:{table.name}",
            kind=ChangeKind.IDENTITY,
            title=f"Write whole old rows of {table.name} to the log, by which its deletions are filtered",
            place=finding.place,
            advice="Each UPDATE and DELETE then writes the old row as well.",
            rules=(finding.rule,),
            sql=(f"alter table {table.schema}.{table.name} replica identity full;",),
        ),
    )


def _table(review: Reviewed, binding: Binding) -> TableFacts:
    schema = binding.schema.value if binding.schema is not None and binding.schema.exact else "public"
    found = review.inventory.database.table(binding.table.value, schema) if binding.table else None
    if found is None:
        raise Refused("no file of the code base makes the table")
    return found


def _policy_at(review: Reviewed, place: Place) -> PolicyFacts:
    for policy in policies(review.inventory):
        if policy.place is not None and same_line(policy.place, place):
            return policy
    raise Refused("the policy could not be found again")
