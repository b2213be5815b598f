"""A watch as text for the shell, as a plain HTML table for a notebook, and as a table of its seconds."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from helpers.diagnosis.evidence.watch import Committed, Drop, Subscribed, TableSeen, TopicSeen, Watched

__all__ = ["as_frame", "as_html", "as_text"]

#: Of many drops and errors, so many are shown.
MOST_SHOWN = 8
COLUMNS = ["at_s", "changes", "broadcasts", "errors", "connected"]


def as_text(watched: Watched) -> str:
    """One sentence, then a line for each thing that was counted."""
    width = max(len(name) for name, _ in _rows(watched))
    return "\n".join([_headline(watched), *(f"  {name:<{width}}  {value}" for name, value in _rows(watched))])


def as_html(watched: Watched) -> str:
    """The same as a table, escaped, without styles that a plain front end would need."""
    left = 'style="text-align:left;vertical-align:top"'
    rows = "".join(
        f"<tr><th {left}>{escape(name)}</th><td {left}>{escape(value)}</td></tr>" for name, value in _rows(watched)
    )
    return f"<p><strong>{escape(_headline(watched))}</strong></p><table><tbody>{rows}</tbody></table>"


def as_frame(watched: Watched) -> pd.DataFrame:
    """One row for each stretch of time."""
    import pandas as pd

    rows = [[getattr(stretch, name) for name in COLUMNS] for stretch in watched.timeline]
    return pd.DataFrame(rows, columns=COLUMNS)


def _headline(watched: Watched) -> str:
    stopped = " (interrupted)" if watched.interrupted else ""
    losses = f"{watched.drop_count} connections lost" if watched.drop_count else "no connection lost"
    missed = f", {watched.missed} missed" if watched.missed else ""
    return (
        f"Watched as {watched.role} for {watched.lasted_s:.1f} s{stopped}: {watched.events} events, "
        f"{watched.busiest_per_s:.1f}/s at most, {losses}{missed}"
    )


def _rows(watched: Watched) -> Iterator[tuple[str, str]]:
    yield "heartbeats", _heartbeats(watched)
    for drop in watched.drops[-MOST_SHOWN:]:
        yield f"lost at {drop.at_s:.1f} s", _drop(drop)
    for channel in watched.subscriptions:
        yield f"channel {channel.name}", _channel(channel)
    for table in watched.tables:
        yield str(table.name), _table(table)
    for topic in watched.topics:
        yield f"topic {topic.name}", _topic(topic)
    for committed in watched.committed:
        yield f"committed to {committed.table}", _committed(committed)
    if watched.not_compared:
        yield "database", f"not compared, because {watched.not_compared}"
    for error in watched.errors[:MOST_SHOWN]:
        yield f"error {error.kind}", f"{error.where}: {error.message} ({error.count}×, first at {error.first_s:.1f} s)"


def _heartbeats(watched: Watched) -> str:
    beats = watched.heartbeats
    if not beats.sent:
        return f"none was due (every {beats.interval_s:g} s)"
    text = f"{beats.answered} of {beats.sent} answered, longest gap {beats.longest_gap_s:.1f} s"
    if not beats.round_trips_ms:
        return text
    return f"{text}, round trip {statistics.median(beats.round_trips_ms):.1f} ms (median)"


def _drop(drop: Drop) -> str:
    back = "not back in the watch" if drop.away_s is None else f"back after {drop.away_s:.1f} s"
    return f"{drop.reason}; after {drop.lasted_s:.1f} s, silent for {drop.silent_s:.1f} s; {back}"


def _channel(channel: Subscribed) -> str:
    text = f"{channel.joins} joins, {channel.refused} refused"
    if channel.gaps_ms:
        text += f", changes delivered {statistics.median(channel.gaps_ms):.1f} ms after SUBSCRIBED (median)"
    return text if channel.closed_at_s is None else f"{text}, closed by the server at {channel.closed_at_s:.1f} s"


def _table(table: TableSeen) -> str:
    text = f"{table.arrived}; {table.duplicates} twice, {table.reordered} out of order"
    errors = "".join(f"; {count}× {error}" for error, count in table.errors)
    return f"{text}, quiet for {table.longest_quiet_s:.1f} s at most{errors}"


def _topic(topic: TopicSeen) -> str:
    text = f"{topic.broadcasts} broadcasts; {topic.duplicates} twice, {topic.reordered} late, {topic.skipped} skipped"
    return text if topic.missed is None else f"{text}; {topic.missed} of {topic.committed} of the database's missed"


def _committed(committed: Committed) -> str:
    parts = []
    if committed.changed is not None:
        visible = "?" if committed.visible is None else committed.visible
        parts.append(f"{committed.changed} rows, {visible} of them visible")
    if committed.missed is not None:
        parts.append(f"{committed.missed} missed")
    if committed.statistics is not None:
        parts.append(f"statistics: {committed.statistics}")
    if committed.unsure:
        parts.append(committed.unsure)
    return "; ".join(parts)
