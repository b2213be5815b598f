"""Advice for each sentence of the server."""

from __future__ import annotations

import json

import pytest

from helpers.wire.channel import ChannelState
from helpers.wire.events import System
from helpers.wire.refusals import handshake_advice, join_advice, push_advice, subscription_advice
from tests.wire.recordings import FOLDER
from tests.wire.test_channel import replay
from tests.wire.test_events import parsed


def recorded_handshake_errors() -> set[tuple[int, str]]:
    refused = set()
    for path in FOLDER.glob("*.jsonl"):
        for text in path.read_text(encoding="utf-8").strip().split("\n"):
            row = json.loads(text)
            if row["dir"] == "handshake-error" and "status" in row:
                body = row["body"]
                refused.add((row["status"], json.loads(body)["error"] if body.startswith("{") else ""))
    return refused


def test_every_recorded_refusal_of_a_handshake_has_advice() -> None:
    """Sentence by sentence, and by status where there is none."""
    unknown = handshake_advice(418, "")
    refused = recorded_handshake_errors()
    assert len(refused) >= 8
    assert [(status, text) for status, text in refused if handshake_advice(status, text) == unknown] == []


def test_every_recorded_end_of_a_channel_has_advice() -> None:
    """Refused joins and channels that the server closed."""
    ended = (ChannelState.ERRORED, ChannelState.CLOSED)
    machines = [m for path in FOLDER.glob("*.jsonl") for m in _machines(path.name) if m[0] in ended and m[1]]
    assert len({reason for _, reason in machines}) >= 8
    unknown = join_advice("")
    assert {reason for _, reason in machines if join_advice(reason) == unknown} == set()


def _machines(name: str) -> list[tuple[ChannelState, str]]:
    if "join_pg_rejected" in name:  # joins with payloads that a client of ours cannot send
        return []
    return [(machine.state, machine.reason) for machine in replay(name)[0].values()]


def test_every_recorded_refusal_of_bindings_has_advice() -> None:
    """The reasons for which a joined channel delivers no changes."""
    refused = {
        event.message
        for event in parsed()
        if isinstance(event, System) and not event.ok and event.extension == "postgres_changes"
    }
    assert len(refused) >= 10
    unknown = subscription_advice("")
    assert {message for message in refused if subscription_advice(message) == unknown} == set()


@pytest.mark.parametrize(
    "advice", [handshake_advice(401, "x"), join_advice("x"), subscription_advice("x"), push_advice("x")]
)
def test_advice_is_one_imperative_without_a_full_stop(advice: str) -> None:
    """As the errors that carry it want it."""
    assert advice[0].isupper() and not advice.endswith(".")
