"""Connects, joins, listens, and comes back after a loss, in the way supabase-js does.

A lost connection is opened again after the pauses of `Patience.return_s`, and so is a channel that crashed, was refused
or not answered. A channel that the server closed stays closed, as it does there (`RealtimeChannel`, on close).
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import suppress
from dataclasses import dataclass

from helpers.client import Channel, ClientState, RealtimeClient
from helpers.diagnosis.evidence.watch import Drop
from helpers.diagnosis.watching.journal import Journal
from helpers.diagnosis.watching.meanwhile import Meanwhile
from helpers.diagnosis.watching.plan import Patience, Subject
from helpers.errors import ConnectionFailed, JoinFailed
from helpers.target import Target
from helpers.wire.channel import ChannelState

__all__ = ["Attendance"]

#: Events that wait to be counted, on each channel.
WAITING_EVENTS = 10_000


@dataclass(frozen=True, slots=True)
class Attendance:
    """Watches until it is cancelled, and writes into the journal."""

    target: Target
    token: str | None
    subjects: tuple[Subject, ...]
    patience: Patience
    journal: Journal

    async def run(self) -> None:
        failures = 0
        while True:
            client = RealtimeClient(
                self.target, token=self.token, heartbeat_s=math.inf, timeout_s=self.patience.answer_s
            )
            try:
                await client.connect()
            except ConnectionFailed as error:
                failures += 1
                self.journal.error(time.monotonic(), "connect", "the connection", error.happened)
                await asyncio.sleep(self.patience.pause(failures))
                continue
            failures = 0
            try:
                await self._attend(client)
            finally:
                await client.close()
            await asyncio.sleep(self.patience.pause(1))

    async def _attend(self, client: RealtimeClient) -> None:
        """Until the connection is lost."""
        opened_at = time.monotonic()
        self.journal.opened(opened_at)
        work = [self._beat(client, opened_at), *(self._keep_joined(client, subject) for subject in self.subjects)]
        async with Meanwhile(*work):
            await client.wait_closed()
            lost_at = time.monotonic()
        dead = client.state is ClientState.DEAD
        lasted_s = lost_at - opened_at
        self.journal.lost(lost_at, Drop(0.0, lasted_s, client.silent_s, _code(client), client.reason, dead))

    async def _beat(self, client: RealtimeClient, opened_at: float) -> None:
        due = before = opened_at
        while True:
            due += self.patience.heartbeat_s
            await asyncio.sleep(due - time.monotonic())
            sent_at = time.monotonic()
            try:
                round_trip_ms = await client.heartbeat()
            except ConnectionFailed:
                if client.state is ClientState.DEAD:
                    self.journal.beat(sent_at - before, None)
                return
            self.journal.beat(sent_at - before, round_trip_ms)
            before = sent_at
            due = max(due, sent_at)  # beats that were missed are not made up for

    async def _keep_joined(self, client: RealtimeClient, subject: Subject) -> None:
        failures = 0
        while client.state is ClientState.OPEN:
            channel = client.channel(subject.topic, subject.config, buffer=WAITING_EVENTS)
            joined = await self._join(channel, subject)
            with suppress(JoinFailed, ConnectionFailed):
                await self._listen(channel, subject)
            self.journal.unread += channel.dropped
            if channel.state is ChannelState.CLOSED:
                self.journal.closed(subject.shown, time.monotonic())
                return
            failures = 1 if joined else failures + 1
            await asyncio.sleep(self.patience.pause(failures))

    async def _join(self, channel: Channel, subject: Subject) -> bool:
        """Whether the channel is joined; its changes may be refused all the same."""
        name = subject.shown
        self.journal.joining(name, time.monotonic())
        try:
            times = await channel.subscribe(self.patience.join_s)
        except ConnectionFailed:
            return False
        except JoinFailed as error:
            if not channel.subscription_error:  # that one is among the channel's events
                kind = "reply" if error.reason else "timeout"
                self.journal.error(time.monotonic(), kind, name, error.reason or error.happened)
            self.journal.refused(name, time.monotonic())
            return channel.state is ChannelState.JOINED
        self.journal.ready(name, time.monotonic(), times.ready_ms - times.join_ms if subject.config.changes else None)
        return True

    async def _listen(self, channel: Channel, subject: Subject) -> None:
        """Until the channel ends; raises as its stream of events does."""
        async for event in channel.events():
            self.journal.receive(subject.shown, event)


def _code(client: RealtimeClient) -> int | None:
    """The server's code; 1006 is the library's word for none."""
    return None if client.close_code == 1006 else client.close_code
