"""Policies that let everybody have their own rows and no others, and tables on which they are in force."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from helpers.experiments.membership import Membership
from helpers.experiments.tables import OwnTable, own_table
from helpers.target import Target

__all__ = ["POLICIES", "Policy", "policy_table", "write_rows"]


@dataclass(frozen=True, slots=True)
class Policy:
    """One way to say it.

    Attributes:
        using: the policy's expression; names in braces are those of `Membership`. Empty for no policy.
        filtered: whether subscribers ask for their own rows by a filter as well.
    """

    name: str
    using: str
    filtered: bool = False


POLICIES = (
    Policy("no policy, filter", "", filtered=True),
    Policy("auth.uid()", "user_id = auth.uid()"),
    Policy("(select auth.uid())", "user_id = (select auth.uid())"),
    Policy("exists, no index", "exists (select from {bare} where member = (select auth.uid()) and room = room_id)"),
    Policy("exists, index", "exists (select from {indexed} where member = (select auth.uid()) and room = room_id)"),
    Policy("function of the row", "{is_member}(room_id)"),
    Policy("plpgsql of the row", "{is_member_plpgsql}(room_id)"),
    Policy("in (select function)", "room_id in (select {my_rooms}())"),
    Policy("policy and filter", "user_id = (select auth.uid())", filtered=True),
)


@asynccontextmanager
async def policy_table(target: Target, policy: Policy, member: Membership) -> AsyncIterator[OwnTable]:
    """A table for `authenticated` with this policy, or with none."""
    using = (policy.using.format(**member.names),) if policy.using else ()
    async with own_table(target, columns={"user_id": "uuid"}, policies=using, readers=("authenticated",)) as table:
        yield table


async def write_rows(table: OwnTable, users: Sequence[str], rows: int) -> int:
    """In one transaction, rows that belong to the users (and their rooms, numbered from 0) in turns.

    Returns:
        The `id` of the first; the others follow it.
    """
    (row,) = await table.run(
        f"""
        with written as (
            insert into {table.quoted} (seq, room_id, user_id)
            select turn, turn %% %s, (%s::uuid[])[1 + turn %% %s] from generate_series(0, %s) turn
            returning id
        )
        select min(id) as first from written
        """,
        [len(users), list(users), len(users), rows - 1],
    )
    return int(row["first"])
