"""What a role may do on a private channel: the row-level policies on realtime.messages, tried out and rolled back.

Reading is allowed when the role sees a row of that topic, writing when it may insert one, each for the two extensions
`broadcast` and `presence`. Policies find the topic in `realtime.topic()` and the user in `request.jwt.claims`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import psycopg
from psycopg import errors

from helpers.lab.realtime.counts import Counts, timed
from helpers.lab.realtime.joins import JoinRefused
from helpers.lab.realtime.tokens import Identity

__all__ = ["Extension", "Permissions", "PolicyReader"]

Extension = Literal["broadcast", "presence"]

_SET_CONTEXT = """
    select set_config('role', %(role)s, true), set_config('realtime.topic', %(topic)s, true),
           set_config('request.jwt.claims', %(claims)s, true), set_config('request.jwt.claim.sub', %(sub)s, true),
           set_config('request.jwt.claim.role', %(role)s, true)
"""
_PROBE = "insert into realtime.messages (id, topic, extension) values (%s, %s, 'broadcast'), (%s, %s, 'presence')"
_SEEN = "select id from realtime.messages where id in (%s, %s)"
_TRY = "insert into realtime.messages (topic, extension) values (%s, %s)"


@dataclass(slots=True)
class Permissions:
    """What a channel may do. `write` lacks an extension until it was asked for."""

    reads_broadcast: bool = True
    reads_presence: bool = True
    write: dict[Extension, bool] = field(default_factory=dict)

    @classmethod
    def public(cls) -> Permissions:
        """Everything."""
        return cls(write={"broadcast": True, "presence": True})


class PolicyReader:
    """Asks the database, over a few connections that are opened as they are needed.

    Args:
        database: connection string of a superuser.
        counts: to which the durations are added.
        connections: how many at most.
        timeout_s: limit of one statement, and of waiting for a free connection.
    """

    def __init__(self, database: str, counts: Counts, *, connections: int, timeout_s: float = 5.0) -> None:
        self._database = database
        self._counts = counts
        self._timeout_s = timeout_s
        self._free = asyncio.Semaphore(connections)
        self._idle: list[psycopg.AsyncConnection] = []

    async def stop(self) -> None:
        """Close the connections."""
        while self._idle:
            await self._idle.pop().close()

    async def read(self, identity: Identity, topic: str) -> Permissions:
        """What the role sees of `topic` (without prefix). What it may write is left open.

        Raises:
            JoinRefused: it sees nothing, or the policies cannot be evaluated.
        """
        refused = JoinRefused("Unauthorized", f"You do not have permissions to read from this Channel topic: {topic}")
        try:
            with timed(self._counts.read_check_ms):
                seen = await self._seen(identity, topic)
        except errors.CheckViolation as error:
            sentence = "Realtime was unable to find the expected messages partition"
            raise JoinRefused("MissingPartition", sentence) from error
        except (psycopg.OperationalError, TimeoutError) as error:
            sentence = "Realtime was unable to connect to the project database"
            raise JoinRefused("UnableToConnectToProject", sentence) from error
        except psycopg.Error as error:
            raise refused from error
        if not any(seen):
            raise refused
        return Permissions(*seen)

    async def may_write(self, identity: Identity, topic: str, extension: Extension) -> bool:
        """Whether the role may send on `topic`. A policy that fails counts as no."""
        try:
            with timed(self._counts.write_check_ms):
                await self._try_to_write(identity, topic, extension)
        except (psycopg.Error, TimeoutError):
            return False
        return True

    async def _try_to_write(self, identity: Identity, topic: str, extension: Extension) -> None:
        async with self._rolled_back() as connection:
            await connection.execute(_SET_CONTEXT, _context(identity, topic))
            await connection.execute(_TRY, (topic, extension))

    async def _seen(self, identity: Identity, topic: str) -> tuple[bool, bool]:
        broadcast, presence = uuid.uuid4(), uuid.uuid4()
        async with self._rolled_back() as connection, connection.pipeline():
            await connection.execute(_PROBE, (broadcast, topic, presence, topic))
            await connection.execute(_SET_CONTEXT, _context(identity, topic))
            found = await connection.execute(_SEEN, (broadcast, presence))
            rows = {row[0] for row in await found.fetchall()}
        return broadcast in rows, presence in rows

    @asynccontextmanager
    async def _rolled_back(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """A connection in a transaction of which nothing remains."""
        async with asyncio.timeout(self._timeout_s):
            await self._free.acquire()
        try:
            connection = self._idle.pop() if self._idle else await self._connect()
            try:
                yield connection
            finally:
                await self._put_back(connection)
        finally:
            self._free.release()

    async def _connect(self) -> psycopg.AsyncConnection:
        limit_ms = int(self._timeout_s * 1000)
        return await psycopg.AsyncConnection.connect(
            self._database, connect_timeout=int(self._timeout_s), options=f"-c statement_timeout={limit_ms}"
        )

    async def _put_back(self, connection: psycopg.AsyncConnection) -> None:
        try:
            await connection.rollback()
        except psycopg.Error:
            await connection.close()
        else:
            self._idle.append(connection)


def _context(identity: Identity, topic: str) -> dict[str, str]:
    return {
        "role": identity.role,
        "topic": topic,
        "claims": identity.claims_json,
        "sub": str(identity.claims.get("sub", "")),
    }
