"""What a path needs in the database: a table of its own, with a trigger, a policy or a publication."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from psycopg import sql

from helpers.experiments.paths.catalog import Kind, Path
from helpers.experiments.tables import OwnTable, drop_policy, own_function, own_table
from helpers.target import Target

__all__ = ["Books", "Stage", "open_stage"]


@dataclass(frozen=True, slots=True)
class Books:
    """What the database has done since it was made: bytes of its log, and ids given to transactions that write."""

    wal_bytes: int
    writes: int

    def since(self, before: Books) -> Books:
        return Books(self.wal_bytes - before.wal_bytes, self.writes - before.writes)


@dataclass(frozen=True, slots=True)
class Stage:
    """One path, ready to be written to.

    Attributes:
        name: topic or channel of what the table's trigger tells, without prefix.
    """

    target: Target
    path: Path
    table: OwnTable
    name: str

    async def books(self) -> Books:
        """To be asked before and after."""
        (row,) = await self.table.run(
            "select (pg_current_wal_insert_lsn() - '0/0')::int8 as wal,"
            " pg_snapshot_xmax(pg_current_snapshot())::text::int8 as writes"
        )
        return Books(row["wal"], row["writes"])


@asynccontextmanager
async def open_stage(target: Target, path: Path) -> AsyncIterator[Stage]:
    """Make it for the block, and take it down whatever happens in there.

    Raises:
        TargetError: nothing may be written to this target.
        FailureError: the database refuses.
    """
    name = f"workbook_{secrets.token_hex(5)}"
    async with own_table(target, indexes=("seq",), published=path.kind is Kind.CHANGES) as table:
        stage = Stage(target, path, table, name)
        if not path.trigger:
            yield stage
            return
        told = path.trigger.format(name=sql.Literal(name).as_string())
        body = sql.Literal(f"begin {told} return null; end").as_string()
        definition = f"returns trigger language plpgsql security definer as {body}"
        async with own_function(target, "", definition) as function, _policy(stage):
            await table.run(
                f"create trigger workbook after insert on {table.quoted} for each row execute function {function}()"
            )
            yield stage


@asynccontextmanager
async def _policy(stage: Stage) -> AsyncIterator[None]:
    """Lets everybody listen to a private topic, and nobody send to it."""
    if not stage.path.private:
        yield
        return
    policy, topic = sql.Identifier(stage.name).as_string(), sql.Literal(stage.name).as_string()
    await stage.table.run(
        f"create policy {policy} on realtime.messages for select to anon, authenticated"
        f" using (realtime.topic() = {topic})"
    )
    try:
        yield
    finally:
        await drop_policy(stage.target, policy, "realtime.messages")
