"""The channel's state machine, driven by recordings of genuine sessions and by hand."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from typing import Any

import pytest

from helpers.wire.channel import ChannelMachine, ChannelState, heartbeat
from helpers.wire.events import Broadcast, PresenceDiff, PresenceState, parse_event
from helpers.wire.frames import (
    BinaryPush,
    Frame,
    MalformedFrame,
    Version,
    decode_binary,
    decode_text,
    encode_text,
    peek,
)
from helpers.wire.join import TOPIC_PREFIX, ChangeBinding, JoinConfig
from tests.wire.recordings import Recorded, recorded

VERSIONS = ["v1", "v2"]
CHANGES = JoinConfig(changes=(ChangeBinding(table="messages"),))

Session = tuple[str, str]


def replay(pattern: str) -> tuple[dict[Session, ChannelMachine], dict[Session, list[str]]]:
    """Put one machine into the place of each recorded channel; gives the machines and the states they went through."""
    machines: dict[Session, ChannelMachine] = {}
    states: dict[Session, list[str]] = defaultdict(list)
    for message in recorded(pattern):
        with suppress(MalformedFrame):
            frame = _frame(message)
            key = (message.connection, str(frame.topic))
            _take(machines, key, frame, message.from_server)
            if key in machines and (not states[key] or states[key][-1] != machines[key].state):
                states[key].append(machines[key].state.value)
    return machines, states


def _take(machines: dict[Session, ChannelMachine], key: Session, frame: Any, from_server: bool) -> None:
    if not from_server:
        _command(machines, key, frame)
    elif key in machines and machines[key].accepts(frame):
        machines[key].receive(parse_event(frame, 0.0, 0))


def _frame(message: Recorded) -> Any:
    if isinstance(message.data, bytes):
        return decode_binary(message.data)
    read = peek if message.from_server else decode_text
    return read(message.data, message.version)


def _command(machines: dict[Session, ChannelMachine], key: Session, frame: Any) -> None:
    if isinstance(frame, BinaryPush):
        return
    if frame.event == "phx_join":
        bindings = frame.payload["config"]["postgres_changes"]
        config = JoinConfig(changes=(ChangeBinding(),) * len(bindings))
        machines.setdefault(key, ChannelMachine(key[1].removeprefix(TOPIC_PREFIX), config)).join(frame.ref)
    elif frame.event == "phx_leave":
        machines[key].leave(frame.ref)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_subscription_is_ready_when_postgres_is_subscribed(version: str) -> None:
    """With bindings the reply only joins; the system message makes ready, and the reply numbered the bindings."""
    machines, states = replay(f"join_pg_accepted.{version}.jsonl")
    assert states["c1", "realtime:room1"] == ["joining", "joined", "ready"]
    assert machines["c1", "realtime:room1"].binding_ids == (64696116,)
    assert len(machines["c1", "realtime:room2"].binding_ids) == 3


@pytest.mark.parametrize("version", VERSIONS)
def test_a_channel_is_left_and_joined_again(version: str) -> None:
    """Leaving ends with phx_close and without a reason; the same channel joins anew."""
    machines, states = replay(f"leave_close.{version}.jsonl")
    expected = ["joining", "joined", "ready", "leaving", "closed", "joining", "joined"]
    assert states["a", "realtime:room1"] == expected
    assert machines["a", "realtime:room1"].reason == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_the_end_of_an_earlier_join_is_stale(version: str) -> None:
    """The server closes the first join after it answered the second: the channel stays ready."""
    _, states = replay(f"rate_limit_broadcast.{version}.jsonl")
    assert states["a", "realtime:room1"] == ["joining", "ready", "joining", "ready"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_channel_closed_by_the_server_knows_why(version: str) -> None:
    """The system error that came before phx_close is the reason."""
    machines, states = replay(f"access_token.{version}.jsonl")
    assert states["malformed", "realtime:room1"] == ["joining", "joined", "ready", "closed"]
    assert machines["malformed", "realtime:room1"].reason == "The token provided is not a valid JWT"
    machines, _ = replay(f"rate_limit_broadcast.{version}.jsonl")
    assert "Too many messages per second" in {machine.reason for machine in machines.values()}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_refused_join_is_errored_with_the_reason(version: str) -> None:
    """A private channel without read permission."""
    machines, states = replay(f"private.{version}.jsonl")
    assert states["a", "realtime:secret"] == ["joining", "errored"]
    assert machines["a", "realtime:secret"].reason == (
        "Unauthorized: You do not have permissions to read from this Channel topic: secret"
    )


def test_a_crashed_channel_is_errored_and_can_be_joined_again() -> None:
    """phx_error ends the life of a channel, not its use."""
    _, states = replay("broadcast.v2.jsonl")
    assert states["a", "realtime:bc4"][:5] == ["joining", "ready", "errored", "joining", "ready"]


def test_refused_bindings_leave_the_channel_joined() -> None:
    """A bad table is reported after an ok reply; broadcast would still work."""
    machine = joined(CHANGES)
    receive(machine, "system", {"extension": "postgres_changes", "status": "error", "message": "Unable to subscribe"})
    assert (machine.state, machine.subscription_error) == (ChannelState.JOINED, "Unable to subscribe")
    receive(machine, "system", {"extension": "postgres_changes", "status": "ok", "message": "Subscribed to PostgreSQL"})
    assert (machine.state, machine.subscription_error) == (ChannelState.READY, "")


def joined(config: JoinConfig | None = None) -> ChannelMachine:
    machine = ChannelMachine("room", config or JoinConfig())
    machine.join("1")
    receive(machine, "phx_reply", {"status": "ok", "response": {"postgres_changes": []}}, ref="1", join_ref="1")
    return machine


def receive(
    machine: ChannelMachine, event: str, payload: Any, ref: str | None = None, join_ref: str | None = None
) -> bool:
    """What a server of version 2.0.0 sends, through the codec; whether the machine took it."""
    frame = peek(encode_text(Frame(machine.topic, event, payload, ref, join_ref), Version.V2), Version.V2)
    if not machine.accepts(frame):
        return False
    machine.receive(parse_event(frame, 0.0, 0))
    return True


def test_without_bindings_the_reply_makes_ready() -> None:
    """Nothing has to be waited for but the reply."""
    assert joined().state is ChannelState.READY


def test_system_messages_of_other_extensions_do_not_make_ready() -> None:
    """An operator's "Server requested disconnect" has status ok, too."""
    machine = joined(CHANGES)
    receive(machine, "system", {"extension": "system", "status": "ok", "message": "Server requested disconnect"})
    assert machine.state is ChannelState.JOINED


def test_a_reply_to_another_push_does_not_answer_the_join() -> None:
    """Only the reply with the join's ref does."""
    machine = ChannelMachine("room", JoinConfig())
    machine.join("7")
    receive(machine, "phx_reply", {"status": "ok", "response": {}}, ref="6")
    assert machine.state is ChannelState.JOINING


def test_a_join_that_is_not_answered_is_taken_back() -> None:
    """After the timeout the channel is errored, the server is told to forget the join, and a late reply is stale."""
    machine = ChannelMachine("room", JoinConfig())
    machine.join("1")
    assert machine.join_timed_out("2") == Frame("realtime:room", "phx_leave", {}, "2", "1")
    assert machine.state is ChannelState.ERRORED
    assert not receive(machine, "phx_reply", {"status": "ok", "response": {}}, ref="1", join_ref="1")


def test_messages_of_an_earlier_life_are_stale_while_joining() -> None:
    """Broadcasts and changes carry no join_ref: before the reply they can only be an older life's."""
    machine = joined()
    machine.join("5")
    assert not receive(machine, "broadcast", {"event": "e", "payload": {}})
    receive(machine, "phx_reply", {"status": "ok", "response": {}}, ref="5", join_ref="5")
    assert receive(machine, "broadcast", {"event": "e", "payload": {}})


@pytest.mark.parametrize("event", ["broadcast", "phx_reply", "phx_close", "phx_error"])
def test_a_closed_channel_takes_nothing(event: str) -> None:
    """What arrives after the end is stale."""
    machine = joined()
    machine.leave("2")
    receive(machine, "phx_close", {}, ref="1", join_ref="1")
    assert machine.state is ChannelState.CLOSED
    assert not receive(machine, event, {}, ref="1", join_ref="1")


def test_leaving_what_is_not_joined_sends_nothing() -> None:
    """There is nothing to take back."""
    assert ChannelMachine("room", JoinConfig()).leave("1") is None


def test_a_leave_that_is_not_answered_counts_as_left() -> None:
    """The client moves on, without a reason to complain."""
    machine = joined()
    assert machine.leave("2") == Frame("realtime:room", "phx_leave", {}, "2", "1")
    machine.leave_timed_out()
    assert (machine.state, machine.reason) == (ChannelState.CLOSED, "")


def test_a_lost_connection_is_an_error() -> None:
    """It ends every channel, with the connection's reason."""
    machine = joined()
    machine.connection_lost("gone")
    assert (machine.state, machine.reason) == (ChannelState.ERRORED, "gone")


@pytest.mark.parametrize(("leaving", "reason"), [(True, "gone"), (False, "")])
def test_an_end_that_was_asked_for_is_no_error(leaving: bool, reason: str) -> None:
    """The channel was about to be left anyway, or the client closed its own connection."""
    machine = joined()
    if leaving:
        machine.leave("2")
    machine.connection_lost(reason)
    assert (machine.state, machine.reason) == (ChannelState.CLOSED, "")


def test_a_lost_connection_does_not_touch_a_channel_that_ended() -> None:
    """The first reason is the true one."""
    machine = joined()
    receive(machine, "system", {"extension": "system", "status": "error", "message": "Token has expired"})
    receive(machine, "phx_close", {}, ref="1", join_ref="1")
    machine.connection_lost("gone")
    assert (machine.state, machine.reason) == (ChannelState.CLOSED, "Token has expired")


def test_pushes_carry_the_join_ref() -> None:
    """The server drops pushes of an older join, as we do."""
    machine = joined()
    assert machine.push("2", "access_token", {"access_token": "t"}).join_ref == "1"
    message = {"type": "broadcast", "event": "e", "payload": {"n": 1}}
    assert machine.broadcast("3", "e", {"n": 1}) == Frame("realtime:room", "broadcast", message, "3", "1")
    assert machine.broadcast("4", "e", b"\x00") == BinaryPush("realtime:room", "e", b"\x00", ref="4", join_ref="1")


def test_heartbeats_belong_to_no_channel() -> None:
    """As recorded: topic phoenix, no join_ref."""
    assert heartbeat("9") == Frame("phoenix", "heartbeat", {}, "9")
    assert any(isinstance(m.data, str) and '"heartbeat"' in m.data for m in recorded("connect_heartbeat.*"))


@pytest.mark.parametrize("version", VERSIONS)
def test_presence_follows_the_recorded_room(version: str) -> None:
    """After track, update, untrack, leave and a dropped connection, nobody is there, as on the server."""
    seen: list[dict[str, int]] = []
    machine = ChannelMachine("room1", JoinConfig(presence_enabled=True))
    for message in recorded(f"presence.{version}.jsonl"):
        if message.connection != "a":
            continue
        frame = _frame(message)
        if not message.from_server and frame.event == "phx_join":
            machine.join(frame.ref)
        elif message.from_server and machine.accepts(frame):
            event = parse_event(frame, 0.0, 0)
            machine.receive(event)
            if isinstance(event, PresenceState | PresenceDiff):
                state = machine.presence.state
                seen.append({key if len(key) < 36 else "uuid": len(metas) for key, metas in state.items()})
    alone, both = {"alice": 1}, {"alice": 1, "bob": 1}
    assert seen == [{}, alone, both, both, {"bob": 1}, {}, {"uuid": 1}, {}]


def test_a_joined_broadcast_is_an_event() -> None:
    """The machine lets messages through without changing its state."""
    machine = joined()
    frame = peek(b'[null,null,"realtime:room","broadcast",{"event":"e","payload":1}]', Version.V2)
    assert machine.accepts(frame)
    event = parse_event(frame, 1.5, 66)
    machine.receive(event)
    assert isinstance(event, Broadcast)
    assert machine.state is ChannelState.READY
