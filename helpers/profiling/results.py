"""What a profiling says, as frozen data: every sample keeps its size, every comparison its interval."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from helpers.profiling.recording import Recording
from helpers.profiling.statistics import Gain, Summary

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BroadcastProfile",
    "BroadcastStep",
    "Comparison",
    "ConnectionProfile",
    "MemoryProfile",
    "Profile",
    "Profiling",
    "Skipped",
    "Slope",
]


@dataclass(frozen=True, slots=True)
class Skipped:
    """What could not be measured on this target, and what to set so that it can be."""

    what: str
    because: str

    def __str__(self) -> str:
        return f"{self.what}: not measured, because {self.because}."

    @property
    def answer(self) -> str:
        """In the place of an experiment's answer."""
        return str(self)

    def to_frame(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame([{"what": self.what, "not measured, because": self.because}])


@dataclass(frozen=True, slots=True)
class Profile:
    """One subscription under one run of a workload (or several runs, pooled).

    Attributes:
        filter: of the subscription; None for the full table.
        interest: the rows that the application wants; everything else that arrives is wasted.
        sent: rows committed. expected: those of them that the subscription asks for. received: messages.
        wasted: messages that the application did not want.
        lost, duplicated, reordered: by sequence number.
        latency_ms: from when a wanted row was due to when its message arrived; None if none arrived.
        payload_bytes: size of a message.
        wire_bytes_in: everything that the socket received while the load ran.
        throughput_per_s: messages received a second.
        client_cpu_percent: CPU time of this process, in percent of one core.
        send_late_ms: how late the writer sent its latest row; it is part of the latency, and tells who was slow.
        latencies_ms: the sample behind `latency_ms`, in order of receipt.
        recordings: each run with its histogram; none in results of before there were recordings.
    """

    target: str
    taken_at: str
    label: str
    schema: str
    table: str
    filter: str | None
    interest: str | None
    rate_per_s: float
    seconds: float
    sent: int
    expected: int
    received: int
    wasted: int
    lost: int
    duplicated: int
    reordered: int
    latency_ms: Summary | None
    payload_bytes: Summary | None
    wire_bytes_in: int
    throughput_per_s: float
    client_cpu_percent: float
    send_late_ms: float
    latencies_ms: tuple[float, ...]
    recordings: tuple[Recording, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the runs: what broke, and who was the limit, the harness or the target."""
        return tuple(dict.fromkeys(note for recording in self.recordings for note in recording.notes))

    def to_frame(self) -> pd.DataFrame:
        """One column with this profile's label, one row for each figure."""
        import pandas as pd

        return pd.DataFrame({self.label: _figures(self)})


def _figures(profile: Profile) -> dict[str, object]:
    figures: dict[str, object] = {
        "filter": profile.filter or "none",
        "rows committed": profile.sent,
        "messages expected": profile.expected,
        "messages received": profile.received,
        "of these not wanted": profile.wasted,
        "lost": profile.lost,
        "duplicated": profile.duplicated,
        "reordered": profile.reordered,
    }
    if profile.latency_ms is not None:
        low, high = profile.latency_ms.ci95
        figures["latency p50 (ms)"] = f"{profile.latency_ms.p50:.0f} ({low:.0f} to {high:.0f})"
        figures["latency p95 (ms)"] = f"{profile.latency_ms.p95:.0f}"
        figures["latency p99 (ms)"] = f"{profile.latency_ms.p99:.0f}"
    if profile.payload_bytes is not None:
        figures["message size, mean (bytes)"] = f"{profile.payload_bytes.mean:.0f}"
    figures["bytes received"] = profile.wire_bytes_in
    figures["client CPU (% of a core)"] = f"{profile.client_cpu_percent:.1f}"
    if profile.notes:
        figures["note"] = "; ".join(profile.notes)
    return figures


@dataclass(frozen=True, slots=True)
class Comparison:
    """Full table against filter, side by side.

    Attributes:
        full, filtered: all repeats of an arm, pooled.
        pairs: the single runs, in pairs that followed each other.
        gains: what the filter changed, pair by pair.
        poll_wait_ms: the longest time that the server lets a change wait before it looks, when nothing else is
            written; part of every latency here.
    """

    target: str
    taken_at: str
    full: Profile
    filtered: Profile
    pairs: tuple[tuple[Profile, Profile], ...]
    gains: tuple[Gain, ...]
    poll_wait_ms: float

    def gain(self, metric: str) -> Gain | None:
        """The gain in one metric; None if it could not be computed."""
        return next((gain for gain in self.gains if gain.metric == metric), None)

    def to_frame(self) -> pd.DataFrame:
        """One column for each arm, one row for each figure."""
        import pandas as pd

        return pd.concat([self.full.to_frame(), self.filtered.to_frame()], axis=1)

    def gains_frame(self) -> pd.DataFrame:
        """One row for each metric."""
        import pandas as pd

        rows = [asdict(gain) | {"shown": gain.shown} for gain in self.gains]
        return pd.DataFrame(rows).set_index("metric") if rows else pd.DataFrame()

    def __str__(self) -> str:
        return "\n".join(str(gain) for gain in self.gains)


@dataclass(frozen=True, slots=True)
class ConnectionProfile:
    """Connecting again and again, one after another.

    Attributes:
        attempts: connections tried. succeeded: connected, and joined where a channel was asked for (after the first
            ones, connections are opened for their time alone).
        connect_ms: opening the socket, handshake included.
        join_ms: to the reply of a join.
        ready_ms: to the moment from which changes are delivered; None where there is no table to subscribe to.
        heartbeat_ms: round trip.
        heartbeats: heartbeats sent. answered: those of them that were answered in time.
        failures: what went wrong, each text once.
    """

    target: str
    taken_at: str
    attempts: int
    succeeded: int
    heartbeats: int
    answered: int
    connect_ms: Summary | None
    join_ms: Summary | None
    ready_ms: Summary | None
    heartbeat_ms: Summary | None
    failures: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row for each step."""
        import pandas as pd

        steps = {
            "connect": self.connect_ms,
            "join": self.join_ms,
            "ready for changes": self.ready_ms,
            "heartbeat": self.heartbeat_ms,
        }
        return pd.DataFrame([_step_row(name, step) for name, step in steps.items() if step is not None])


def _step_row(name: str, step: Summary) -> dict[str, object]:
    low, high = step.ci95
    return {
        "step": name,
        "n": step.n,
        "p50 (ms)": round(step.p50, 2),
        "95 % interval": f"{low:.2f} to {high:.2f}",
        "p95": round(step.p95, 2),
        "p99": round(step.p99, 2),
        "max": round(step.max, 2),
    }


@dataclass(frozen=True, slots=True)
class BroadcastStep:
    """Broadcasts on one channel at one rate, from one sender to one receiver.

    Attributes:
        rate_per_s: as scheduled. received_per_s: as received, from the first due to the last receipt.
        send_late_ms: how late the sender was at worst.
        note: what a reader must know: what broke, and who was the limit, the harness or the target.
        recording: the same with its histogram; None in results of before there were recordings.
    """

    rate_per_s: float
    sent: int
    received: int
    lost: int
    duplicated: int
    reordered: int
    received_per_s: float
    send_late_ms: float
    latency_ms: Summary | None
    payload_bytes: Summary | None
    note: str = ""
    recording: Recording | None = None


@dataclass(frozen=True, slots=True)
class BroadcastProfile:
    """Broadcast on one channel, step by step."""

    target: str
    taken_at: str
    steps: tuple[BroadcastStep, ...]

    def at(self, rate_per_s: float) -> BroadcastStep | None:
        """The slowest step of at least this rate; the fastest one if none was as fast."""
        steps = sorted(self.steps, key=lambda step: step.rate_per_s)
        return next((step for step in steps if step.rate_per_s >= rate_per_s), steps[-1] if steps else None)

    @property
    def best(self) -> BroadcastStep | None:
        """The fastest step that lost nothing."""
        whole = [step for step in self.steps if step.lost == 0]
        return max(whole, key=lambda step: step.received_per_s, default=None)

    def to_frame(self) -> pd.DataFrame:
        """One row for each step."""
        import pandas as pd

        return pd.DataFrame(
            {
                "scheduled (1/s)": step.rate_per_s,
                "received (1/s)": round(step.received_per_s, 1),
                "sent": step.sent,
                "lost": step.lost,
                "latency p50 (ms)": round(step.latency_ms.p50, 2) if step.latency_ms else None,
                "latency p99 (ms)": round(step.latency_ms.p99, 2) if step.latency_ms else None,
                "note": step.note,
            }
            for step in self.steps
        )


@dataclass(frozen=True, slots=True)
class Slope:
    """Growth per subscription: least squares, with a 95 % interval.

    Attributes:
        n: number of points of the line. largest: subscriptions at its end.
    """

    per_subscription: float
    low: float
    high: float
    n: int
    largest: int

    def __str__(self) -> str:
        return f"{self.per_subscription:.1f} ({self.low:.1f} to {self.high:.1f}), n = {self.n} points"


def _slope_row(name: str, slope: Slope) -> dict[str, object]:
    return {
        "subscriptions on": name,
        "KiB for one more": round(slope.per_subscription, 2),
        "95 % interval": f"{slope.low:.2f} to {slope.high:.2f}",
        "points": slope.n,
        "subscriptions": slope.largest + 1,
    }


@dataclass(frozen=True, slots=True)
class MemoryProfile:
    """Memory of a client process by the number of its subscriptions.

    Attributes:
        own_socket_kib: per subscription, each on a socket of its own. shared_socket_kib: all on one socket.
    """

    target: str
    taken_at: str
    own_socket_kib: Slope
    shared_socket_kib: Slope

    def to_frame(self) -> pd.DataFrame:
        """One row for each way."""
        import pandas as pd

        ways = {"a socket each": self.own_socket_kib, "one shared socket": self.shared_socket_kib}
        return pd.DataFrame([_slope_row(name, way) for name, way in ways.items()])


@dataclass(frozen=True, slots=True)
class Profiling:
    """Everything that was profiled on one target; what is None is in `skipped` with its reason."""

    target: str
    taken_at: str
    connection: ConnectionProfile | None = None
    comparison: Comparison | None = None
    broadcast: BroadcastProfile | None = None
    memory: MemoryProfile | None = None
    skipped: tuple[Skipped, ...] = ()

    @classmethod
    def of(cls, *parts: ConnectionProfile | Comparison | BroadcastProfile | MemoryProfile | Skipped) -> Profiling:
        """Put together what the functions of this package returned, in any order.

        Raises:
            ValueError: nothing was measured.
        """
        measured = [part for part in parts if not isinstance(part, Skipped)]
        if not measured:
            raise ValueError("nothing was measured")
        return cls(
            target=measured[0].target,
            taken_at=measured[0].taken_at,
            connection=next((part for part in measured if isinstance(part, ConnectionProfile)), None),
            comparison=next((part for part in measured if isinstance(part, Comparison)), None),
            broadcast=next((part for part in measured if isinstance(part, BroadcastProfile)), None),
            memory=next((part for part in measured if isinstance(part, MemoryProfile)), None),
            skipped=tuple(part for part in parts if isinstance(part, Skipped)),
        )
