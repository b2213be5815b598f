"""The topics of the server, and the fan-out of a broadcast to the channels that joined one."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from helpers.lab.realtime.broadcast import Broadcast, Envelope
from helpers.lab.realtime.fanout import Fanout
from helpers.lab.realtime.outbox import Mailroom, Outbox
from helpers.lab.realtime.presence import Presence
from helpers.wire.frames import Version

__all__ = ["Member", "Topic", "Topics"]


class Member(Protocol):
    """A channel, as a topic sees it."""

    @property
    def version(self) -> Version: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def hears_broadcasts(self) -> bool: ...


M = TypeVar("M", bound=Member)


class Topic(Generic[M]):
    """The channels joined to one name. A public and a private topic of one name have nothing in common."""

    __slots__ = ("_mailroom", "_receivers", "envelope", "members", "name", "presence", "private")

    def __init__(self, name: str, mailroom: Mailroom, *, private: bool) -> None:
        self.name = name
        self.private = private
        self.envelope = Envelope(name)
        self.presence = Presence()
        self.members: dict[M, None] = {}
        self._mailroom = mailroom
        self._receivers: dict[Version, Fanout[M]] = {}

    def enter(self, member: M) -> None:
        self.members[member] = None
        if member.hears_broadcasts:
            group = self._receivers.get(member.version)
            if group is None:
                group = self._receivers[member.version] = Fanout(self._mailroom)
            group.add(member, member.outbox)

    def leave(self, member: M) -> None:
        self.members.pop(member, None)
        group = self._receivers.get(member.version)
        if group is not None:
            group.remove(member)
            if not group:
                del self._receivers[member.version]

    def receivers(self, *, but: M | None = None) -> list[M]:
        """Who hears broadcasts here."""
        return [member for group in self._receivers.values() for member in group if member is not but]

    def send(self, broadcast: Broadcast, but: M | None = None) -> int:
        """Deliver to everybody, or everybody but one; the number of deliveries."""
        delivered = 0
        for version, group in self._receivers.items():
            frame = broadcast.frame(version)
            if frame is not None:
                delivered += group.post(frame, but)
        return delivered


class Topics(Generic[M]):
    """All topics that somebody has joined."""

    def __init__(self, mailroom: Mailroom) -> None:
        self._mailroom = mailroom
        self._topics: dict[tuple[str, bool], Topic[M]] = {}

    def __len__(self) -> int:
        return len(self._topics)

    def find(self, name: str, *, private: bool) -> Topic[M] | None:
        return self._topics.get((name, private))

    def enter(self, name: str, member: M, *, private: bool) -> Topic[M]:
        """Add a member, to a new topic if need be."""
        key = (name, private)
        topic = self._topics.get(key)
        if topic is None:
            topic = self._topics[key] = Topic(name, self._mailroom, private=private)
        topic.enter(member)
        return topic

    def leave(self, topic: Topic[M], member: M) -> None:
        """Remove a member, and the topic with its last one."""
        topic.leave(member)
        if not topic.members:
            self._topics.pop((topic.name, topic.private), None)
