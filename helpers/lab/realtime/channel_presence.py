"""The presence of one channel: its calls to track and untrack, and what it hears of the others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from helpers.lab.realtime.broadcast import splice
from helpers.lab.realtime.joins import JoinRequest
from helpers.lab.realtime.limits import CallWindow
from helpers.lab.realtime.outbox import TEXT, ws_frame
from helpers.lab.realtime.presence import PresenceDiff
from helpers.wire.frames import Frame, Version, encode_json

if TYPE_CHECKING:
    from helpers.lab.realtime.channel import Channel

__all__ = ["ChannelPresence"]


class ChannelPresence:
    """Lives as long as its channel.

    Attributes:
        hears: whether diffs are delivered: from the join if it enabled presence, else from the first track.
    """

    def __init__(self, channel: Channel, request: JoinRequest) -> None:
        limits = channel.hub.settings.limits
        self.hears = request.presence_enabled and channel.permissions.reads_presence
        self._channel = channel
        self._key = request.presence_key
        self._calls = CallWindow(limits.presence_calls, limits.presence_window_s)
        self._announced = self.hears

    def open(self) -> None:
        """Say who is there, if the join asked for it."""
        if self._announced and self._counted():
            self._channel.push("presence_state", self._channel.topic.presence.state())

    def close(self) -> None:
        """Leave; the others hear of it."""
        self._tell_all(self._channel.topic.presence.untrack(self._channel))

    def handle(self, push: Frame, payload: Any) -> None:
        """A `presence` message of the client: track or untrack."""
        if not isinstance(payload, dict) or "event" not in payload:
            self._channel.reply(push.ref)
            return
        event = str(payload["event"]).lower()
        allowed = self._channel.may_write("presence", push) if event == "track" else True
        if allowed is None:
            return  # the message comes again when the policies were read
        if not self._calls.allows(asyncio.get_running_loop().time()):
            self._channel.shut("Client presence rate limit exceeded")
        elif event == "track" and allowed:
            self._track(push, payload.get("payload", {}))
        elif event == "untrack":
            self._tell_all(self._channel.topic.presence.untrack(self._channel))
            self._channel.reply(push.ref)
        else:
            self._channel.reply(push.ref, status="error")

    def _track(self, push: Frame, meta: Any) -> None:
        channel = self._channel
        if not isinstance(meta, dict):
            channel.reply(push.ref, {"reason": "Presence track payload must be a map"}, status="error")
            return
        size_bytes = len(encode_json(meta))
        if size_bytes > channel.hub.settings.limits.payload_bytes:
            channel.shut("Track message size exceeded")
        elif self._counted():
            channel.hub.counts.presence_bytes.add(size_bytes)
            self.hears = channel.permissions.reads_presence
            self._tell_all(channel.topic.presence.track(channel, self._key, meta))
            channel.reply(push.ref)

    def _counted(self) -> bool:
        """Count against the project's presence events; one too many shuts the channel."""
        events = self._channel.hub.presence_events
        if events.exceeded:
            self._channel.shut("Too many presence messages per second")
            return False
        events.add()
        return True

    def _tell_all(self, diff: PresenceDiff | None) -> None:
        if diff is None:
            return
        topic = self._channel.topic
        payload = encode_json(diff.payload())
        frames = {v: ws_frame(TEXT, splice(v, topic.name, "presence_diff", payload)) for v in Version}
        listeners = [member for member in topic.members if member.presence.hears]
        for member in listeners:
            member.outbox.put(frames[member.version])
        self._channel.hub.events.add(len(listeners))
