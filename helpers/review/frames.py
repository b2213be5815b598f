"""The inventory as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from helpers.review.inventory import Binding, Channel, Text

__all__ = ["bindings_frame"]

COLUMNS = ("file", "line", "component", "topic", "private", "kind", "event", "table", "filter", "removed", "does")


def bindings_frame(channels: Iterable[Channel]) -> pd.DataFrame:
    """One row per binding, and one for each channel without any; see `COLUMNS`."""
    return pd.DataFrame([row for channel in channels for row in _rows(channel)], columns=list(COLUMNS))


def _rows(channel: Channel) -> Iterator[dict[str, Any]]:
    common = {
        "component": channel.where.component,
        "topic": channel.topic.value,
        "private": channel.private,
        "removed": bool(channel.removals),
    }
    for binding in channel.bindings:
        yield {**common, **_row(binding)}
    if not channel.bindings:
        yield {**common, "file": channel.created.path, "line": channel.created.line, "kind": ""}


def _row(binding: Binding) -> dict[str, Any]:
    deeds = binding.handler.deeds if binding.handler is not None else ()
    return {
        "file": binding.place.path,
        "line": binding.place.line,
        "kind": binding.kind,
        "event": binding.event.value,
        "table": _value(binding.table),
        "filter": _value(binding.filter),
        "does": ", ".join(dict.fromkeys(deed.kind for deed in deeds)),
    }


def _value(text: Text | None) -> str:
    return text.value if text is not None else ""
