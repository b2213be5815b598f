"""Asks the database, over one connection, whether bindings may be subscribed to.

Channels that ask for the same with the same role while another question is on its way get one answer together: it is
asked after all of them, so it holds for all of them. A crowd that joins at once costs little more than one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import psycopg
from psycopg import AsyncConnection

from helpers.lab.changes.admission import Admission, Admitted
from helpers.lab.changes.bindings import Binding
from helpers.lab.changes.catalog import published_oids
from helpers.lab.changes.database import connect
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.changes.types import TypeCatalog

__all__ = ["Admissions"]

_Asked = tuple[tuple[Binding, ...], str]


class Admissions:
    """The connection and who waits for it.

    Args:
        database: connection string of a superuser.
        types: of the database.
        settings: the publication, how names are compared, and the limit of a statement.
    """

    def __init__(self, database: str, types: TypeCatalog, settings: ChangeSettings) -> None:
        self._database = database
        self._types = types
        self._settings = settings
        self._connection: AsyncConnection | None = None
        self._turn = asyncio.Lock()
        self._waiting: dict[_Asked, asyncio.Task[Sequence[Admitted]]] = {}
        self._tasks: set[asyncio.Task[Sequence[Admitted]]] = set()

    async def admit(self, bindings: tuple[Binding, ...], role: str) -> Sequence[Admitted]:
        """The bindings as they are admitted now, for somebody of this role.

        Raises:
            SubscriptionRefused: with the server's text about the first bad binding.
            psycopg.OperationalError: when the database does not answer.
        """
        asked = (bindings, role)
        task = self._waiting.get(asked)
        if task is None:
            task = self._waiting[asked] = asyncio.create_task(self._ask_in_turn(asked), name="admission")
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        return await asyncio.shield(task)  # others may wait for it, and its transaction must not stop in the midst

    async def published(self) -> frozenset[int]:
        """The tables of the publication.

        Raises:
            psycopg.OperationalError: when the database does not answer.
        """
        async with self._turn:
            return await published_oids(await self._connected(), self._settings.publication)

    async def close(self) -> None:
        """End what is asked, and the connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()

    async def _ask_in_turn(self, asked: _Asked) -> Sequence[Admitted]:
        async with self._turn:
            del self._waiting[asked]  # who comes from now on may mean a later state of the database
            return await self._ask(*asked)

    async def _ask(self, bindings: tuple[Binding, ...], role: str) -> Sequence[Admitted]:
        """Ask the database, a second time if it had closed the connection meanwhile."""
        connection = await self._connected()
        try:
            return await Admission(connection, self._types, self._settings, role).admit(bindings)
        except psycopg.OperationalError:
            if not connection.closed:
                raise
        connection = await self._connected()
        return await Admission(connection, self._types, self._settings, role).admit(bindings)

    async def _connected(self) -> AsyncConnection:
        """The connection, made anew when the database has closed it."""
        if self._connection is None or self._connection.closed:
            self._connection = await connect(
                self._database, "realtime_subscription_manager", self._settings.statement_timeout_s
            )
        return self._connection

    def _ended(self, task: asyncio.Task[Sequence[Admitted]]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # a failure that nobody waits for any more is no news
