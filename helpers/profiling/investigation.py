"""An investigation: recordings of an experiment with their circumstances, in one Parquet file to be reopened."""

from __future__ import annotations

import hashlib
import io
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import psutil

from helpers.errors import RunError
from helpers.profiling.histogram import Histogram
from helpers.profiling.recording import Recording
from helpers.profiling.statistics import Gain, paired_gain
from helpers.redaction import secrets_of
from helpers.results import utc_now, versions, write_atomically
from helpers.target import Target

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FORMAT", "METRICS", "Investigation", "Metric", "environment", "load_investigation", "save_investigation"]

#: Of the file. Another number is another meaning of its columns, and is not read.
FORMAT = 2

#: Where the file keeps what is not a column.
_KEY = b"workbook.investigation"


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that two arms are compared in; `value` is None for a run that cannot tell."""

    name: str
    unit: str
    value: Callable[[Recording], float | None]
    higher_is_better: bool = False


def _latency(percent: float) -> Callable[[Recording], float | None]:
    return lambda run: run.latency_ms(percent) if run.latency.buckets else None


METRICS = {
    metric.name: metric
    for metric in (
        Metric("latency p50", "ms", _latency(50)),
        Metric("latency p99", "ms", _latency(99)),
        Metric("latency max", "ms", _latency(100)),
        Metric("throughput", "messages/s", lambda run: run.throughput_per_s, higher_is_better=True),
        Metric("wire bytes", "bytes a run", lambda run: run.wire_bytes),
    )
}


@dataclass(frozen=True, slots=True)
class Investigation:
    """Recordings of one experiment.

    Attributes:
        target: `str(Target)`: kind and URL, no key.
        environment: versions and machine (`environment()`). settings: of the experiment.
    """

    name: str
    target: str
    taken_at: str
    recordings: tuple[Recording, ...]
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, target: Target, recordings: Sequence[Recording], **settings: object) -> Investigation:
        """Put recordings together with the circumstances of now; secrets of the target are masked."""
        said = msgspec.json.encode((recordings, {key: str(value) for key, value in settings.items()})).decode()
        for secret in secrets_of(target):
            said = said.replace(msgspec.json.encode(secret).decode()[1:-1], "•••")
        kept, written = msgspec.json.decode(said, type=tuple[tuple[Recording, ...], dict[str, str]])
        return cls(name, str(target), utc_now(), kept, written, environment())

    def to_frame(self) -> pd.DataFrame:
        """Tidy: one row for each figure of each run."""
        return _stacked([recording.to_frame() for recording in self.recordings])

    def streams_frame(self) -> pd.DataFrame:
        """One row for each channel on each socket of each run."""
        return _stacked([recording.streams_frame() for recording in self.recordings])

    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the runs."""
        return tuple(f"{run.label}, run {run.run}: {note}" for run in self.recordings for note in run.notes)

    def compare(self, before: str, after: str, metric: str = "latency p50") -> Gain | None:
        """Two arms, paired by the number of their run; None where fewer than two pairs can be compared.

        A pair of which a run has no samples is left out, and `Gain.left_out` says how many were.

        Raises:
            KeyError: there is no such metric; `METRICS` has them.
        """
        return compare(self._arm(before), self._arm(after), METRICS[metric])

    def _arm(self, label: str) -> dict[int, Recording]:
        return {recording.run: recording for recording in self.recordings if recording.label == label}


def compare(before: dict[int, Recording], after: dict[int, Recording], metric: Metric) -> Gain | None:
    """As `Investigation.compare`, for arms that may come from two investigations."""
    runs = sorted(before.keys() | after.keys())
    first, second = ([metric.value(arm[run]) if run in arm else None for run in runs] for arm in (before, after))
    return paired_gain(metric.name, metric.unit, first, second, higher_is_better=metric.higher_is_better)


def environment() -> dict[str, str]:
    """Versions and machine, and how busy it was with other things.

    The machine's name is not anybody's business; its hash tells two machines of one kind apart.
    """
    found = versions() | {
        "machine": hashlib.sha256(f"workbook {platform.node()}".encode()).hexdigest()[:8],
        "kernel": platform.release(),
        "processor": platform.processor() or platform.machine(),
        "memory_mib": str(psutil.virtual_memory().total >> 20),
    }
    if hasattr(os, "getloadavg"):
        found["load_average_1_min"] = f"{os.getloadavg()[0]:.2f}"
    return found


def save_investigation(investigation: Investigation, path: Path) -> Path:
    """Write it, whole or not at all: one row for each run, and the circumstances in the file's metadata.

    Raises:
        RunError: the folder cannot be written, or the disk is full.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    about = {key: value for key, value in asdict(investigation).items() if key != "recordings"}
    rows = [_row(recording) for recording in investigation.recordings]
    schema = _schema().with_metadata({_KEY: msgspec.json.encode({"format": FORMAT} | about)})
    content = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), content)
    write_atomically(path, content.getvalue())
    return path


def load_investigation(path: Path) -> Investigation:
    """Read what `save_investigation` wrote.

    Raises:
        RunError: there is no such file, it holds no investigation, or one of another format.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    tried, again = "reading an investigation", "Measure again, or choose a file that this version wrote"
    try:
        table = pq.read_table(io.BytesIO(path.read_bytes()))
    except OSError as error:
        raise RunError(tried, f"{path}: {error.strerror or error}", "Give the path of a .parquet file") from None
    except pa.ArrowException as error:
        raise RunError(tried, f"{path} is no Parquet file, or half of one ({error})", again) from None
    try:
        return _investigation(table)
    except (msgspec.MsgspecError, ValueError) as error:
        raise RunError(tried, f"{path} does not hold one that this version can read ({error})", again) from None


def _investigation(table: Any) -> Investigation:
    about = (table.schema.metadata or {}).get(_KEY)
    if about is None:
        raise ValueError("it is not the workbook's")
    head = msgspec.json.decode(about, type=dict[str, Any])
    found = head.pop("format", None)
    if found != FORMAT:
        raise ValueError(f"it has format {found}, this version reads format {FORMAT}")
    recordings = [_recording(row) for row in table.to_pylist()]
    return msgspec.convert(head | {"recordings": recordings}, type=Investigation)


def _row(recording: Recording) -> dict[str, Any]:
    """Buckets by name, as Parquet has no pairs."""
    row: dict[str, Any] = msgspec.to_builtins(recording)
    for histogram in (row["latency"], *(phase["took"] for phase in row["phases"])):
        histogram["buckets"] = [{"bucket": bucket, "count": count} for bucket, count in histogram["buckets"]]
    return row


def _recording(row: dict[str, Any]) -> Recording:
    phases = [phase | {"took": _with_pairs(phase["took"])} for phase in row["phases"]]
    found = msgspec.convert(row | {"latency": _with_pairs(row["latency"]), "phases": phases}, type=Recording)
    Histogram.merged([found.latency, *(phase.took for phase in found.phases)])  # wrong buckets raise ValueError
    return found


def _with_pairs(histogram: dict[str, Any]) -> dict[str, Any]:
    return histogram | {"buckets": [(pair["bucket"], pair["count"]) for pair in histogram["buckets"]]}


def _schema() -> Any:
    """Given and not guessed, so that a file without runs has its columns as well."""
    import pyarrow as pa

    whole, real, text = pa.int64(), pa.float64(), pa.string()
    buckets = pa.list_(pa.struct({"bucket": whole, "count": whole}))
    histogram = pa.struct({"buckets": buckets} | dict.fromkeys(("total_s", "min_s", "max_s"), real))
    stream = {"socket": text, "channel": text, "received": whole, "distinct": whole, "payload_bytes": whole}
    load = ("cpu_percent", "waited_percent")
    lateness = ("loop_late_p99_ms", "loop_late_max_ms", "scheduled_per_s", "sent_per_s", "send_late_ms")
    counts = ("sent", "expected", "received", "lost", "duplicated", "reordered", "strays", "early")
    return pa.schema(
        {"label": text, "run": whole, "seconds": real}
        | dict.fromkeys((*counts, "payload_bytes", "wire_bytes"), whole)
        | {
            "latency": histogram,
            "streams": pa.list_(pa.struct(stream)),
            "harness": pa.struct(dict.fromkeys((*lateness, *load), real)),
            "notes": pa.list_(text),
            "phases": pa.list_(pa.struct({"name": text, "took": histogram})),
        }
    )


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
