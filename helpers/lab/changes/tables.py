"""What is known of the tables of a batch; asked of the database when it may have changed.

Before the first change after an `alter`, a `grant` or a new policy the log describes the table anew, with another
`Relation`. Who belongs to which role, and thereby has its privileges, it does not tell, so what is known gets old.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence

from psycopg import AsyncConnection

from helpers.lab.changes.catalog import TableInfo, describe_tables, transactions_settled
from helpers.lab.changes.pgoutput import Relation
from helpers.lab.changes.routes import Routes
from helpers.lab.changes.rows import RawChange

__all__ = ["Tables"]

_MAX_AGE_S = 1.0
_SETTLE_TRIES = 200
_SETTLE_WAIT_S = 0.0005


class Tables:
    """Describes tables for the roles that listen to them."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._known: dict[int, TableInfo] = {}
        self._valid: tuple[dict[int, Relation], set[str], float] = ({}, set(), 0.0)

    async def describe(self, connection: AsyncConnection, changes: Sequence[RawChange]) -> Mapping[int, TableInfo]:
        """The tables of these changes by oid; those that are gone are missing.

        Returns when policies and catalog show what the changes' transactions did: a commit is in the log a moment
        before its rows can be seen.
        """
        relations = {change.relation.oid: change.relation for change in changes}
        roles = self._routes.roles(relations)
        if self._hold_for(relations, roles):
            if any(table.row_security for table in map(self._known.get, relations) if table is not None):
                await _wait_until_settled(connection, {change.xid for change in changes})
            return self._known
        asked_at = time.monotonic()
        await _wait_until_settled(connection, {change.xid for change in changes})
        self._known = dict(await describe_tables(connection, list(relations), list(roles)))
        self._valid = (relations, roles, asked_at)
        return self._known

    def _hold_for(self, relations: Mapping[int, Relation], roles: set[str]) -> bool:
        known, for_roles, asked_at = self._valid
        return (
            time.monotonic() - asked_at < _MAX_AGE_S
            and roles <= for_roles
            and all(known.get(oid) is relation for oid, relation in relations.items())
        )


async def _wait_until_settled(connection: AsyncConnection, xids: Iterable[int]) -> None:
    asked = set(xids)
    for _ in range(_SETTLE_TRIES):
        if await transactions_settled(connection, asked):
            return
        await asyncio.sleep(_SETTLE_WAIT_S)
