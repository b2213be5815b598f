"""The bindings of a join: their ids and the legacy form."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

__all__ = ["binding_id", "legacy_binding"]

_ID_BITS = 27  # as the real server's ids, an `erlang:phash2`


def binding_id(binding: Mapping[str, Any]) -> int:
    """A stable hash of all of a binding's parameters; an integer `id` given by the client wins.

    Equal bindings share their id, extra keys change it, as on the real server.
    """
    given = binding.get("id")
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    text = json.dumps(binding, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return zlib.crc32(text.encode()) & ((1 << _ID_BITS) - 1)


def legacy_binding(sub_topic: str) -> dict[str, str]:
    """The binding of a join without `config`: ``schema[:table[:filter]]`` of the topic after ``realtime:``."""
    names = ("schema", "table", "filter")
    return dict(zip(names, sub_topic.split(":", 2), strict=False))
