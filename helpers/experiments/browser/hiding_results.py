"""What hidden and frozen tabs did: heartbeats, timers, and the connection."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from helpers.experiments.experiment import Estimate, estimate

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Pulse", "PulseStudy", "TabKind"]


@dataclass(frozen=True, slots=True)
class TabKind:
    """What is done to a tab.

    Attributes:
        hidden: another tab comes before it. frozen: and the browser stops it.
        worker: whether the client was made with ``worker: true``.
        loses_line: whether its connection is cut meanwhile; a new one would be accepted at once.
    """

    hidden: bool = False
    frozen: bool = False
    worker: bool = False
    loses_line: bool = False

    @property
    def name(self) -> str:
        where = "frozen" if self.frozen else "hidden" if self.hidden else "in front"
        return where + ", worker" * self.worker + ", connection cut" * self.loses_line


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a tab did while it was watched; times are seconds since then.

    Attributes:
        beats: heartbeats that left the tab. ticks: of a plain interval of the same length, in the page.
        open: from when to when it was connected. watched_s: for how long.
        believed: the state of the channel at the end, as the page's client had it.
        back_s: after the tab was in front again, until the channel was joined; 0 if it was all the time, None if it
            was not joined within the patience of the experiment.
    """

    kind: TabKind
    beats: tuple[float, ...]
    ticks: tuple[float, ...]
    open: tuple[tuple[float, float], ...]
    watched_s: float
    believed: str
    back_s: float | None

    @property
    def interval(self) -> Estimate:
        """Between two heartbeats: mean and 95 % interval."""
        return estimate([later - earlier for earlier, later in pairwise(self.beats)])

    @property
    def silence_s(self) -> float:
        """The longest time without a heartbeat."""
        return _longest(self.beats, self.watched_s)

    @property
    def timer_silence_s(self) -> float:
        """The longest time without the plain interval."""
        return _longest(self.ticks, self.watched_s)

    @property
    def connected_s(self) -> float:
        return sum(end - begin for begin, end in self.open)

    @property
    def lost_s(self) -> float | None:
        """When the first connection ended; None if it did not."""
        return self.open[0][1] if self.open and self.open[0][1] < self.watched_s else None


@dataclass(frozen=True, slots=True)
class PulseStudy:
    """All tabs, and what they say; none where there is no browser.

    Attributes:
        heartbeat_s: asked for. idle_s: after which the server closes a silent connection, at least.
        answer: computed from the tabs.
    """

    question: str
    taken_at: str
    size: str
    seconds: float
    heartbeat_s: float
    idle_s: float
    pulses: tuple[Pulse, ...] = ()
    answer: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def pulse(self, **kind: bool) -> Pulse:
        """That of a tab: `pulse(hidden=True, worker=True)`.

        Raises:
            KeyError: there was none.
        """
        for pulse in self.pulses:
            if pulse.kind == TabKind(**kind):
                return pulse
        raise KeyError(TabKind(**kind).name)

    def to_frame(self) -> pd.DataFrame:
        """One row for each tab, in seconds."""
        import pandas as pd

        rows = [
            (pulse.kind.name, len(pulse.beats), pulse.interval.mean, pulse.interval.low, pulse.interval.high,
             pulse.silence_s, pulse.timer_silence_s, pulse.connected_s, pulse.watched_s, pulse.believed, pulse.back_s)
            for pulse in self.pulses
        ]  # fmt: skip
        columns = ["tab", "heartbeats", "interval_s", "low", "high", "silence_s", "timer_silence_s", "connected_s",
                   "watched_s", "believed", "back_s"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    def table(self) -> pd.DataFrame:
        """For people."""
        import pandas as pd

        columns = ["heartbeat every", "longest silence", "a plain timer's", "connected", "the page believes",
                   "in front again, joined after"]  # fmt: skip
        index = pd.Index([pulse.kind.name for pulse in self.pulses], name="tab")
        return pd.DataFrame([self._cells(pulse) for pulse in self.pulses], index=index, columns=columns)

    def __str__(self) -> str:
        notes = (f"Note: {note}" for note in self.notes)
        return "\n".join([self.question, "", self.table().to_string(), "", self.answer, *notes, self.provenance])

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f"<p><strong>{html.escape(self.question)}</strong></p>{self.table().to_html()}"
            f"<p><strong>{html.escape(self.answer).replace(chr(10), '<br>')}</strong></p>"
            + (f"<p>Notes</p><ul>{notes}</ul>" * bool(notes))
            + f"<p><small>{html.escape(self.provenance)}</small></p>"
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))

    @property
    def provenance(self) -> str:
        """Where the numbers are from."""
        return f"hidden tabs, size {self.size}: a lab of their own, {self.taken_at}, {self.seconds:.0f} s"

    def _cells(self, pulse: Pulse) -> Iterator[str]:
        yield _interval(pulse.interval)
        yield f"{pulse.silence_s:.1f} s"
        yield f"{pulse.timer_silence_s:.1f} s"
        yield f"{pulse.connected_s:.0f} of {pulse.watched_s:.0f} s"
        yield pulse.believed
        yield (
            "not within patience" if pulse.back_s is None else f"{pulse.back_s:.1f} s" if pulse.back_s else "never left"
        )


def _interval(found: Estimate) -> str:
    if found.n == 0:
        return "none seen"
    spread = f" ({found.low:.2f} to {found.high:.2f})" if found.n > 1 else ""
    return f"{found.mean:.2f} s{spread}, n = {found.n}"


def _longest(moments: Sequence[float], until: float) -> float:
    """Between any two, and from the beginning and to the end."""
    return max(later - earlier for earlier, later in pairwise((0.0, *moments, until)))
