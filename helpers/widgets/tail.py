"""What arrives on a channel, as it arrives: to be filtered and held."""

from __future__ import annotations

import html
import json
from collections import deque
from typing import Any

from helpers.client import Channel
from helpers.widgets.panel import Panel, row
from helpers.wire.events import Broadcast, Change, Event, PresenceDiff, PresenceState

__all__ = ["EventTail"]

#: Between two pictures: a person reads no faster, and a burst costs one picture.
LOOK_S = 0.25
#: Events that are kept and shown, and characters of each.
KEPT, SHOWN, WIDE = 500, 15, 160
#: A line for each event, with its columns below each other.
_LINES = "font-family:monospace;list-style:none;padding:0;white-space:pre"


class EventTail(Panel):
    """The latest events of a channel, newest first, with a filter and a pause.

    Args:
        channel: whose; events are taken beside whoever else reads them.

    Attributes:
        filter: a text box; only events that contain its text are shown, whatever their case.
        pause: a toggle; what arrives meanwhile is kept, the 500 latest.
    """

    def __init__(self, channel: Channel) -> None:
        import ipywidgets as widgets

        super().__init__()
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._count = 0
        self._shown_count = -1
        self.filter = widgets.Text(
            placeholder="text that an event holds", description="only", tooltip="Whatever its case"
        )
        self.pause = widgets.ToggleButton(description="pause", tooltip="Hold the picture; what arrives is kept")
        self.filter.observe(lambda _: self._redraw(), names="value")
        self.pause.observe(lambda _: self._redraw(), names="value")
        self.widget = widgets.VBox([row(self.filter, self.pause), self._view])
        self._end = channel.on_event(self._take)
        self._start(self._look(LOOK_S))

    def close(self) -> None:
        super().close()
        self._end()

    def refresh(self) -> None:
        """Draw, if there is something new to be seen."""
        if not self.pause.value and self._count != self._shown_count:
            self._shown_count = self._count
            super().refresh()

    def __str__(self) -> str:
        return "\n".join([f"{self._count:,} events", *self._chosen()])

    def _take(self, event: Event) -> None:
        self._count += 1
        self._lines.append(_line(event))

    def _redraw(self) -> None:
        self._shown_count = -1
        self.refresh()

    def _chosen(self) -> list[str]:
        wanted = self.filter.value.lower()
        return [line for line in reversed(self._lines) if wanted in line.lower()][:SHOWN]

    def _html(self) -> str:
        lines = "".join(f"<li>{html.escape(line)}</li>" for line in self._chosen())
        return f'<p>{self._count:,} events</p><ol style="{_LINES}">{lines}</ol>'


def _line(event: Event) -> str:
    """An event in a line: its kind, its size and the beginning of what it holds."""
    words = f"{_kind(event):<24} {event.size_bytes:>7,} B  {_content(event)}"
    return words if len(words) <= WIDE else f"{words[: WIDE - 1]}…"


def _kind(event: Event) -> str:
    match event:
        case Change():
            return f"{event.type} {event.schema}.{event.table}"
        case Broadcast():
            return f"broadcast {event.event}"
        case _:
            return type(event).__name__.lower()


def _content(event: Event) -> str:
    content: Any
    match event:
        case Change():
            content = event.record or event.old_record
        case Broadcast():
            content = event.payload
        case PresenceState():
            content = event.state
        case PresenceDiff():
            content = {"joins": event.joins, "leaves": event.leaves}
        case _:
            content = str(event)
    return json.dumps(content, ensure_ascii=False, default=str)
