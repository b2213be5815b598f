"""The limits of rates by a clock that nothing disturbs: what the recordings tell of them happens to the message."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from helpers.lab.conformance.cues import BURST_RATE_PER_S, BURST_S
from helpers.lab.conformance.recording import Recording, Row, load
from helpers.lab.conformance.run import VERSIONS
from helpers.lab.realtime.limits import RateCounter
from tests import virtual_time

BOTH = pytest.mark.parametrize("version", VERSIONS)
#: As the scenario of joins sets it, and as a self-hosted server has it.
JOINS_PER_S, EVENTS_PER_S = 5.0, 100.0


def ref(row: Row) -> str:
    message = json.loads(row["data"])
    return str(message["ref"] if isinstance(message, dict) else message[1])


def refused(recording: Recording) -> tuple[str, str]:
    """Connection and ref of the one join that was one too many."""
    (row,) = (row for row in recording.rows if row["dir"] == "in" and "Too many joins" in row["data"])
    return row["conn"], ref(row)


async def at_their_times(rows: Sequence[Row]) -> AsyncIterator[Row]:
    for row in rows:
        await asyncio.sleep(row["t_ms"] / 1000 - asyncio.get_running_loop().time())
        yield row


@BOTH
def test_the_join_that_is_one_too_many(version: str) -> None:
    """At the recorded times the counter refuses the join that was refused, none before, and not the one afterwards."""

    async def scenario() -> list[tuple[str, str]]:
        recording = load("rate_limit_joins", version)
        joins = [row for row in recording.rows if row["dir"] == "out" and "phx_join" in row["data"]]
        counter, too_many = RateCounter(JOINS_PER_S), list[tuple[str, str]]()
        async for row in at_their_times(joins):
            if any(conn == row["conn"] for conn, _ in too_many):
                continue  # whoever is refused waits, and is then disconnected
            if counter.exceeded:
                too_many.append((row["conn"], ref(row)))
            else:
                counter.add()
        counter.stop()
        return too_many

    assert virtual_time.run(scenario()) == [refused(load("rate_limit_joins", version))]


@pytest.mark.parametrize(("version", "lead_s"), [("v1", 61.69), ("v2", 62.52)])
def test_the_broadcast_that_is_one_too_many(version: str, lead_s: float) -> None:
    """A counter that has run for this long cuts the receiver off when it was cut off, within a tenth of a second."""

    async def scenario() -> float:
        counter = RateCounter(EVENTS_PER_S)
        counter.add()
        await asyncio.sleep(lead_s)
        for _ in range(int(BURST_S * BURST_RATE_PER_S)):
            counter.add(2)  # one is sent, one delivered
            if counter.exceeded:
                break
            await asyncio.sleep(1 / BURST_RATE_PER_S)
        counter.stop()
        return asyncio.get_running_loop().time() - lead_s

    told: dict[str, Any] = next(
        row for row in load("rate_limit_broadcast", version).rows if "Too many messages" in str(row.get("data"))
    )
    assert virtual_time.run(scenario()) == pytest.approx(told["t_ms"] / 1000, abs=0.1)


@pytest.mark.parametrize(("ran_before", "warm"), [(True, False), (False, True)])
def test_a_burst_is_paid_out_of_the_quiet_minute_before(ran_before: bool, warm: bool) -> None:
    """A counter that was made warm lets just as much through as one that has been idle for a minute."""

    async def scenario() -> tuple[bool, bool]:
        counter = RateCounter(EVENTS_PER_S, warm=warm)
        counter.add(0)
        await asyncio.sleep(61 if ran_before else 1)
        counter.add(6000)
        await asyncio.sleep(5)
        allowed = not counter.exceeded
        counter.add(1)
        await asyncio.sleep(5)
        counter.stop()
        return allowed, counter.exceeded

    assert virtual_time.run(scenario()) == (True, True)
