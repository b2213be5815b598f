"""The results of several listeners as one, in which nobody who is missing is averaged away."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from helpers.profiling.clocks import ONE_CLOCK, Skew
from helpers.profiling.harness import Harness, limits
from helpers.profiling.histogram import Histogram
from helpers.profiling.receiving.received import Received
from helpers.profiling.recording import NO_SAMPLES, Recording, Stream

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Attended", "Gathered", "Sending", "gathered"]

#: Of the frame of members.
COLUMNS = ["member", "joined", "received", "lost", "p50 (ms)", "p99 (ms)", "µs CPU a message", "clock", "missing"]

#: From this share of the median latency on, it is said that a clock is known no better.
UNSURE = 0.1


@dataclass(frozen=True, slots=True)
class Attended:
    """One member of a fleet, also one that is gone.

    Attributes:
        streams, messages: planned subscriptions, and messages in each.
        received: None where it gave no report. gone: why it did not.
        skew: of its clock against the sender's.
    """

    name: str
    streams: int
    messages: int
    received: Received | None = None
    skew: Skew = ONE_CLOCK
    gone: str = ""
    notes: tuple[str, ...] = ()

    def warnings(self) -> Iterator[str]:
        """What a reader must know, each a sentence that begins with the member's name."""
        if self.gone:
            yield f"{self.name}: {self.gone}; the {self.streams * self.messages:,} messages for it count as lost"
        yield from (f"{self.name}: {note}" for note in self.notes)
        received = self.received
        if received is None:
            return
        yield from (f"{self.name}, {count:,} sockets: {happened}" for happened, count in received.failures.items())
        yield from (f"{self.name}: {limit}" for limit in limits(received.harness, self.latency_ms(99)))
        yield from (f"{self.name}: {doubt}" for doubt in self._doubts(received))

    def latency_ms(self, percent: float) -> float | None:
        """A percentile of this member's messages; None if there were none."""
        if self.received is None or not self.received.latency.buckets:
            return None
        return 1e3 * Histogram.merged([self.received.latency]).percentile_s(percent)

    def _doubts(self, received: Received) -> Iterator[str]:
        """Of clocks."""
        p50, unsure_ms = self.latency_ms(50), 1e3 * self.skew.uncertainty_s
        if self.skew.moved_s:
            yield f"its clock did not run evenly with ours: {self.skew}; its latencies cannot be trusted"
        elif not self.skew.is_one_clock:
            yield f"its clock is {self.skew}; its latencies count without that"
        if p50 is not None and unsure_ms > UNSURE * p50:
            yield f"a latency of {p50:.1f} ms (p50) is known to {unsure_ms:.1f} ms only, as clocks are"
        if received.early:
            yield f"{received.early:,} messages came before they were due, by these clocks"


@dataclass(frozen=True, slots=True)
class Sending:
    """What the sending side says of itself: the rate that was asked for, that was reached, and how late it was."""

    scheduled_per_s: float
    sent_per_s: float
    late_p99_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Gathered:
    """The results of several listeners as one.

    Attributes:
        members: all that were planned.
        streams: subscriptions planned, those of members that are gone too. joined, received, distinct, duplicated,
            reordered: sums over the parts.
        lost: messages that are in nobody's books, all of those of members that are gone.
        latency: all members' latencies in one histogram.
        per_s: messages a second, from the first receipt of any member to the last.
        cpu_s: of all members, while they received.
        failures: what went wrong, and how many sockets it met.
    """

    members: tuple[Attended, ...]
    streams: int
    joined: int
    received: int
    distinct: int
    lost: int
    duplicated: int
    reordered: int
    latency: Histogram
    seconds: float
    cpu_s: float
    failures: dict[str, int]

    @property
    def parts(self) -> tuple[Received, ...]:
        """Of the members that reported."""
        return tuple(member.received for member in self.members if member.received is not None)

    @property
    def gone(self) -> tuple[str, ...]:
        """Why each member that is missing is missing."""
        return tuple(f"{member.name}: {member.gone}" for member in self.members if member.gone)

    @property
    def per_s(self) -> float:
        return self.received / self.seconds if self.seconds else 0.0

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know: who is missing, what broke, who was the limit, which clocks differ."""
        return tuple(note for member in self.members for note in member.warnings())

    def to_frame(self) -> pd.DataFrame:
        """One row for each member, and one for all together."""
        import pandas as pd

        rows = [_row(member) for member in self.members]
        counts = {"joined": self.joined, "received": self.received, "lost": self.lost}
        times = {"p50 (ms)": self._ms(50), "p99 (ms)": self._ms(99), "µs CPU a message": _cpu_us(self)}
        rows.append({"member": "all", **counts, **times, "clock": "", "missing": ""})
        return pd.DataFrame(rows, columns=COLUMNS).set_index("member")

    def percentiles_frame(self, percents: Sequence[float] = (50, 90, 99, 99.9)) -> pd.DataFrame:
        """Three ways to one percentile (ms): merged histograms, the pooled sample, and the mean of the members' own.

        The last is wrong, as percentiles do not average; it is here because it is what is often done. The sample is
        there where it was kept (`Listening.keep_sample`).
        """
        import pandas as pd

        sample = np.concatenate([np.empty(0), *(part.latencies_s for part in self.parts)])
        pooled = [1e3 * np.percentile(sample, percents, method="inverted_cdf")] if sample.size else [math.nan]
        own = [[member.latency_ms(percent) or math.nan for member in self.members] for percent in percents]
        return pd.DataFrame(
            {
                "merged histograms": [self._ms(percent) for percent in percents],
                "pooled sample": np.broadcast_to(pooled[0], len(percents)),
                "mean of the members' (wrong)": [float(np.nanmean(values)) for values in own],
            },
            index=[f"p{percent:g}" for percent in percents],
        )

    def recording(
        self, label: str, *, run: int = 0, sent: int | None = None, sending: Sending | None = None
    ) -> Recording:
        """As one run of an experiment.

        Args:
            sent: how many messages each channel was sent, if not all that were planned; the others are not expected.
            sending: what the sender says of itself.
        """
        messages = max((member.messages for member in self.members), default=0) if sent is None else sent
        expected = self.streams * messages
        harness = _worst([part.harness for part in self.parts], sending)
        nothing = () if self.latency.count else (NO_SAMPLES,)
        return Recording(
            label=label,
            run=run,
            seconds=self.seconds,
            sent=messages,
            expected=expected,
            received=self.received,
            lost=expected - self.distinct,
            duplicated=self.duplicated,
            reordered=self.reordered,
            strays=sum(part.strays for part in self.parts),
            early=sum(part.early for part in self.parts),
            payload_bytes=sum(part.message_bytes for part in self.parts),
            wire_bytes=sum(part.run_wire_bytes for part in self.parts),
            latency=self.latency.counts(),
            streams=tuple(self._named_streams()),
            harness=harness,
            notes=(*self.notes, *_sending_limits(harness, sending), *nothing),
        )

    def _named_streams(self) -> Iterator[Stream]:
        for member in self.members:
            for stream in member.received.per_stream if member.received else ():
                yield replace(stream, socket=f"{member.name}, {stream.socket}")

    def _ms(self, percent: float) -> float:
        return 1e3 * self.latency.percentile_s(percent)


def gathered(members: Sequence[Attended]) -> Gathered:
    """One result of many."""
    parts = [member.received for member in members if member.received is not None]
    failures: Counter[str] = Counter()
    for part in parts:
        failures.update(part.failures)
    heard = [part for part in parts if part.received]
    distinct = sum(part.distinct for part in parts)
    return Gathered(
        members=tuple(members),
        streams=sum(member.streams for member in members),
        joined=sum(part.joined for part in parts),
        received=sum(part.received for part in parts),
        distinct=distinct,
        lost=sum(member.streams * member.messages for member in members) - distinct,
        duplicated=sum(part.duplicated for part in parts),
        reordered=sum(part.reordered for part in parts),
        latency=Histogram.merged([part.latency for part in parts]),
        seconds=max(part.last_at for part in heard) - min(part.first_at for part in heard) if heard else 0.0,
        cpu_s=sum(part.cpu_s for part in parts),
        failures=dict(failures),
    )


def _row(member: Attended) -> dict[str, object]:
    received = member.received
    about = {"clock": "" if received is None else str(member.skew), "missing": member.gone}
    if received is None:
        lost = member.streams * member.messages
        return {"member": member.name, "joined": 0, "received": 0, "lost": lost, **about}
    counts = {"joined": received.joined, "received": received.received, "lost": received.lost}
    times = {"p50 (ms)": member.latency_ms(50), "p99 (ms)": member.latency_ms(99)}
    return {"member": member.name, **counts, **times, "µs CPU a message": _cpu_us(received), **about}


def _cpu_us(of: Received | Gathered) -> float:
    return 1e6 * of.cpu_s / of.received if of.received else math.nan


def _worst(watched: Sequence[Harness], sending: Sending | None) -> Harness | None:
    """The harness that was latest, with what the sender says; None if none was watched."""
    if not watched:
        return None
    worst = max(watched, key=lambda harness: harness.loop_late_p99_ms)
    if sending is None:
        return worst
    return replace(
        worst,
        scheduled_per_s=sending.scheduled_per_s,
        sent_per_s=sending.sent_per_s,
        send_late_ms=sending.late_p99_ms,
    )


def _sending_limits(harness: Harness | None, sending: Sending | None) -> tuple[str, ...]:
    """Of the sender; those of the receivers are said with their names."""
    if harness is None or sending is None:
        return ()
    return limits(replace(harness, loop_late_p99_ms=0.0), None, writer_late_p99_ms=sending.late_p99_ms)
