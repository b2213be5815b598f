"""Numbered messages, many frames at once."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from helpers.wire.frames import BinaryBroadcast, Encoding, Frame, Version, encode_binary, encode_text
from helpers.wire.numbered import STAMP, UNNUMBERED, NumberedReader, stamps

VERSIONS = [Version.V1, Version.V2]


def text(version: Version, event: str, payload: Any) -> bytes:
    return encode_text(Frame("realtime:room", event, payload), version)


def found(version: Version, *texts: bytes) -> list[tuple[str, str, int, float] | None]:
    items = NumberedReader(version).read(texts)
    return [item and (item.topic, item.event, stamps([item])[0].seq, stamps([item])[0].due) for item in items]


@pytest.mark.parametrize("version", VERSIONS)
def test_number_and_due_time_of_each_kind_of_message(version: Version) -> None:
    """Broadcasts, changes, changes in their legacy form, whatever else is in them."""
    stamp = {"seq": 7, "due": 1.5, "body": {"seq": 8}, "meta": None}
    texts = (
        text(version, "broadcast", {"event": "m", "payload": stamp, "type": "broadcast"}),
        text(version, "postgres_changes", {"ids": [1], "data": {"record": stamp, "type": "INSERT"}}),
        text(version, "INSERT", {"record": stamp, "type": "INSERT"}),
    )
    names = ("broadcast", "postgres_changes", "INSERT")
    assert found(version, *texts) == [("realtime:room", name, 7, 1.5) for name in names]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "payload",
    [
        {"event": "m", "payload": {"seq": "seven"}},
        {"event": "m", "payload": "text"},
        {"event": "m", "payload": [1]},
        {"event": "m"},
        {},
        "bare",
        None,
    ],
)
def test_a_message_of_another_shape_has_no_number(version: Version, payload: Any) -> None:
    """It is a message still, and its neighbours keep theirs."""
    good = text(version, "broadcast", {"payload": {"seq": 1}})
    odd = text(version, "broadcast", payload)
    first, second, third = found(version, good, odd, good)
    assert first == third and first is not None and first[2] == 1 and math.isnan(first[3])
    assert second is not None and second[2] == UNNUMBERED


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("bad", [b"", b"{", b"1,2", b'"a"', b"[]", b"\xff", b"]", b"null", b"[[[["])
def test_what_is_no_frame_is_told_apart(version: Version, bad: bytes) -> None:
    """Also text that is no JSON value by itself, but becomes some beside others."""
    good = text(version, "broadcast", {"payload": {"seq": 1, "due": 2.0}})
    first, second, third = found(version, good, bad, good)
    assert second is None and first == third == ("realtime:room", "broadcast", 1, 2.0)


def test_halves_of_two_texts_are_no_frame_together() -> None:
    """Two texts that make one JSON value when joined by a comma are two that are malformed."""
    whole = text(Version.V2, "broadcast", {"payload": {"seq": 1}})
    comma = whole.index(b",")
    assert found(Version.V2, whole[:comma], whole[comma + 1 :], whole, whole)[:2] == [None, None]


@pytest.mark.parametrize("version", VERSIONS)
def test_events_of_a_channels_life_are_known_by_name(version: Version) -> None:
    """The reader of them finds what it needs in the frame itself."""
    texts = [text(version, event, {"status": "ok", "response": {}}) for event in ("phx_reply", "system", "unheard of")]
    assert [item and item[1] for item in found(version, *texts)] == ["phx_reply", "system", "unheard of"]


def test_binary_broadcasts_begin_with_their_number() -> None:
    """Bytes as `STAMP` packs them, or JSON; what is shorter has none."""
    reader = NumberedReader(Version.V2)
    raw = BinaryBroadcast("realtime:room", "m", STAMP.pack(7, 1.5) + b"rest")
    packed = BinaryBroadcast("realtime:room", "m", json.dumps({"seq": 7, "due": 1.5}).encode(), Encoding.JSON)
    for message in (raw, packed):
        item = reader.read_binary(encode_binary(message))
        assert item is not None and (item.topic, item.event) == ("realtime:room", "broadcast")
        assert (stamps([item])[0].seq, stamps([item])[0].due) == (7, 1.5)
    short = reader.read_binary(encode_binary(BinaryBroadcast("realtime:room", "m", b"short")))
    assert stamps([short])[0].seq == UNNUMBERED
    assert reader.read_binary(b"\x09nonsense") is None
