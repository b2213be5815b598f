"""The fan-out of broadcasts: every socket gets what is for it, once and in order, whatever comes between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.lab.realtime.fanout import Fanout
from helpers.lab.realtime.outbox import Mailroom, Outbox
from tests.thorough import so_many

SOCKETS, TOPICS = 4, 2
sockets = st.integers(0, SOCKETS - 1)
topics = st.integers(0, TOPICS - 1)
actions = st.one_of(
    st.tuples(st.just("post"), topics, st.none() | sockets),
    st.tuples(st.just("post"), topics, st.none() | sockets),  # twice, as most of what happens is this
    st.tuples(st.sampled_from(["put", "put_first"]), sockets),
    st.tuples(st.sampled_from(["add", "remove"]), topics, sockets),
    st.tuples(st.sampled_from(["hold", "release"]), sockets),
    st.tuples(st.just("turn")),
)


class Paper(asyncio.WriteTransport):
    """A connection that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: Any) -> None:
        self.writes.append(data)

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0


class Hall:
    """Sockets and topics, and beside them what each socket should get."""

    def __init__(self) -> None:
        self.papers = [Paper() for _ in range(SOCKETS)]
        mailroom = Mailroom(asyncio.get_running_loop())
        self.outboxes = [
            Outbox(paper, mailroom, limit_bytes=1_000_000, on_overflow=paper.abort) for paper in self.papers
        ]
        self.topics: list[Fanout[int]] = [Fanout(mailroom) for _ in range(TOPICS)]
        self.due: list[list[bytes]] = [[] for _ in range(SOCKETS)]
        self._held_from: dict[int, int] = {}
        self._number = 0

    def post(self, topic: int, but: int | None) -> None:
        frame, receivers = self._frame(), [member for member in self.topics[topic] if member != but]
        assert self.topics[topic].post(frame, but) == len(receivers)
        for member in receivers:
            self.due[member].append(frame)

    def put(self, socket: int) -> None:
        frame = self._frame()
        self.outboxes[socket].put(frame)
        self.due[socket].append(frame)

    def put_first(self, socket: int) -> None:
        frame, due = self._frame(), self.due[socket]
        self.outboxes[socket].put_first(frame)
        due.insert(self._held_from.get(socket, len(due)), frame)

    def add(self, topic: int, socket: int) -> None:
        if socket not in list(self.topics[topic]):
            self.topics[topic].add(socket, self.outboxes[socket])

    def remove(self, topic: int, socket: int) -> None:
        self.topics[topic].remove(socket)

    def hold(self, socket: int) -> None:
        self._held_from.setdefault(socket, len(self.due[socket]))
        self.outboxes[socket].hold()

    def release(self, socket: int) -> None:
        self._held_from.pop(socket, None)
        self.outboxes[socket].release()

    def check(self) -> None:
        for paper, due in zip(self.papers, self.due, strict=True):
            assert b"".join(paper.writes) == b"".join(due)

    def _frame(self) -> bytes:
        self._number += 1
        return b"%d," % self._number


async def _play(moves: list[tuple[Any, ...]]) -> None:
    hall = Hall()
    for topic in range(TOPICS):
        for socket in range(SOCKETS):
            hall.add(topic, socket)
    for name, *arguments in moves:
        if name == "turn":
            await asyncio.sleep(0)
        else:
            action: Callable[..., None] = getattr(hall, name)
            action(*arguments)
    for socket in range(SOCKETS):
        hall.release(socket)
    await asyncio.sleep(0)
    hall.check()


@settings(max_examples=so_many(100, 2_000), deadline=None)
@given(st.lists(actions, max_size=40))
def test_order(moves: list[tuple[Any, ...]]) -> None:
    """Direct frames, exclusions, joins, leaves and held sockets change neither the order nor the set of frames."""
    asyncio.run(_play(moves))


async def test_shared_bytes() -> None:
    """The frames of a turn are joined once, and all sockets write the same object."""
    hall = Hall()
    for socket in range(1, SOCKETS):
        hall.add(0, socket)
    for _ in range(100):
        hall.post(0, None)
    await asyncio.sleep(0)
    written = [paper.writes for paper in hall.papers[1:]]
    assert [len(writes) for writes in written] == [1] * (SOCKETS - 1)
    assert all(writes[0] is written[0][0] for writes in written)


async def test_chatty_group() -> None:
    """When all members send without hearing themselves, each hears all others, still in one write per turn."""
    hall = Hall()
    for socket in range(SOCKETS):
        hall.add(0, socket)
    for number in range(100):
        hall.post(0, number % SOCKETS)
    await asyncio.sleep(0)
    hall.check()
    assert [len(paper.writes) for paper in hall.papers] == [1] * SOCKETS
