"""The ids of bindings, against the recordings and against numbers that the Erlang runtime documents or tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from helpers.lab.changes.phash import phash2
from tests.wire.recordings import recorded


def _recorded_bindings() -> Iterator[dict[str, Any]]:
    for message in recorded():
        if message.from_server and isinstance(message.data, str) and '"phx_reply"' in message.data:
            frame = json.loads(message.data)
            payload = frame[4] if isinstance(frame, list) else frame["payload"]
            yield from payload["response"].get("postgres_changes", ())


def test_recorded_ids() -> None:
    """The id of every binding that the genuine server accepted is the hash of its other parameters."""
    bindings = [dict(binding) for binding in _recorded_bindings()]
    ids = [binding.pop("id") for binding in bindings]
    chosen_by_client = {"event": "*", "schema": "public", "table": "messages", "foo": "bar"}
    pairs = [pair for pair in zip(bindings, ids, strict=True) if pair != (chosen_by_client, 7)]
    assert len(pairs) > 200
    assert [phash2(binding) for binding, _ in pairs] == [number for _, number in pairs]


def test_empty_list() -> None:
    """The empty list has the number that is written into the runtime's source."""
    assert phash2([]) == 3468870702 & (1 << 27) - 1


@pytest.mark.parametrize("size", range(26))
def test_binary_sizes(size: int) -> None:
    """Texts of every length around the blocks of twelve bytes differ from those with one byte changed."""
    text = "abcdefghijklmnopqrstuvwxyz"[:size]
    assert len({phash2(text[:at] + "#" + text[at + 1 :]) for at in range(size)} | {phash2(text)}) == size + 1


def test_kinds() -> None:
    """Values that Python takes for equal, and those of other kinds that look alike, have ids of their own."""
    values = (0, 0.0, False, None, "", [], {}, 1, 1.0, True, "1", [1], -1, 2**27, -(2**27) - 1, 2**70, [[]], {"": []})
    assert len({phash2(value) for value in values}) == len(values)
    assert phash2(-0.0) == phash2(0.0)
    assert phash2({"a": 1, "b": 2}) == phash2({"b": 2, "a": 1})
