"""The optimistic store against a server whose answers and echoes come in any order."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.errors import FailureError
from helpers.resilience import Item
from helpers.sync.optimistic import (
    GONE,
    Answer,
    ByTransaction,
    ByVersion,
    Marks,
    OptimisticStore,
    StoreEvent,
    What,
    Write,
    WriteType,
)
from helpers.sync.writes import blocked_by
from tests.thorough import so_many

#: A body that the server's check constraint does not take.
BAD = "bad"


@dataclass
class Server:
    """Rows, and a log of what was committed to them, in the order of the commits."""

    versions: bool
    rows: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict)
    log: deque[Item] = field(default_factory=deque)
    commits: int = 0
    keys: Iterator[int] = field(default_factory=lambda: iter(range(1000, 10_000)))

    def do(self, write: Write) -> Answer | str:
        """The answer, or why not."""
        key = (next(self.keys),) if any(isinstance(value, str) for value in write.key) else write.key
        row = self.rows.get(key)
        if write.values.get("body") == BAD:
            return "violates a check"
        if (row is None) is not (write.type is WriteType.INSERT):
            return "there is one already" if row else "it is gone"
        return Answer(key, self.commit(write.type, key, {**(row or {}), **write.values, "id": key[0]}))

    def commit(self, type: str, key: tuple[Any, ...], row: dict[str, Any]) -> Any:
        self.commits += 1
        place = (self.commits, 10_000 - self.commits)  # numbers of transactions do not grow with their commits
        if type == "DELETE":
            before = self.rows.pop(key)
            self.log.append(Item(type, key, {}, place, old_record=before, old_key=key))
            return GONE if self.versions else place[1]
        self.rows[key] = row | {"version": self.commits}
        self.log.append(Item(type, key, self.rows[key], place))
        return self.commits if self.versions else place[1]


class Game:
    """A user, others, a network that delivers when it likes."""

    def __init__(self, marks: Marks, tells_mark: bool) -> None:
        self.server = Server(isinstance(marks, ByVersion))
        self.tells_mark = tells_mark
        self.store = OptimisticStore(marks=marks)
        self.answers: list[tuple[str, Answer | str]] = []
        self.sent: set[str] = set()
        self.mine: list[tuple[Any, ...]] = []

    def write(self, type: str, which: int, body: str, chosen: bool) -> None:
        key = self.mine[which % len(self.mine)] if self.mine else None
        values = {"body": body} | ({"refers to": key[0]} if key and chosen else {})
        with contextlib.suppress(FailureError):  # the user has not been told yet that the server refused the row
            if type == "INSERT":
                given = {"id": which} if which % 2 else {}
                self.mine.append(self.store.insert(given | values).key)
            elif key:
                self.store.update(key, values) if type == "UPDATE" else self.store.delete(key)

    def other(self, type: str, which: int, body: str) -> None:
        keys = list(self.server.rows)
        if type == "INSERT" or not keys:
            key = (next(self.server.keys),)
            self.server.commit("INSERT", key, {"id": key[0], "body": body})
        else:
            key = keys[which % len(keys)]
            self.server.commit(type, key, self.server.rows[key] | {"body": body})

    def send(self) -> bool:
        pending = self.store.pending
        for place, write in enumerate(pending):
            before = [one for one in pending[:place] if one.id not in self.answered]
            if write.id not in self.sent and not blocked_by(write, before):
                self._send(write)
                return True
        return False

    @property
    def answered(self) -> set[str]:
        return self.sent - {write_id for write_id, _ in self.answers}

    def _send(self, write: Write) -> None:
        self.sent.add(write.id)
        answer = self.server.do(write)
        if self.tells_mark and isinstance(answer, Answer):
            self.store.marked(write.id, answer.mark)
        self.answers.append((write.id, answer))

    def answer(self, which: int) -> bool:
        if not self.answers:
            return False
        write_id, answer = self.answers.pop(which % len(self.answers))
        if isinstance(answer, Answer):
            self.store.accept(write_id, answer)
        else:
            self.store.reject(write_id, answer)
        return True

    def echo(self) -> bool:
        if not self.server.log:
            return False
        self.store.receive(self.server.log.popleft())
        return True

    def end(self) -> None:
        while self.answer(0) or self.echo() or self.send():
            pass


TYPE = st.sampled_from(["INSERT", "UPDATE", "DELETE"])
BODY = st.sampled_from(["a", "b", BAD])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), TYPE, st.integers(0, 5), BODY, st.booleans()),
        st.tuples(st.just("other"), TYPE, st.integers(0, 5), BODY),
        st.tuples(st.just("send")),
        st.tuples(st.just("answer"), st.integers(0, 3)),
        st.tuples(st.just("echo")),
    ),
    max_size=40,
)


@settings(max_examples=so_many(150, 2_000), deadline=None)
@given(STEPS, st.sampled_from([(ByTransaction(), True), (ByTransaction(), False), (ByVersion("version"), False)]))
def test_in_the_end_the_view_is_the_servers_state(steps: list[Any], kind: tuple[Marks, bool]) -> None:
    """Whatever is written by whom, refused or not, and in whichever order answers and echoes come."""
    game = Game(*kind)
    for name, *arguments in steps:
        getattr(game, name)(*arguments)
        assert rebuilt(game.store) == game.store.view
    game.end()
    assert game.store.pending == ()
    assert game.store.view == game.store.server == game.server.rows


def rebuilt(store: OptimisticStore) -> dict[Any, Any]:
    """The view, computed at once and not step by step."""
    view = dict(store.server)
    for write in store.pending:
        if write.type is WriteType.DELETE:
            view.pop(write.key, None)
        elif write.key in view or write.type is WriteType.INSERT:
            view[write.key] = {**view.get(write.key, {}), **write.values}
    return view


def test_what_depends_on_a_refused_write_goes_and_the_rest_stays() -> None:
    """Also in the middle of a stack, with the reason told to views."""
    store, told = OptimisticStore(), list[StoreEvent]()
    store.receive(Item("INSERT", (1,), {"id": 1, "body": "server", "n": 0}, (1, 1)))
    store.on_event(told.append)
    kept = store.update((1,), {"body": "mine"})
    refused = store.insert({"body": "parent"})
    child = store.insert({"id": 5, "parent": refused.key[0]})
    grandchild = store.update((5,), {"body": "child"})
    last = store.update((1,), {"n": 1})
    assert store.reject(refused.id, "no permission") == (refused, child, grandchild)
    assert store.pending == (kept, last)
    assert store.view == {(1,): {"id": 1, "body": "mine", "n": 1}}
    assert [event.what for event in told[-3:]] == [What.REJECTED, What.UNDONE, What.UNDONE]
    assert "no permission" in told[-1].reason


def test_a_write_to_what_was_refused_is_refused_at_once() -> None:
    """Nobody would ever answer it."""
    store = OptimisticStore()
    refused = store.insert({"body": "a"})
    store.reject(refused.id, "no permission")
    with pytest.raises(FailureError, match="refused"):
        store.update(refused.key, {"body": "b"})
    with pytest.raises(FailureError, match="refused"):
        store.insert({"id": 1}, after=[refused.id])
    assert store.pending == ()
    assert store.view == {}


def test_an_own_echo_is_not_recognised_by_its_value() -> None:
    """Somebody else writes the same; the own write is still awaited, and shown above what comes after."""
    store = OptimisticStore()
    store.receive(Item("INSERT", (1,), {"id": 1, "body": "a"}, (1, 1)))
    write = store.update((1,), {"body": "same"})
    store.receive(Item("UPDATE", (1,), {"id": 1, "body": "same"}, (2, 2)))
    store.receive(Item("UPDATE", (1,), {"id": 1, "body": "later"}, (3, 3)))
    assert store.pending == (write,)
    assert store.view[1,]["body"] == "same"
    store.accept(write.id, Answer((1,), 4))
    store.receive(Item("UPDATE", (1,), {"id": 1, "body": "same"}, (4, 4)))
    assert store.pending == ()


def test_pending_writes_are_rebased_over_the_changes_of_others() -> None:
    """Column by column: what others change elsewhere in the row is seen at once."""
    store = OptimisticStore()
    store.receive(Item("INSERT", (1,), {"id": 1, "body": "a", "n": 0}, (1, 1)))
    store.update((1,), {"body": "mine"})
    store.receive(Item("UPDATE", (1,), {"id": 1, "body": "theirs", "n": 9}, (2, 2)))
    assert store.view[1,] == {"id": 1, "body": "mine", "n": 9}


def test_temporary_keys_become_real_ones_in_later_writes() -> None:
    """In their keys and in what they refer to, and no row is shown twice when the echo is faster than the answer."""
    store = OptimisticStore()
    parent = store.insert({"body": "parent"})
    store.insert({"id": 5, "parent": parent.key[0]})
    store.update(parent.key, {"body": "changed"})
    store.marked(parent.id, 7)
    store.receive(Item("INSERT", (70,), {"id": 70, "body": "parent"}, (1, 7)))
    assert store.view == {(70,): {"id": 70, "body": "changed"}, (5,): {"id": 5, "parent": 70}}
    store.update(parent.key, {"body": "by its old name"})
    assert store.pending[-1].key == (70,)
    store.accept(parent.id, Answer((70,), 7))
    assert len(store.pending) == 3


def test_a_snapshot_takes_the_place_of_what_it_holds() -> None:
    """Writes that are in it are awaited no more, also those whose answer comes later."""
    store = OptimisticStore()
    first, second, third = (store.insert({"id": number}) for number in range(3))
    store.accept(first.id, Answer((0,), 10))
    store.replace([{"id": 0}, {"id": 1}], lambda mark: mark <= 11)
    assert store.pending == (second, third)
    store.accept(second.id, Answer((1,), 11))
    store.accept(third.id, Answer((2,), 12))
    assert store.pending == (third,)
    assert store.view.keys() == {(0,), (1,), (2,)}
