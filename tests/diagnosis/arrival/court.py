"""Asks whether changes would arrive, makes them, and compares with what the lab then delivers."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

import psycopg

from helpers.client import RealtimeClient
from helpers.diagnosis.arrival import Arrival, Cause, would_arrive
from helpers.errors import JoinFailed
from helpers.lab import Lab, LabSettings
from helpers.wire.events import Change as Received
from helpers.wire.events import Event
from helpers.wire.join import ChangeBinding, JoinConfig
from tests.diagnosis.arrival.kinds import TYPES
from tests.diagnosis.arrival.scenes import SETTING, Binding, Change

__all__ = ["SETTINGS", "Court", "Disagreement", "setting"]

#: Changes are pushed as they commit, and no quota stops the flood.
SETTINGS = LabSettings.from_mapping(
    {
        "changes": {"streaming": True, "cold_start_s": [0, 0], "drop_above_rate": False},
        "realtime": {"join_error_delay_s": 0.01},
    }
)
LIMIT_S = 30.0
RETRY_S = 0.03


class Staged(Protocol):
    """A table with a listener and what happens to it; see `scenes.Scene`."""

    make: list[str]
    role: str
    claims: dict[str, Any]
    operations: tuple[str, ...]
    schema: str
    table: str
    number: int

    @property
    def quoted(self) -> str: ...

    @property
    def acts(self) -> list[tuple[Binding, int]]: ...

    @property
    def unmake(self) -> str: ...

    def change(self) -> Change: ...


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A case in which the answer was not what happened."""

    scene: Staged
    binding: Binding
    change: Change
    arrival: Arrival
    happened: str

    def __str__(self) -> str:
        made = ";\n  ".join(statement[:400] for statement in self.scene.make)
        return (
            f"{made};\n  {self.change.statement}\n  {[value and value[:80] for value in self.change.values]}\n"
            f"  {self.binding}\n  {self.scene.role} {self.scene.claims} publish={self.scene.operations}\n"
            f"{str(self.arrival)[:3000]}\nHAPPENED {self.happened[:3000]}\n"
        )


@dataclass(slots=True)
class Court:
    """The comparison.

    Attributes:
        disagreements: the cases that differ.
        causes: how often each cause was the answer.
        latest: the answer about the case before.
        cases: how many were compared.
    """

    lab: Lab
    owner: psycopg.AsyncConnection
    disagreements: list[Disagreement] = field(default_factory=list)
    causes: Counter[str] = field(default_factory=Counter)
    latest: Arrival | None = None
    cases: int = 0
    _marks: int = 1

    async def try_scene(self, scene: Staged) -> None:
        """All bindings and changes of one table."""
        operations = f"alter publication supabase_realtime set (publish = '{', '.join(scene.operations)}')"
        for statement in (operations, *scene.make):
            await self.owner.execute(statement.encode())
        token = self.lab.token(**{"sub": None, **scene.claims})
        claims = scene.claims
        try:
            for binding, count in scene.acts:
                async with RealtimeClient(self.lab.target, token=token) as client:
                    await self._act(client, scene, binding, count, claims)
        finally:
            await self.owner.execute(scene.unmake.encode())

    async def _act(
        self, client: RealtimeClient, scene: Staged, binding: Binding, count: int, claims: dict[str, Any]
    ) -> None:
        ears = _Ears()
        wanted = ChangeBinding(binding.event, scene.schema, scene.table, binding.filter, binding.select)
        marker = ChangeBinding("*", "arrival", "marker")
        channel = client.channel(f"case{scene.number}", JoinConfig(changes=(wanted, marker)))
        channel.on_event(ears.hear)
        refused = ""
        try:
            await channel.subscribe(LIMIT_S)
            await self._mark(scene, ears)
        except JoinFailed as error:
            refused = error.reason or str(error)
        for _ in range(count):
            await self._case(scene, binding, scene.change(), ears, refused)

    async def _case(self, scene: Staged, binding: Binding, change: Change, ears: _Ears, refused: str) -> None:
        arrival = await would_arrive(
            self.lab.target,
            table=scene.quoted,
            role=scene.role,
            claims=scene.claims,
            filter=binding.filter,
            event=change.event,
            listens=binding.event,
            row=change.row,
            old_row=change.old_row,
            select=binding.select,
        )
        failed = ""
        try:
            await self.owner.execute(change.statement.encode(), change.values)
            change.written()
        except psycopg.Error as error:
            failed = str(error)
        heard = [] if refused else await self._mark(scene, ears)
        self._judge(scene, binding, change, arrival, heard, refused, failed)

    async def _mark(self, scene: Staged, ears: _Ears) -> list[Received]:
        """What was heard until a change of the marker came. One that fell into a failing batch is lost, so again."""
        first = self._marks + 1
        async with asyncio.timeout(LIMIT_S):
            while True:
                self._marks += 1
                for statement in _MARKS[scene.operations[0]]:
                    await self.owner.execute(statement.encode(), {"n": self._marks})
                if (heard := await ears.until_marked(scene.operations[0].upper(), first, RETRY_S)) is not None:
                    return heard

    def _judge(
        self,
        scene: Staged,
        binding: Binding,
        change: Change,
        arrival: Arrival,
        heard: list[Received],
        refused: str,
        failed: str,
    ) -> None:
        self.cases += 1
        self.latest = arrival
        self.causes[("" if arrival.delivered else "withheld: ") + (arrival.cause or "whole")] += 1
        happened = _happened(heard, refused, failed)
        causes = {reason.cause: reason.evidence for reason in arrival.reasons}
        agreed = (
            (Cause.WRITE_REFUSED in causes) == bool(failed)
            and _same(arrival, heard)
            and (not refused or _refusal_told(causes, refused))
            and not (Cause.SUBSCRIPTION_REFUSED in causes and not refused)
        )
        if not agreed:
            self.disagreements.append(Disagreement(scene, binding, change, arrival, happened))


#: Writes to the marker, one of which each publication sends.
_MARKS = {
    "insert": ("insert into arrival.marker values (%(n)s, 0)",),
    "update": ("update arrival.marker set n = %(n)s where id = 1",),
    "delete": ("insert into arrival.marker values (%(n)s, 0)", "delete from arrival.marker where id = %(n)s"),
}


class _Ears:
    """What comes through the channel: the marker's changes tell that what came before them is all."""

    def __init__(self) -> None:
        self._heard: list[Received] = []
        self._news = asyncio.Event()

    def hear(self, event: Event) -> None:
        if isinstance(event, Received):
            self._heard.append(event)
            self._news.set()

    async def until_marked(self, operation: str, first: int, limit_s: float) -> list[Received] | None:
        """What was heard before a mark of this operation, the first or a later one; None if none comes in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                while not any(_mark_of(event, operation) >= first for event in self._heard):
                    self._news.clear()
                    await self._news.wait()
                heard, self._heard = self._heard, []
                return [event for event in heard if event.table != "marker"]
        return None


def _mark_of(event: Received, operation: str) -> int:
    """The number of the marker's change; 0 for any other change."""
    if event.table != "marker" or event.type != operation:
        return 0
    if operation == "DELETE":
        return int(event.old_record["id"])
    return int(event.record["id" if operation == "INSERT" else "n"])


def _refusal_told(causes: dict[Cause, str], refused: str) -> bool:
    """Whether the refusal was told with the server's words, or is one because of the publication."""
    told = causes.get(Cause.SUBSCRIPTION_REFUSED)
    return told in refused if told else Cause.NOT_PUBLISHED in causes and "Please check Realtime is enabled" in refused


def _same(arrival: Arrival, heard: list[Received]) -> bool:
    if not arrival.delivered:
        return not heard
    return len(heard) == 1 and _plain(_data(heard[0])) == _plain(_expected(arrival))


def _expected(arrival: Arrival) -> dict[str, Any]:
    payload = dict(arrival.payload or {})
    columns = [(column["name"], column["type"]) for column in payload["columns"] or ()]
    return {
        "schema": payload["schema"],
        "table": payload["table"],
        "type": payload["type"],
        "columns": columns,
        "record": payload.get("record") or {},
        "old_record": payload.get("old_record") or {},
        "errors": list(payload["errors"] or ()),
    }


def _data(received: Received) -> dict[str, Any]:
    return {
        "schema": received.schema,
        "table": received.table,
        "type": received.type,
        "columns": [(column.name, column.type) for column in received.columns],
        "record": received.record,
        "old_record": received.old_record,
        "errors": list(received.errors),
    }


def _plain(value: Any) -> Any:
    """Numbers by their digits, so that 1.50 is not 1.5 and 1 is not true."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return ("number", str(value))
    return value


def _happened(heard: list[Received], refused: str, failed: str) -> str:
    return f"write: {failed or 'done'}; subscription: {refused or 'taken'}; heard: {[_data(one) for one in heard]}"


@asynccontextmanager
async def setting(lab: Lab) -> AsyncIterator[psycopg.AsyncConnection]:
    """What all scenes share, in a lab that is used for nothing else."""
    async with await psycopg.AsyncConnection.connect(lab.info["database_url"], autocommit=True) as owner:
        await owner.execute(SETTING.encode())
        await owner.execute(TYPES.encode())
        yield owner
