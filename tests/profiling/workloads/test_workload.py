"""Workloads and audiences are data: they go through JSON, and say no to what makes no sense."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from helpers.errors import SettingsError
from helpers.profiling.workloads import Action, Audience, Burst, Churn, Constant, Encoding, Poisson, Route, Workload
from helpers.wire.frames import Version

WORKLOADS = (
    Workload(),
    Workload(rate=Burst(5, 0.5), route=Route.DATABASE, encoding=Encoding.BINARY, channels=3, private=True),
    Workload(rate=Poisson(20.0, seed=4), columns={"colour": ("red", None, 1.5, True)}, actions=tuple(Action), rooms=0),
)
AUDIENCES = (
    Audience(),
    Audience(subscribers=9, sockets=3, filter=("room_id=eq.1", "room_id=eq.2"), select=("id", "seq"), bindings=2),
    Audience(subscribers=2, version=Version.V1, sees="room_id=eq.1", churn=Churn(leavers=1)),
)


@pytest.mark.parametrize("plan", [*WORKLOADS, *AUDIENCES])
def test_plans_are_data(plan: Workload | Audience) -> None:
    """What is written down is read as what it was."""
    assert msgspec.json.decode(msgspec.json.encode(plan), type=type(plan)) == plan


def test_words_are_read() -> None:
    """A route, an encoding or an action may be given by its word."""
    workload = Workload(route="database", encoding="binary", actions=("INSERT",))  # type: ignore[arg-type]
    assert workload == Workload(route=Route.DATABASE, encoding=Encoding.BINARY)
    assert workload.route is Route.DATABASE


def test_what_takes_turns() -> None:
    """Rooms and further columns, each by the number of the message."""
    workload = Workload(rooms=2, columns={"colour": ("red", "green", "blue")}, actions=(Action.INSERT, Action.UPDATE))
    assert [workload.values(number) for number in (0, 3)] == [
        {"room_id": 123, "colour": "red"},
        {"room_id": 124, "colour": "red"},
    ]
    assert [workload.action(number) for number in range(3)] == [Action.INSERT, Action.UPDATE, Action.INSERT]


@pytest.mark.parametrize(
    ("sockets", "topics"),
    [(0, [0, 1, 2, 0, 1, 2]), (2, [0, 0, 1, 1, 2, 2]), (6, [0, 1, 2, 0, 1, 2]), (3, [0, 2, 1, 1, 0, 2])],
)
def test_no_socket_joins_a_channel_twice(sockets: int, topics: list[int]) -> None:
    """However subscribers share sockets, those of one socket are in different channels."""
    audience = Audience(subscribers=6, sockets=sockets)
    assert [audience.topic_of(one, 3) for one in range(6)] == topics
    assert len({(audience.socket_of(one), audience.topic_of(one, 3)) for one in range(6)}) == 6


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"rate": 100}, "Write it as Constant"),
        ({"rate": Constant(10**9)}, "Choose per_s above 0 and at most 50,000"),
        ({"seconds": 0}, "Choose seconds"),
        ({"body_bytes": -1}, "Choose body_bytes from 0"),
        ({"channels": 101}, "Choose channels from 1 to 100"),
        ({"rooms": -1}, "Choose rooms"),
        ({"rows": 0}, "Choose rows"),
        ({"actions": ()}, "at least one action"),
        ({"columns": {"x": ()}}, "at least one action, or value"),
        ({"route": "pigeon"}, "The words are sql, prisma"),
        ({"route": Route.REST, "actions": (Action.DELETE,)}, "only inserts"),
        ({"route": Route.PRISMA, "table": "other"}, "no other table"),
        ({"route": Route.SQL, "encoding": Encoding.BINARY}, "carries JSON"),
    ],
)
def test_workloads_are_bounded(wrong: dict[str, Any], says: str) -> None:
    """What is too much, or contradicts itself, is told with what to choose."""
    with pytest.raises(SettingsError, match=says):
        Workload(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"subscribers": 0}, {"subscribers": 2, "sockets": 3}, {"subscribers": 10**6}, {"bindings": 0}]
)
def test_audiences_are_bounded(wrong: dict[str, Any]) -> None:
    """The same for audiences."""
    with pytest.raises(SettingsError, match="Choose"):
        Audience(**wrong)
