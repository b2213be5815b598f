"""The fan-out of frames to a group of sockets: one step per frame, and one per socket and turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from helpers.lab.realtime.outbox import Mailroom, Outbox, Run

__all__ = ["Fanout"]

M = TypeVar("M")


class Fanout(Generic[M]):
    """The members of a topic that get the same frames, each with the outbox of its socket.

    The first frame of a turn opens a run that all outboxes follow; the next ones are only added to it. An outbox for
    which something else comes between, or that is left out of a frame, strays until the next frame that it gets.
    """

    __slots__ = ("_mailroom", "_outboxes", "_run")

    def __init__(self, mailroom: Mailroom) -> None:
        self._mailroom = mailroom
        self._outboxes: dict[M, Outbox] = {}
        self._run: Run | None = None

    def __len__(self) -> int:
        return len(self._outboxes)

    def __iter__(self) -> Iterator[M]:
        return iter(self._outboxes)

    def add(self, member: M, outbox: Outbox) -> None:
        """From now on it gets the frames."""
        self._outboxes[member] = outbox
        if self._run is not None:
            self._run.strays.add(outbox)

    def remove(self, member: M) -> None:
        """It gets no more of them than it has got."""
        outbox = self._outboxes.pop(member, None)
        if outbox is not None and self._run is not None:
            if outbox not in self._run.strays:
                outbox.stray()
            self._run.strays.discard(outbox)

    def post(self, frame: bytes, but: M | None = None) -> int:
        """Send a frame to all members, or all but one; the number of those who get it."""
        excluded = None if but is None else self._outboxes.get(but)
        receivers = len(self._outboxes) - (excluded is not None)
        if receivers:
            run = self._run or self._open()
            self._regroup(run, excluded)
            run.frames.append(frame)
        return receivers

    def _open(self) -> Run:
        run = self._run = Run()
        for outbox in self._outboxes.values():
            outbox.follow(run)
        self._mailroom.at_end_of_turn(self._close)
        return run

    def _close(self) -> None:
        self._run = None

    def _regroup(self, run: Run, excluded: Outbox | None) -> None:
        """Let every outbox follow but the excluded one."""
        strays = run.strays
        if excluded is not None and excluded not in strays:
            excluded.stray()
        if len(strays) > (excluded is not None):
            run.strays = set() if excluded is None else {excluded}
            for outbox in strays - run.strays:
                outbox.follow(run)
