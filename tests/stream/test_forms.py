"""Every form carries a message there and back, and weighs what it says."""

from __future__ import annotations

import pytest

from helpers.errors import SettingsError
from helpers.stream import Content, Form, Item
from helpers.stream.forms import LEAST_BYTES, MOST_BYTES, bodies, body_of
from helpers.wire.frames import decode_json, encode_json

SIZES = (64, 65, 100, 1_000, 16_384)


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("size", SIZES)
def test_a_message_survives_its_way(form: Form, size: int) -> None:
    """What is packed and unpacked is what it was, number, time, key and body."""
    item = Item(7, 12.345678, 3, body_of(form.content, size))
    payload = form.payload(item)
    text_of_json = form in (Form.JSON_FRAME, Form.BASE64_FRAME)
    assert form.item(decode_json(payload) if text_of_json else payload) == item


@pytest.mark.parametrize("size", SIZES)
def test_a_body_is_as_large_as_asked(size: int) -> None:
    """Records by their JSON text, bytes by themselves; and no two bodies are the same."""
    assert len(encode_json(body_of(Content.RECORDS, size))) == size
    assert len(body_of(Content.BYTES, size)) == size
    several = bodies(Content.BYTES, size)
    assert len(set(several)) == len(several) >= 2


def test_bodies_are_out_of_each_others_sight() -> None:
    """zlib looks back 32 KB: until a body comes again, four times as much has been sent."""
    for size in SIZES:
        assert sum(len(body) for body in bodies(Content.BYTES, size)) >= 4 * 32_768


def test_records_are_smaller_in_message_pack_and_bytes_larger_in_base64() -> None:
    """The two facts that the comparison is about, in numbers that no clock disturbs."""
    records = Item(0, 1.5, 0, body_of(Content.RECORDS, 4_096))
    picture = Item(0, 1.5, 0, body_of(Content.BYTES, 3_000))
    assert len(Form.MESSAGE_PACK.payload(records)) < 0.9 * len(Form.JSON_FRAME.payload(records))
    assert len(Form.BYTES.payload(picture)) == 3_000 + 20
    assert len(Form.BASE64_FRAME.payload(picture)) > 4_000


@pytest.mark.parametrize("size", [0, LEAST_BYTES - 1, MOST_BYTES + 1])
def test_a_body_out_of_bounds_is_refused(size: int) -> None:
    """Before anything is sent."""
    with pytest.raises(SettingsError, match="bytes"):
        body_of(Content.RECORDS, size)
