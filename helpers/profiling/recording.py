"""What one run of a measurement left behind, as frozen data that can be pooled, compared and saved."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from helpers.profiling.harness import Harness
from helpers.profiling.histogram import Counts, Histogram
from helpers.profiling.ledger import Ledger
from helpers.profiling.statistics import wilson

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NO_SAMPLES", "Phase", "Recording", "Stream"]

NO_SAMPLES = "no samples: nothing that was due arrived, so there is no latency"

#: What the tidy frame holds of a latency.
PERCENTILES = (50.0, 95.0, 99.0, 99.9)

#: name, value, 95 % interval, size of the sample
Figure = tuple[str, float, float, float, int]


@dataclass(frozen=True, slots=True)
class Stream:
    """One channel on one socket.

    Attributes:
        received: messages, repeated ones included. distinct: without these.
    """

    socket: str
    channel: str
    received: int
    distinct: int
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of what took time, by itself."""

    name: str
    took: Counts


@dataclass(frozen=True, slots=True)
class Recording:
    """One run.

    Attributes:
        label: the arm of the experiment. run: its number among the runs of this arm.
        seconds: how long was received.
        sent: messages. expected: what should have arrived, all streams together.
        lost, duplicated, reordered, strays, early: as in `Ledger`.
        payload_bytes: of all messages. wire_bytes: everything that came through the sockets, headers included.
        latency: from due to received, a histogram.
        streams: each channel on each socket.
        harness: how late the harness itself was; None where it was not watched.
        notes: what else a reader must know: who was the limit, what broke, what is missing.
        phases: what else was timed, such as the wait for a poll apart from the processing.
    """

    label: str
    run: int
    seconds: float
    sent: int
    expected: int
    received: int
    lost: int
    duplicated: int
    reordered: int
    strays: int
    early: int
    payload_bytes: int
    wire_bytes: int
    latency: Counts
    streams: tuple[Stream, ...] = ()
    harness: Harness | None = None
    notes: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = ()

    @classmethod
    def of(
        cls,
        ledger: Ledger,
        label: str,
        *,
        seconds: float,
        sent: int,
        wire_bytes: int,
        run: int = 0,
        names: Sequence[tuple[str, str]] = (),
        harness: Harness | None = None,
        notes: Sequence[str] = (),
    ) -> Recording:
        """The figures of a ledger.

        Args:
            sent: how many of the planned messages were sent; the others are not expected.
            names: of socket and channel of each stream; by default they are numbered, a socket each.
        """
        expected = ledger.streams * sent
        return cls(
            label=label,
            run=run,
            seconds=seconds,
            sent=sent,
            expected=expected,
            received=ledger.received,
            lost=expected - ledger.distinct,
            duplicated=ledger.duplicated,
            reordered=ledger.reordered,
            strays=ledger.strays,
            early=ledger.early,
            payload_bytes=ledger.payload_bytes,
            wire_bytes=wire_bytes,
            latency=ledger.latency.counts(),
            streams=_streams(ledger, names),
            harness=harness,
            notes=(*notes, *_own_notes(ledger)),
        )

    @property
    def histogram(self) -> Histogram:
        """The latency, to ask for percentiles, or to add to others."""
        return Histogram.merged([self.latency])

    def latency_ms(self, percent: float) -> float:
        """A percentile of the latency; NaN if there is none."""
        return 1e3 * self.histogram.percentile_s(percent)

    def phase(self, name: str) -> Histogram | None:
        """How long a part took; None if it was not timed."""
        return next((Histogram.merged([phase.took]) for phase in self.phases if phase.name == name), None)

    @property
    def throughput_per_s(self) -> float:
        """Messages received a second, all streams together."""
        return self.received / self.seconds if self.seconds > 0 else math.nan

    def to_frame(self) -> pd.DataFrame:
        """Tidy: one row for each figure, with its interval where it has one, and the size of its sample."""
        import pandas as pd

        columns = ["metric", "value", "low", "high", "n"]
        frame = pd.DataFrame([*self._shares(), *self._rates(), *self._latencies()], columns=columns)
        frame.insert(0, "run", self.run)
        frame.insert(0, "label", self.label)
        return frame

    def streams_frame(self) -> pd.DataFrame:
        """One row for each channel on each socket, with its throughput."""
        import pandas as pd

        seconds = self.seconds if self.seconds > 0 else math.nan
        return pd.DataFrame(
            {
                "label": self.label,
                "run": self.run,
                "socket": stream.socket,
                "channel": stream.channel,
                "received": stream.received,
                "distinct": stream.distinct,
                "messages_per_s": stream.received / seconds,
                "payload_bytes_per_s": stream.payload_bytes / seconds,
            }
            for stream in self.streams
        )

    def phases_frame(self) -> pd.DataFrame:
        """One row for each part that was timed."""
        import pandas as pd

        timed = [(phase.name, Histogram.merged([phase.took])) for phase in self.phases]
        return pd.DataFrame(
            {
                "label": self.label,
                "run": self.run,
                "phase": name,
                "n": took.count,
                "mean_ms": 1e3 * took.mean_s,
                "p50_ms": 1e3 * took.percentile_s(50),
                "p99_ms": 1e3 * took.percentile_s(99),
            }
            for name, took in timed
        )

    def throughput_frame(self, by: Literal["socket", "channel"]) -> pd.DataFrame:
        """One row for each socket, or for each channel, with the throughput of its streams together."""
        figures = ["received", "distinct", "messages_per_s", "payload_bytes_per_s"]
        return self.streams_frame().groupby(["label", "run", by], sort=False)[figures].sum().reset_index()

    def _shares(self) -> Iterator[Figure]:
        """Counts as shares of what was expected, with Wilson's interval."""
        yield "expected", self.expected, math.nan, math.nan, self.expected
        yield "received", self.received, math.nan, math.nan, self.expected
        counts = {"lost": self.lost, "duplicated": self.duplicated, "reordered": self.reordered}
        for name, count in counts.items():
            yield name, count, math.nan, math.nan, self.expected
            if self.expected and 0 <= count <= self.expected:
                low, high = wilson(count, self.expected)
                yield f"{name}_percent", 100 * count / self.expected, 100 * low, 100 * high, self.expected

    def _rates(self) -> Iterator[Figure]:
        yield "messages_per_s", self.throughput_per_s, math.nan, math.nan, self.received
        yield "payload_bytes", self.payload_bytes, math.nan, math.nan, self.received
        yield "wire_bytes", self.wire_bytes, math.nan, math.nan, self.received

    def _latencies(self) -> Iterator[Figure]:
        histogram = self.histogram
        for percent in PERCENTILES if histogram.count else ():
            low, high = histogram.interval_s(percent)
            value = 1e3 * histogram.percentile_s(percent)
            yield f"latency_p{percent:g}_ms", value, 1e3 * low, 1e3 * high, histogram.count
        if histogram.count:
            yield "latency_max_ms", 1e3 * histogram.max_s, math.nan, math.nan, histogram.count


def _streams(ledger: Ledger, names: Sequence[tuple[str, str]]) -> tuple[Stream, ...]:
    named = names or [(str(number), str(number)) for number in range(ledger.streams)]
    figures = np.stack((ledger.received_per_stream(), ledger.per_stream(), ledger.bytes_per_stream()), axis=1)
    rows = zip(named, figures.tolist(), strict=True)
    return tuple(Stream(socket, channel, *counts) for (socket, channel), counts in rows)


def _own_notes(ledger: Ledger) -> Iterator[str]:
    if ledger.latency.count == 0:
        yield NO_SAMPLES
    if ledger.early:
        yield (
            f"{ledger.early} messages came before they were due: the clocks of sender and receiver differ, "
            "or one went back; the latency cannot be trusted"
        )
