"""The codec: every recorded frame is read and written again, and nothing else gets in."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.wire.frames import (
    BinaryBroadcast,
    BinaryPush,
    Encoding,
    Frame,
    MalformedFrame,
    Message,
    Version,
    decode,
    decode_binary,
    decode_exact,
    decode_text,
    encode,
    encode_text,
    peek,
)
from tests.wire.recordings import Recorded, recorded

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
refs = st.none() | st.text(max_size=20)
names = st.text(max_size=60)
versions = st.sampled_from(Version)


def is_malformed(message: Recorded) -> bool:
    try:
        decode(message.data, message.version)
    except MalformedFrame:
        return True
    return False


def exact_json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def test_every_recorded_frame_becomes_the_same_value_again() -> None:
    """What a genuine server and its client said survives reading and writing, in both versions, text and binary."""
    checked = 0
    for message in recorded():
        if is_malformed(message):
            continue
        frame = decode(message.data, message.version)
        again = encode(frame, message.version)
        assert type(again) is type(message.data), str(message)
        assert decode(again, message.version) == frame, str(message)
        checked += 1
    assert checked > 2500


def test_recorded_text_is_written_as_the_same_json() -> None:
    """Not only our own reading of a text frame is kept, but each key and each value (elements too many excepted)."""
    for message in recorded():
        if isinstance(message.data, str) and not is_malformed(message):
            original = exact_json(message.data)
            again = exact_json(str(encode(peek(message.data, message.version), message.version)))
            assert again == (original[:5] if isinstance(original, list) else original), str(message)


def test_recorded_binary_frames_are_written_byte_for_byte() -> None:
    """Lengths, order and metadata of binary frames are the server's; encoding 2 it takes for JSON, and so do we."""
    binary = [message for message in recorded("*.v2.jsonl") if isinstance(message.data, bytes)]
    written = {
        str(message): encode(decode_binary(message.data), Version.V2) for message in binary if not is_malformed(message)
    }
    different = [message for message in binary if str(message) in written and written[str(message)] != message.data]
    assert len(written) > 25
    assert [message.data[6] for message in different if isinstance(message.data, bytes)] == [2]


def test_what_the_server_ignored_is_malformed() -> None:
    """The frames that the genuine server did not answer are exactly those that are refused here."""
    refused = {(m.file, m.data) for m in recorded("malformed.*") if is_malformed(m)}
    answered = {'[null,"1","phoenix","heartbeat",{},1,2]', '[null,"1",5,"heartbeat",{}]'}
    sent = {(m.file, m.data) for m in recorded("malformed.v2.jsonl") if not m.from_server}
    heartbeats = {data for _, data in sent if isinstance(data, str) and '"after"' in data}
    accepted = {data for file, data in sent if (file, data) not in refused} - heartbeats
    assert accepted == answered | {'["1","1","phoenix","heartbeat",{}]'}
    assert ("malformed.v1.jsonl", '{"topic":"phoenix","event":"heartbeat","ref":"1"}') in refused


@given(st.text() | st.binary(), versions)
def test_arbitrary_input_is_a_frame_or_malformed(data: str | bytes, version: Version) -> None:
    """Whatever arrives, decoding raises MalformedFrame or nothing."""
    try:
        decode(data, version)
    except MalformedFrame as error:
        assert error.reason


@given(json_values, versions)
def test_arbitrary_json_is_a_frame_or_malformed(value: Any, version: Version) -> None:
    """Valid JSON of any shape does not get past the shape of a frame."""
    text = json.dumps(value)
    try:
        frame = decode(text, version)
    except MalformedFrame:
        return
    assert isinstance(value, list) and len(value) >= 5 if version is Version.V2 else isinstance(value, dict)
    assert isinstance(frame, Frame)


@given(st.builds(Frame, names, names, json_values, refs, refs), versions)
def test_a_frame_survives_the_wire(frame: Frame, version: Version) -> None:
    """Any topic, event, JSON payload and refs arrive as they were sent."""
    assert decode(encode(frame, version), version) == frame


binary_pushes = st.builds(
    BinaryPush,
    names,
    names,
    st.binary(),
    st.sampled_from(Encoding),
    st.none() | st.text(min_size=1, max_size=20),
    st.none() | st.text(min_size=1, max_size=20),
    st.dictionaries(st.text(max_size=5), st.integers(0, 9), max_size=2),
)
binary_broadcasts = st.builds(BinaryBroadcast, names, names, st.binary(), st.sampled_from(Encoding))


@given(binary_pushes | binary_broadcasts)
def test_a_binary_frame_survives_the_wire(message: Message) -> None:
    """Any topic, event, metadata and bytes arrive as they were sent."""
    assert decode(encode(message, Version.V2), Version.V2) == message


@given(binary_pushes, st.data())
def test_a_truncated_binary_frame_is_malformed_or_shorter(message: BinaryPush, data: st.DataObject) -> None:
    """A binary frame cut anywhere before its payload is refused, never misread."""
    whole = encode(message, Version.V2)
    assert isinstance(whole, bytes)
    cut = data.draw(st.integers(0, len(whole) - len(message.payload) - 1))
    with pytest.raises(MalformedFrame):
        decode(whole[:cut], Version.V2)


def test_a_field_too_long_for_a_binary_frame_is_refused() -> None:
    """The length of a field is one byte; 256 bytes of topic cannot be sent."""
    with pytest.raises(MalformedFrame, match="255 bytes"):
        encode(BinaryPush("t" * 256, "e", b""), Version.V2)


def test_version_1_has_no_binary_frames() -> None:
    """Bytes mean nothing in version 1.0.0, in either direction."""
    with pytest.raises(MalformedFrame, match=r"1\.0\.0"):
        decode(b"\x04\x00\x00\x00\x00", Version.V1)
    with pytest.raises(MalformedFrame, match=r"1\.0\.0"):
        encode(BinaryBroadcast("t", "e", b""), Version.V1)


@pytest.mark.parametrize("payload", [object(), {"a": {1, 2}}, "\ud800"])
def test_what_has_no_json_form_is_refused(payload: object) -> None:
    """A payload that JSON cannot hold is refused by name, before anything is sent."""
    if isinstance(payload, dict):
        payload = {"a": object()}
    with pytest.raises(MalformedFrame, match="no JSON form"):
        encode(Frame("t", "e", payload), Version.V2)


def test_deep_nesting_is_malformed() -> None:
    """Brackets without end exhaust nobody's stack."""
    with pytest.raises(MalformedFrame, match="nested too deeply"):
        decode('["1","1","t","e",' + "[" * 100_000, Version.V2)


def test_integers_keep_all_digits() -> None:
    """int8 and whole numerics beyond 2**53 and 2**64 arrive as they are, unlike in JavaScript."""
    frame = decode_text('[null,null,"t","e",[9007199254740993,123456789012345678901234567890]]', Version.V2)
    assert frame.payload == [9007199254740993, 123456789012345678901234567890]


def test_fractions_are_floats_unless_exactness_is_asked_for() -> None:
    """A payload's 1.50 is the float 1.5; decode_exact gives the digits."""
    text = '[null,null,"t","e",1.50]'
    assert type(decode_text(text, Version.V2).payload) is float
    exact = decode_exact(bytes(peek(text, Version.V2).payload))
    assert (exact, str(exact)) == (Decimal("1.50"), "1.50")


def test_a_number_beyond_double_is_kept_as_decimal() -> None:
    """A numeric that no float can hold does not cost the frame."""
    assert decode_text('[null,null,"t","e",1e400]', Version.V2).payload == Decimal("1e400")


def test_a_raw_payload_travels_as_it_is() -> None:
    """JSON that is encoded already, such as a change for a hundred receivers, is not encoded again."""
    payload = {"ids": [1], "data": msgspec.Raw(b'{"n": 1.50}')}
    assert encode_text(Frame("t", "e", payload), Version.V2) == b'[null,null,"t","e",{"ids":[1],"data":{"n": 1.50}}]'


def test_version_1_leaves_out_an_absent_join_ref() -> None:
    """Servers never send join_ref in version 1.0.0, while ref is there even when it is null."""
    assert json.loads(encode_text(Frame("t", "e", {}), Version.V1)) == {
        "ref": None,
        "event": "e",
        "payload": {},
        "topic": "t",
    }
