"""Joins, as the vendor's client sends them."""

from __future__ import annotations

import json

from helpers.wire.join import ChangeBinding, JoinConfig, Replay
from tests.wire.recordings import recorded


def recorded_joins(pattern: str) -> list[dict[str, object]]:
    frames = [json.loads(str(m.data)) for m in recorded(pattern) if not m.from_server and isinstance(m.data, str)]
    return [frame[4] for frame in frames if frame[3] == "phx_join"]


def test_a_plain_join_is_the_recorded_one() -> None:
    """All parts of the configuration are sent, also those that are off."""
    assert JoinConfig(broadcast_ack=True, broadcast_self=True).payload() in recorded_joins("broadcast.v2.jsonl")


def test_bindings_are_the_recorded_ones() -> None:
    """Filter and select only where they are given: a key with null would change the binding's id."""
    filtered = JoinConfig(changes=(ChangeBinding(table="messages", filter="room_id=eq.1"),))
    assert filtered.payload() in recorded_joins("join_pg_accepted.v2.jsonl")
    columns = JoinConfig(changes=(ChangeBinding(table="messages", select=("id", "body")),))
    assert columns.payload() in recorded_joins("join_pg_rejected.v2.jsonl")
    assert ChangeBinding().payload() == {"event": "*", "schema": "public"}


def test_presence_is_the_recorded_one() -> None:
    """Key and switch."""
    config = JoinConfig(presence_enabled=True, presence_key="alice")
    assert config.payload() in recorded_joins("presence.v2.jsonl")


def test_a_token_stands_beside_the_config() -> None:
    """Only if there is one: an empty one would be refused."""
    payload = JoinConfig(private=True).payload("a.b.c")
    assert payload["access_token"] == "a.b.c"
    assert payload["config"]["private"] is True
    assert "access_token" not in JoinConfig().payload()


def test_replay_is_part_of_broadcast() -> None:
    """Since when, in milliseconds, and how many at most."""
    config = JoinConfig(private=True, replay=Replay(1795337815287, 3))
    recorded_replay = [json.dumps(join) for join in recorded_joins("db_broadcast.v2.jsonl")]
    assert any('"replay": {"since": 1795337815287, "limit": 3}' in join for join in recorded_replay)
    assert config.payload()["config"]["broadcast"]["replay"] == {"since": 1795337815287, "limit": 3}
    assert JoinConfig(replay=Replay(5)).payload()["config"]["broadcast"]["replay"] == {"since": 5}


def test_readiness_of_database_broadcasts_is_asked_for_on_demand() -> None:
    """The server answers it with a system message of its own."""
    assert JoinConfig(replication_ready=True).payload()["config"]["broadcast"]["replication_ready"] is True
    assert "replication_ready" not in JoinConfig().payload()["config"]["broadcast"]
