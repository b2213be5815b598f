"""Typed views of what the server sends."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.wire.events import (
    Broadcast,
    Change,
    Column,
    Errored,
    Event,
    Other,
    PresenceState,
    Reply,
    System,
    parse_event,
)
from helpers.wire.frames import BinaryBroadcast, Encoding, MalformedFrame, Message, Version, decode_binary, peek
from tests.wire.recordings import Recorded, recorded
from tests.wire.test_frames import is_malformed, json_values


def parsed(pattern: str = "*.jsonl") -> list[Event]:
    """The events of what can be read; the first test tells what cannot."""
    events = []
    for message in recorded(pattern):
        if message.from_server:
            with suppress(MalformedFrame):
                frame = read(message)
                events.append(parse_event(frame, 1.5, len(message.data)))
    return events


def read(message: Recorded) -> Message:
    data = message.data
    return peek(data, message.version) if isinstance(data, str) else decode_binary(data)


def v2(event: str, payload: Any, ref: Any = None) -> Event:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    data = f'[null,{json.dumps(ref)},"realtime:room",{json.dumps(event)},{text}]'
    return parse_event(peek(data, Version.V2), 1.5, len(data))


def test_every_recorded_event_has_a_view() -> None:
    """Nothing the genuine server sent is unknown, and only a JSON broadcast that is no JSON cannot be read."""
    kinds: Counter[str] = Counter()
    for message in recorded():
        if not message.from_server or is_malformed(message):
            continue
        try:
            kinds[type(parse_event(read(message), 0.0, 0)).__name__] += 1
        except MalformedFrame:
            assert isinstance(message.data, bytes) and message.data.endswith(b"{oops")
    assert set(kinds) == {
        *("Change", "Broadcast", "PresenceState", "PresenceDiff", "System", "Reply", "Closed", "Errored"),
    }


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_change_holds_the_rows_types(version: str) -> None:
    """The recorded row of many types: exact numeric, nested json, hex bytea, arrays, column types."""
    change = next(e for e in parsed(f"pg_changes_types.{version}.jsonl") if isinstance(e, Change))
    assert (change.schema, change.table, change.type, change.errors) == ("public", "types_demo", "INSERT", ())
    assert change.record["n"] == Decimal("123456789012345678901234567890.123")
    assert (change.record["f8"], type(change.record["f8"])) == (1.5, float)
    assert change.record["jb"] == {"b": [1, 2]}
    assert change.record["ta"] == ["a", "b,c", None]
    assert change.record["ba"] == "deadbeef"
    assert change.columns[0] == Column("id", "int8")
    assert (change.received_at, change.topic) == (1.5, "realtime:room1")
    assert change.size_bytes > 1000


def test_an_oversized_row_tells_its_error() -> None:
    """Rows over 1 MiB come with the small columns and error 413, which official clients may drop."""
    errors = {e.errors for e in parsed("pg_changes_types.v2.jsonl") if isinstance(e, Change)}
    assert errors == {(), ("Error 413: Payload Too Large",)}


def test_a_delete_has_an_old_record_only() -> None:
    """The record of a DELETE is empty, its old record the primary key."""
    change = next(e for e in parsed("join_pg_accepted.v2.jsonl") if isinstance(e, Change) and e.type == "DELETE")
    assert (change.record, list(change.old_record)) == ({}, ["id"])


def test_a_change_that_may_not_be_seen_is_shown() -> None:
    """Error 401 comes without timestamp, columns and row."""
    row = '"columns":[],"record":{},"commit_timestamp":null,"errors":["Error 401: Unauthorized"]'
    data = '{"schema":"public","table":"t","type":"INSERT",' + row + "}"
    change = v2("postgres_changes", '{"ids":[7],"data":' + data + "}")
    assert isinstance(change, Change)
    assert (change.ids, change.commit_timestamp, change.errors) == ((7,), None, ("Error 401: Unauthorized",))


@pytest.mark.parametrize(
    ("type_name", "text", "value"),
    [
        ("numeric", "1.50", Decimal("1.50")),
        ("numeric", "5", Decimal(5)),
        ("numeric", "null", None),
        ("_numeric", "[1.10,null,2]", [Decimal("1.10"), None, Decimal(2)]),
        ("numeric", "1" + "0" * 400 + ".5", Decimal("1" + "0" * 400 + ".5")),
        ("float8", "1.50", 1.5),
        ("int8", "9223372036854775807", 9223372036854775807),
        ("jsonb", '{"a":1.50}', {"a": 1.5}),
    ],
)
def test_numbers_follow_the_columns_type(type_name: str, text: str, value: Any) -> None:
    """Digits of numeric are kept to the last zero, floats stay floats, whatever the value is."""
    columns = f'[{{"name":"n","type":"{type_name}"}}]'
    data = f'{{"schema":"s","table":"t","type":"INSERT","columns":{columns},"record":{{"n":{text}}}}}'
    change = v2("postgres_changes", f'{{"ids":[],"data":{data}}}')
    assert isinstance(change, Change)
    assert repr(change.record["n"]) == repr(value)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_legacy_form_of_changes_is_read(version: str) -> None:
    """Joined without config, changes are events named by their type."""
    legacy = [e for e in parsed(f"join_pg_rejected.{version}.jsonl") if isinstance(e, Change)]
    assert [(change.type, change.ids, change.record["body"]) for change in legacy] == [("INSERT", (), "legacy")] * 4


def test_broadcasts_from_the_database_know_their_row() -> None:
    """Binary on version 2.0.0, and as text with a meta when replayed."""
    broadcasts = [e for e in parsed("db_broadcast.v2.jsonl") if isinstance(e, Broadcast)]
    assert {e.replayed for e in broadcasts} == {True, False}
    assert len({e.id for e in broadcasts if e.id is not None}) > 5
    assert all(e.id is not None for e in broadcasts if e.replayed)


def test_binary_broadcasts_hold_bytes_or_json() -> None:
    """The encoding byte decides."""
    as_bytes = parse_event(BinaryBroadcast("t", "e", b"\x00\xff"), 0.0, 0)
    as_json = parse_event(BinaryBroadcast("t", "e", b'{"a":1}', Encoding.JSON), 0.0, 0)
    assert isinstance(as_bytes, Broadcast) and isinstance(as_json, Broadcast)
    assert (as_bytes.payload, as_json.payload) == (b"\x00\xff", {"a": 1})


def test_replies_and_system_messages_speak_plainly() -> None:
    """Whether it went well, and if not, why."""
    refused = v2("phx_reply", {"status": "error", "response": {"reason": "unmatched topic"}}, "3")
    assert isinstance(refused, Reply)
    assert (refused.ok, refused.reason, refused.ref) == (False, "unmatched topic", "3")
    system = v2("system", {"message": "Subscribed to PostgreSQL", "status": "ok", "extension": "postgres_changes"})
    assert isinstance(system, System) and system.ok
    crash = v2("phx_error", {"reason": "channel_crash"})
    assert isinstance(crash, Errored) and crash.reason == "channel_crash"


def test_presence_is_keys_and_metas() -> None:
    """Without the wrapper that the wire has."""
    state = v2("presence_state", {"alice": {"metas": [{"phx_ref": "x", "n": 1}]}})
    assert isinstance(state, PresenceState)
    assert state.state == {"alice": [{"phx_ref": "x", "n": 1}]}


def test_an_unknown_event_is_kept() -> None:
    """A newer server may send what this version has no name for."""
    other = v2("brand_new", {"a": 1})
    assert isinstance(other, Other)
    assert (other.event, other.payload) == ("brand_new", {"a": 1})


EVENTS = [
    "postgres_changes",
    "INSERT",
    "broadcast",
    "presence_state",
    "presence_diff",
    "system",
    "phx_reply",
    "phx_error",
]


@given(st.sampled_from(EVENTS), json_values)
def test_any_payload_is_an_event_or_malformed(event: str, payload: Any) -> None:
    """No payload, however odd, raises anything but MalformedFrame."""
    try:
        assert isinstance(v2(event, payload), Event)
    except MalformedFrame as error:
        assert error.reason
