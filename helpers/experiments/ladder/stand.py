"""One lab in one setting, with a table, a writer, a subscriber for each traffic, and a watch on its looks."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

import numpy as np

from helpers.client import Channel, RealtimeClient
from helpers.experiments.ladder.looks import DatabaseClock, LookWatch
from helpers.experiments.ladder.results import Watched, decomposed
from helpers.experiments.ladder.settings import STREAMING, Traffic, lab_settings
from helpers.experiments.tables import OwnTable, own_table
from helpers.lab import Lab
from helpers.profiling.histogram import Floats
from helpers.profiling.meters import Meters
from helpers.profiling.workloads import Writer
from helpers.profiling.workloads.workload import FIRST_ROOM
from helpers.profiling.workloads.writer import LEAD_S, Planned
from helpers.target import Target
from helpers.wire.events import Change, Event
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["Stand"]

READY_LIMIT_S = 20.0

#: After the last commit is watched for so long: the longest wait for a look, and some processing.
LINGER_S = 0.55

#: And for so long a backlog may arrive after that.
BACKLOG_LIMIT_S = 5.0

#: CPU of idling is metered for this share of the time for which looks are watched.
IDLE_SHARE = 0.5


class _Heard(NamedTuple):
    seq: int
    committed: str
    begun: str
    received_at: float


class Stand:
    """Made by `Stand.open`; `run` watches one traffic."""

    def __init__(self, setting: str, target: Target, table: OwnTable, writer: Writer, watch: LookWatch) -> None:
        self.setting, self.target = setting, target
        self._table, self._writer, self._watch = table, writer, watch

    @classmethod
    @asynccontextmanager
    async def open(cls, setting: str) -> AsyncIterator[Stand]:
        """Start a lab of its own, and end it."""
        async with Lab(lab_settings(setting)) as lab, own_table(lab.target) as table, Writer(lab.target) as writer:
            watch = await asyncio.to_thread(LookWatch, lab.target)
            with contextlib.closing(watch):
                yield cls(setting, lab.target, table, writer, watch)

    async def run(self, traffic: Traffic) -> Watched:
        """Subscribe, have the traffic written, and split the latency of each change at the next look.

        Raises:
            FailureError: nobody could subscribe, or nothing could be written.
        """
        clock = await asyncio.to_thread(self._watch.clock)
        planned = await self._writer.prepare(traffic.workload(self._table.name))
        heard: list[_Heard] = []
        expected, complete = len(range(0, planned.workload.messages, traffic.wanted_of)), asyncio.Event()

        def enter(event: Event) -> None:
            _enter(heard, event)
            if len(heard) >= expected:
                complete.set()

        async with self._listening(traffic) as channel:
            channel.on_event(enter)
            began = time.monotonic() + LEAD_S
            watch_s = LEAD_S + traffic.seconds + LINGER_S
            watching = asyncio.create_task(asyncio.to_thread(self._watch.watch, watch_s))
            await self._writer.carry_out(planned, began)
            looks = await watching
            with contextlib.suppress(TimeoutError):  # what has not arrived by then is told as lost
                await asyncio.wait_for(complete.wait(), BACKLOG_LIMIT_S)
        return self._watched(traffic, planned, heard, clock, looks, began)

    async def idle(self, traffic: Traffic, parts: int) -> Watched:
        """Somebody listens, and nothing happens. CPU is metered first and looks are watched afterwards, as to watch
        costs the database more than to be idle."""
        cpu: list[float] = []
        async with self._listening(traffic):
            for _ in range(parts):
                async with Meters(self.target) as meters:
                    await asyncio.sleep(IDLE_SHARE * traffic.seconds / parts)
                if meters.usage.database_cpu_s is not None:
                    cpu.append(1e3 * meters.usage.database_cpu_s / meters.usage.seconds)
            clock, began = await asyncio.to_thread(self._watch.clock), time.monotonic()
            looks = await asyncio.to_thread(self._watch.watch, traffic.seconds)
        looks_s = tuple((looks - clock.at(began)).tolist()) if self._polls else ()
        return Watched(self.setting, traffic.name, traffic.seconds, (), looks_s, database_cpu=tuple(cpu))

    @property
    def _polls(self) -> bool:
        return self.setting != STREAMING

    @asynccontextmanager
    async def _listening(self, traffic: Traffic) -> AsyncIterator[Channel]:
        row_filter = f"room_id=eq.{FIRST_ROOM}" if traffic.wanted_of > 1 else None
        binding = ChangeBinding("INSERT", self._table.schema, self._table.name, row_filter)
        async with RealtimeClient(self.target) as client:
            channel = client.channel("ladder", JoinConfig(changes=(binding,)), buffer=1)
            await channel.subscribe(timeout=READY_LIMIT_S)
            yield channel

    def _watched(
        self, traffic: Traffic, planned: Planned, heard: list[_Heard], clock: DatabaseClock, looks: Floats, began: float
    ) -> Watched:
        messages = planned.workload.messages
        ours = [one for one in heard if 0 <= one.seq - planned.first_seq < messages]
        number = np.array([one.seq - planned.first_seq for one in ours], dtype=np.int64)
        committed = np.array([_committed(one) for one in ours])
        received = np.array([clock.at(one.received_at) for one in ours])
        points = decomposed(number, committed, received, looks, clock.at(began), polls=self._polls)
        return Watched(
            self.setting,
            traffic.name,
            traffic.seconds,
            points,
            tuple((looks - clock.at(began)).tolist()) if self._polls else (),
            unseen=len(ours) - len(points),
            lost=len(range(0, messages, traffic.wanted_of)) - np.unique(number).size,
        )


def _enter(heard: list[_Heard], event: Event) -> None:
    if isinstance(event, Change) and event.commit_timestamp is not None:
        heard.append(_Heard(event.record["seq"], event.commit_timestamp, event.record["sent_at"], event.received_at))


def _committed(heard: _Heard) -> float:
    """Seconds since 1970. Realtime tells the commit to the millisecond below it, the row when its transaction began to
    the microsecond: the later of the two is right to a millisecond."""
    moments = (datetime.fromisoformat(text).timestamp() for text in (heard.committed, heard.begun))
    return max(moments)
