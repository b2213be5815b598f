"""Holds what came back against what was recorded, connection by connection."""

from __future__ import annotations

import base64
import difflib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from helpers.lab.conformance.plan import SAMPLED
from helpers.lab.conformance.recording import Recording, Row
from helpers.lab.conformance.volatile import Names, comparable

__all__ = ["Difference", "compare", "frames"]

#: Messages that the genuine server's other processes send; their order among the replies of a channel is chance.
_FANNED_OUT = ("broadcast", "presence_diff", "postgres_changes", "INSERT", "UPDATE", "DELETE")
#: Messages from the past. Rows of one transaction have one time, so their order is chance, and their ids' with it.
_REPLAYED = "replayed"
#: Messages whose moment a rule of the server decides; an answer that took this much longer or shorter is a difference.
_TIMED = ("phx_reply", "phx_close", "system")
_SLACK_MS, _SLACK = 1000.0, 0.15
#: A subscription to changes is confirmed about 4 ms after its join. A client that has closed by then may have heard of
#: it or not, as either was quicker.
_CONFIRMED, _HURRY_MS = "Subscribed to PostgreSQL", 10.0
_UUID_NUMBER = re.compile(r"<uuid \d+>")
_NUMBERS = re.compile(r'(?<="i": )\d+|"\d{4,5}"')


@dataclass(frozen=True, slots=True)
class Difference:
    """What was recorded and what came instead; one of them is None when a message is missing or too many."""

    recording: str
    conn: str
    recorded: str | None
    observed: str | None

    def __str__(self) -> str:
        signs = (("-", self.recorded), ("+", self.observed))
        return "\n".join(f"  {self.conn} {sign} {text[:1500]}" for sign, text in signs if text is not None)


@dataclass(frozen=True, slots=True)
class _Event:
    """Something that came back; `delay_ms` after what caused it, where that is the server's decision."""

    conn: str
    stream: str
    text: str
    delay_ms: float | None


def frames(recording: Recording) -> int:
    """How much of a recording is compared."""
    return len(_events(recording.rows, sampled=False))


def compare(recording: Recording, rows: Sequence[Row]) -> list[Difference]:
    """All differences between a recording and a replay of it."""
    sampled = recording.scenario in SAMPLED
    wanted, came = _streams(_events(recording.rows, sampled)), _streams(_events(rows, sampled))
    for conn in _in_a_hurry(recording.rows):
        for streams in (wanted, came):
            _drop_last_confirmation(streams.get((conn, "channel"), []))
    return [
        Difference(str(recording), conn, *pair)
        for conn, stream in sorted(wanted | came)
        for pair in _unequal(wanted.get((conn, stream), []), came.get((conn, stream), []))
    ]


def _streams(events: list[_Event]) -> dict[tuple[str, str], list[_Event]]:
    streams: dict[tuple[str, str], list[_Event]] = {}
    for event in events:
        streams.setdefault((event.conn, event.stream), []).append(event)
    for (_, stream), members in streams.items():
        if stream == _REPLAYED:
            members.sort(key=lambda event: event.text)
    return streams


def _in_a_hurry(rows: Sequence[Row]) -> Iterator[str]:
    """Connections that the client closed right after a join."""
    joined_ms: dict[str, float] = {}
    for row in rows:
        if row["dir"] == "out" and "phx_join" in row.get("data", ""):
            joined_ms[row["conn"]] = row["t_ms"]
        elif row["dir"] == "close" and row["t_ms"] - joined_ms.get(row["conn"], float("-inf")) < _HURRY_MS:
            yield row["conn"]


def _drop_last_confirmation(events: list[_Event]) -> None:
    if events and _CONFIRMED in events[-1].text:
        events.pop()


def _unequal(wanted: list[_Event], came: list[_Event]) -> Iterator[tuple[str | None, str | None]]:
    """Messages that are not the same, or were not in the same order; and those at quite another time."""
    texts = [event.text for event in wanted], [event.text for event in came]
    for tag, i, i_end, j, j_end in difflib.SequenceMatcher(None, *texts, autojunk=False).get_opcodes():
        if tag == "equal":
            for left, right in zip(wanted[i:i_end], came[j:j_end], strict=True):
                if _out_of_time(left, right):
                    yield f"{left.text} after {left.delay_ms:.0f} ms", f"{right.text} after {right.delay_ms:.0f} ms"
            continue
        for at in range(max(i_end - i, j_end - j)):
            yield (texts[0][i + at] if i + at < i_end else None, texts[1][j + at] if j + at < j_end else None)


def _out_of_time(left: _Event, right: _Event) -> bool:
    if left.delay_ms is None or right.delay_ms is None:
        return False
    return abs(left.delay_ms - right.delay_ms) > max(_SLACK_MS, _SLACK * left.delay_ms)


def _events(rows: Sequence[Row], sampled: bool) -> list[_Event]:
    reader = _Reader()
    events = [event for row in rows if (event := reader.read(row)) is not None]
    return list(_thinned(events)) if sampled else events


def _thinned(events: list[_Event]) -> Iterator[_Event]:
    """Many messages that differ only in their number become one; a late one's delay says nothing."""
    last: dict[tuple[str, str], str] = {}
    for event in events:
        text = _NUMBERS.sub("<n>", event.text)
        if last.get((event.conn, event.stream)) != text:
            last[event.conn, event.stream] = text
            yield _Event(event.conn, event.stream, text, None if "<n>" in text else event.delay_ms)


class _Reader:
    """Turns rows into events, of which each knows how long it took."""

    def __init__(self) -> None:
        self._names: dict[str, Names] = {}
        self._last_ms: dict[str, float] = {}
        self._sent_ms: dict[tuple[str, str], float] = {}
        self._out_ms: dict[str, float] = {}

    def read(self, row: Row) -> _Event | None:
        conn = row.get("conn", "http")
        event = self._event(row, conn, self._names.setdefault(conn, Names()))
        self._last_ms[conn] = row["t_ms"]
        if row["dir"] == "out":
            self._out_ms[conn] = row["t_ms"]
            self._sent_ms[conn, _ref(_message(row["data"]) if row["op"] == "text" else None)] = row["t_ms"]
        return event

    def _event(self, row: Row, conn: str, names: Names) -> _Event | None:
        kind = row["dir"]
        if kind == "in":
            return self._frame(row, conn, names)
        if kind == "open":
            return _Event(conn, "socket", "open", None)
        if kind == "closed":
            code = row["rcvd_code"]
            return _Event(conn, "socket", f"closed {code}", row["t_ms"] - self._last_ms[conn] if code else None)
        if kind == "handshake-error":
            return _Event(conn, "socket", f"refused {_refusal(row)}", row.get("took_ms"))
        if kind == "pong" or row.get("text") == "pong received":
            return _Event("ping", "socket", "pong", None)
        if kind == "http":
            return _Event(conn, "http", f"{row['method']} {row['path']}: {_answer(row, names)}", row.get("took_ms"))
        return _Event("sql", "sql", comparable(row["text"], names), None) if kind == "sql-error" else None

    def _frame(self, row: Row, conn: str, names: Names) -> _Event:
        if row["op"] == "bin":
            text = base64.b64decode(row["b64"]).decode("latin-1")
            return _Event(conn, "fan-out", "binary " + comparable(text, names), None)
        message, text = _message(row["data"]), comparable(row["data"], names)
        event = _part(message, 3, "event")
        if '"replayed": true' in text:
            return _Event(conn, _REPLAYED, _UUID_NUMBER.sub("<uuid>", text), None)
        if event in _FANNED_OUT:
            return _Event(conn, "fan-out", text, None)
        return _Event(conn, "channel", text, self._delay(row, conn, event, message))

    def _delay(self, row: Row, conn: str, event: Any, message: Any) -> float | None:
        """Since the message that is answered, or else since the last one; a subscription takes its time."""
        if event not in _TIMED or _CONFIRMED in row["data"]:
            return None
        caused_ms = self._sent_ms.get((conn, _ref(message))) if event == "phx_reply" else self._out_ms.get(conn)
        return None if caused_ms is None else float(row["t_ms"] - caused_ms)


def _message(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _part(message: Any, position: int, name: str) -> Any:
    """A part of a message in either version."""
    if isinstance(message, list):
        return message[position] if len(message) > position else None
    return message.get(name) if isinstance(message, dict) else None


def _ref(message: Any) -> str:
    return str(_part(message, 1, "ref"))


def _refusal(row: Row) -> str:
    if "status" not in row:
        return "the connection"
    return f"{row['status']} {row['headers'].get('content-type', '')} {row['body']}"


def _answer(row: Row, names: Names) -> str:
    """Of the headers, the type of the body and the quota are the server's own."""
    headers = {name.lower(): value for name, value in (row.get("resp_headers") or {}).items()}
    body = comparable(row["body"], names) if row.get("body") else ""
    kept = [headers.get(name, "") for name in ("content-type", "x-rate-limit")] if "resp_headers" in row else []
    return " ".join((str(row["status"]), *kept, body))
