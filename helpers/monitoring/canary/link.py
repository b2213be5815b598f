"""One socket and its channels, brought back whenever they are lost, each loss told with its reason."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from enum import StrEnum

from helpers.client import Channel, ClientState, RealtimeClient
from helpers.errors import ConnectionFailed, JoinFailed
from helpers.monitoring.canary.paths import Way
from helpers.monitoring.canary.settings import CanarySettings
from helpers.monitoring.exporter import Sink
from helpers.resilience import Backoff, State
from helpers.target import Target
from helpers.wire.channel import ChannelState
from helpers.wire.events import Event

__all__ = ["STATES", "Link", "Reason", "timed_connection"]

#: The states that a canary's channel can be in; it neither polls nor reads up what it missed.
STATES = (State.CONNECTING, State.JOINING, State.LIVE, State.OFFLINE)

#: Heartbeats are sent by the link itself, which times them.
_NEVER_S = 1e6


class Reason(StrEnum):
    """Why a connection or channel was lost, or could not be had: few, as each is a label."""

    REFUSED = "connection refused"
    DEAD = "heartbeat unanswered"
    BROKEN = "connection broken"
    CLOSED = "closed by the server"
    JOIN = "join refused"
    CHANNEL = "channel closed"
    SILENT = "joined but silent"


#: Told each event with the way whose channel it came on.
Hears = Callable[[Way, Event], None]


class Link:
    """Keeps channels joined until it is cancelled.

    Args:
        ways: each with its channel.
        hears: is called with every event.
        tells: is called with (channel's name, state, reason) at each change.
    """

    def __init__(
        self,
        target: Target,
        ways: Sequence[Way],
        sink: Sink,
        settings: CanarySettings,
        hears: Hears,
        tells: Callable[[str, State, str], None],
    ) -> None:
        self._target, self._ways, self._sink, self._settings = target, tuple(ways), sink, settings
        self._hears, self._tells = hears, tells
        self._channels: dict[str, Channel] = {}
        self._suspected = asyncio.Event()
        self._silent: set[str] = set()
        self._joined_at: dict[str, float] = {}
        self._backoff = Backoff(settings.backoff)

    def channel(self, name: str) -> Channel | None:
        """The one of a name, if it can be used now."""
        channel = self._channels.get(name)
        return channel if channel is not None and channel.state is ChannelState.READY else None

    def suspect(self, name: str, silent_s: float) -> None:
        """Ask the server for a sign of life now: a channel's messages have not arrived for so long.

        If it gives one, and the channel was joined long ago, that is joined anew.
        """
        self._suspected.set()
        joined_s = time.monotonic() - self._joined_at.get(name, -math.inf)
        if min(silent_s, joined_s) > self._settings.rejoin_s:
            self._silent.add(name)

    async def run(self) -> None:
        """Connect, join, watch; again and again."""
        while True:
            self._tell_all(State.CONNECTING, "")
            reason, text = await self._live()
            for name in self._channels:
                self._sink.add("disconnects", channel=name, reason=reason)
            if not self._channels and reason is not Reason.JOIN:  # a refused join has been counted
                self._sink.add("failed_attempts", reason=reason)
            self._channels.clear()
            self._silent.clear()
            self._backoff.lost(time.monotonic())
            self._tell_all(State.OFFLINE, text)
            await asyncio.sleep(self._backoff.delay_s())

    async def _live(self) -> tuple[Reason, str]:
        """One life of the socket, and what ended it."""
        client = RealtimeClient(self._target, heartbeat_s=_NEVER_S, timeout_s=self._settings.timeout_s)
        try:
            await client.connect()
        except ConnectionFailed as error:
            return Reason.REFUSED, error.happened
        try:
            self._sink.observe("connect_seconds", client.connect_ms / 1e3)
            return await self._watch(client)
        finally:
            await client.close()

    async def _watch(self, client: RealtimeClient) -> tuple[Reason, str]:
        try:
            refused = await asyncio.gather(*(self._join(client, way) for way in self._ways))
            if not self._channels:
                return Reason.JOIN, next(filter(None, refused), "no channel was joined")
            self._backoff.went_live(time.monotonic())
            await self._keep(client)
        except ConnectionFailed as error:
            return _why(client), error.happened
        gone = next((channel for channel in self._channels.values() if channel.state is not ChannelState.READY), None)
        if client.state is ClientState.OPEN and gone is not None:
            return Reason.CHANNEL, gone.reason
        return _why(client), client.reason

    async def _join(self, client: RealtimeClient, way: Way) -> str:
        """Join one channel; why it was refused, else nothing. The others go on either way."""
        self._tells(way.name, State.JOINING, "")
        self._joined_at[way.name] = time.monotonic()
        channel = client.channel(way.name, way.config, buffer=1)
        channel.on_event(lambda event: self._heard(way, channel, event))
        try:
            times = await channel.subscribe(self._settings.join_timeout_s)
        except JoinFailed as error:
            await channel.leave()  # one whose changes were refused is joined all the same
            self._sink.add("failed_attempts", reason=Reason.JOIN)
            self._tells(way.name, State.OFFLINE, error.happened)  # it is tried again as one that is silent
            return error.happened
        self._channels[way.name] = channel
        self._sink.observe("join_seconds", times.join_ms / 1e3, channel=way.name)
        self._sink.observe("ready_seconds", times.ready_ms / 1e3, channel=way.name)
        self._tells(way.name, State.LIVE, "")
        return ""

    def _heard(self, way: Way, channel: Channel, event: Event) -> None:
        self._hears(way, event)
        self._silent.discard(way.name)
        if way.name in self._channels and channel.state is not ChannelState.READY:
            self._suspected.set()

    async def _keep(self, client: RealtimeClient) -> None:
        """Until the connection or one of the channels is lost; a heartbeat that is not answered raises."""
        over = asyncio.create_task(client.wait_closed())
        try:
            while not over.done() and all(one.state is ChannelState.READY for one in self._channels.values()):
                await self._pause(over)
                if not over.done():
                    self._suspected.clear()
                    self._sink.observe("heartbeat_seconds", await client.heartbeat() / 1e3)
                    await self._rejoin(client)
        finally:
            over.cancel()

    async def _rejoin(self, client: RealtimeClient) -> None:
        """Channels that are silent on a socket that lives: the server strikes whoever listens to a table that leaves
        the publication, and does not take them back when it returns. The other channels go on meanwhile."""
        for way in [way for way in self._ways if way.name in self._silent]:
            self._silent.discard(way.name)
            channel = self._channels.pop(way.name, None)
            if channel is not None:
                self._sink.add("disconnects", channel=way.name, reason=Reason.SILENT)
                self._tells(way.name, State.OFFLINE, "nothing arrives, so it is joined anew")
                await channel.leave()
            await self._join(client, way)

    async def _pause(self, over: asyncio.Task[None]) -> None:
        """Until the next heartbeat is due, or something happens."""
        suspected = asyncio.create_task(self._suspected.wait())
        try:
            await asyncio.wait(
                (over, suspected), timeout=self._settings.heartbeat_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            suspected.cancel()

    def _tell_all(self, state: State, reason: str) -> None:
        for way in self._ways:
            self._tells(way.name, state, reason)


def _why(client: RealtimeClient) -> Reason:
    if client.state is ClientState.DEAD:
        return Reason.DEAD
    return Reason.BROKEN if client.close_code in (None, 1006) else Reason.CLOSED


async def timed_connection(target: Target, timeout_s: float) -> float:
    """Connect once more, only to time it.

    Returns:
        Seconds.

    Raises:
        ConnectionFailed: it failed.
    """
    async with RealtimeClient(target, timeout_s=timeout_s) as client:
        return client.connect_ms / 1e3
