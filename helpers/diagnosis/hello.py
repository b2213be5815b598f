"""The smallest real thing: write one row, and see its change arrive."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from dataclasses import dataclass, field
from html import escape
from typing import Any

from helpers.client import Channel, JoinTimes, RealtimeClient
from helpers.diagnosis.evidence import Missing
from helpers.diagnosis.probes.database import probe_database
from helpers.diagnosis.probes.run import POLL_IDLE_S
from helpers.diagnosis.probes.writer import RowWriter, open_writer
from helpers.errors import FailureError
from helpers.target import Target
from helpers.wire.events import Change
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["FirstChange", "first_change"]

#: The idle poll adds up to 0.5 s; ten times that is silence.
LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class FirstChange:
    """One change that arrived; or, with `skipped`, why none was made.

    Attributes:
        joined_ms, ready_ms: from sending the join to its reply, and to the delivery of changes.
        arrived_ms: from sending the INSERT to the arrival of its change.
        record: the row as Realtime brought it.
    """

    joined_ms: float = 0.0
    ready_ms: float = 0.0
    arrived_ms: float = 0.0
    record: dict[str, Any] = field(default_factory=dict)
    skipped: str = ""

    def __str__(self) -> str:
        if self.skipped:
            return f"Skipped, because {self.skipped}."
        return (
            f"Joined after {self.joined_ms:.1f} ms, changes delivered from {self.ready_ms:.1f} ms on; "
            f"the change arrived {self.arrived_ms:.1f} ms after its INSERT was sent."
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in self.record.items()
        )
        return f"<p>{escape(str(self))}</p><table>{rows}</table>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))


async def first_change(target: Target) -> FirstChange:
    """Subscribe to the workbook's table `events`, insert a row, wait for its change, delete the row.

    Raises:
        ConnectionFailed, JoinFailed: Realtime refused.
        FailureError: the change did not arrive.
    """
    writer = await open_writer(target, await probe_database(target, []))
    if isinstance(writer, Missing):
        return FirstChange(skipped=writer.reason)
    try:
        async with RealtimeClient(target) as client:
            binding = ChangeBinding("INSERT", writer.table.schema, writer.table.table)
            channel = client.channel(f"hello:{secrets.token_hex(4)}", JoinConfig(changes=(binding,)))
            return await _write_and_wait(writer, channel, await channel.subscribe())
    finally:
        await writer.close()


async def _write_and_wait(writer: RowWriter, channel: Channel, times: JoinTimes) -> FirstChange:
    marker = f"hello {secrets.token_hex(4)}"
    await asyncio.sleep(random.uniform(0, POLL_IDLE_S))  # else the row always falls right behind the server's poll
    sent_at = time.monotonic()
    await writer.write(marker)
    try:
        async with asyncio.timeout(LIMIT_S):
            async for event in channel.events():
                if isinstance(event, Change) and event.record.get("body") == marker:
                    arrived_ms = (event.received_at - sent_at) * 1000
                    return FirstChange(times.join_ms, times.ready_ms, arrived_ms, dict(event.record))
    except TimeoutError:
        pass
    raise FailureError(
        f"waiting for the change of a row in {writer.table}",
        f"it did not arrive within {LIMIT_S:g} s",
        "Run notebook 01_diagnosis: it finds out where it is lost",
    )
