"""Investigations: kept with their circumstances, reopened as they were, compared without hiding anything."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.errors import RunError
from helpers.profiling.harness import Harness
from helpers.profiling.histogram import Histogram
from helpers.profiling.investigation import (
    FORMAT,
    Investigation,
    load_investigation,
    save_investigation,
)
from helpers.profiling.ledger import Ledger
from helpers.profiling.recording import NO_SAMPLES, Phase, Recording
from helpers.target import Target, TargetKind

SECRET = 'sb_secret_"quoted"_0123456789'
TARGET = Target(
    kind=TargetKind.HOSTED, api_url="https://abc.supabase.co", publishable_key="sb_publishable_x1", secret_key=SECRET
)
WATCHED = Harness(1.5, 3.0, 100.0, 99.5, 0.7, 12.0, 1.0)


def recording(label: str, run: int = 0, latency_s: float = 0.01, *, messages: int = 100, streams: int = 2) -> Recording:
    """A run in which every stream receives all messages but the last, each after that latency."""
    ledger = Ledger(streams, messages)
    for stream in range(streams):
        seq = np.arange(messages - 1)
        due = seq * 0.01
        size = np.full(seq.size, 400 + stream)
        ledger.record_many(np.full(seq.size, stream), seq, due, due + latency_s, size)
    names = [(f"socket {stream}", "room:1") for stream in range(streams)]
    return Recording.of(
        ledger, label, run=run, seconds=2.0, sent=messages, wire_bytes=90_000, names=names, harness=WATCHED
    )


def phased(recording: Recording) -> Recording:
    """The same with its latency as a part that was timed by itself."""
    return replace(recording, phases=(Phase("all of it", recording.latency), Phase("nothing", Histogram().counts())))


def silent(label: str, run: int = 0) -> Recording:
    """A run in which nothing arrived."""
    return Recording.of(Ledger(1, 10), label, run=run, seconds=1.0, sent=10, wire_bytes=0)


def test_saved_and_reopened(tmp_path: Path) -> None:
    """What is read back equals what was saved, with versions, machine, target and settings, and merges as before."""
    runs = [phased(recording("json", 0)), recording("binary", 0, 0.02), silent("json", 1)]
    investigation = Investigation.of("payloads", TARGET, runs, rate_per_s=100, body_bytes=400)
    path = save_investigation(investigation, tmp_path / "payloads.parquet")
    found = load_investigation(path)
    assert found == investigation
    assert found.settings == {"rate_per_s": "100", "body_bytes": "400"}
    assert {"python", "msgspec", "processors", "memory_mib", "kernel"} <= found.environment.keys()
    assert found.target == str(TARGET)
    pooled = Histogram.merged(run.latency for run in found.recordings)
    assert pooled.count == 2 * 2 * 99
    assert [path.name for path in tmp_path.iterdir()] == ["payloads.parquet"]


def test_any_tool_can_read_the_file(tmp_path: Path) -> None:
    """It is plain Parquet: one row for each run, one column for each figure."""
    path = save_investigation(Investigation.of("x", TARGET, [recording("a"), recording("b")]), tmp_path / "x.parquet")
    frame = pd.read_parquet(path)
    assert list(frame["label"]) == ["a", "b"]
    assert list(frame["lost"]) == [2, 2]


def test_no_secret_is_kept(tmp_path: Path) -> None:
    """A key that got into a setting or into the words of a server is masked, and is not in the file."""
    said = replace(recording("a"), notes=(f"refused: {SECRET}",))
    investigation = Investigation.of("x", TARGET, [said], url=f"wss://abc?apikey={TARGET.publishable_key}")
    assert investigation.settings["url"] == "wss://abc?apikey=•••"
    assert investigation.notes() == ("a, run 0: refused: •••",)
    content = save_investigation(investigation, tmp_path / "x.parquet").read_bytes()
    assert b"sb_secret" not in content
    assert b"sb_publishable" not in content


def test_investigation_without_runs(tmp_path: Path) -> None:
    """It is kept as well, and its frames are empty."""
    empty = Investigation.of("nothing", TARGET, [])
    assert load_investigation(save_investigation(empty, tmp_path / "e.parquet")) == empty
    assert len(empty.to_frame()) == len(empty.streams_frame()) == 0


def _other_format(path: Path) -> None:
    table = pq.read_table(path)
    head = table.schema.metadata[b"workbook.investigation"].replace(b'"format":%d' % FORMAT, b'"format":99')
    pq.write_table(table.replace_schema_metadata({b"workbook.investigation": head}), path)


def _foreign(path: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), path)


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _column_gone(path: Path) -> None:
    pq.write_table(pq.read_table(path).drop_columns(["lost"]), path)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_other_format, f"it has format 99, this version reads format {FORMAT}"),
        (_foreign, "not the workbook's"),
        (_half, "no Parquet file, or half of one"),
        (_column_gone, "lost"),
        (Path.unlink, "No such file"),
    ],
)
def test_files_that_cannot_be_read(spoil: object, says: str, tmp_path: Path) -> None:
    """A file of another version, of somebody else, half, changed or absent is told with what to do."""
    path = save_investigation(Investigation.of("x", TARGET, [recording("a")]), tmp_path / "x.parquet")
    spoil(path)  # type: ignore[operator]
    with pytest.raises(RunError, match=says):
        load_investigation(path)


def test_tidy_frames() -> None:
    """One row for each figure with interval and size of its sample; one for each channel on each socket."""
    investigation = Investigation.of("x", TARGET, [recording("a"), silent("b")])
    frame = investigation.to_frame().set_index(["label", "metric"])
    lost = frame.loc[("a", "lost_percent")]
    assert (lost["value"], lost["n"]) == (1.0, 200)
    assert lost["low"] < 1.0 < lost["high"]
    assert frame.loc[("a", "latency_p50_ms"), "value"] == pytest.approx(10, rel=0.01)
    assert frame.loc[("b", "lost_percent"), "value"] == 100
    assert ("b", "latency_p50_ms") not in frame.index
    streams = investigation.streams_frame()
    first = streams.iloc[0]
    assert (first["socket"], first["channel"], first["messages_per_s"]) == ("socket 0", "room:1", 99 / 2)
    assert first["payload_bytes_per_s"] == 99 * 400 / 2
    assert len(streams) == 3


def test_comparison_says_how_much_and_how_sure() -> None:
    """Twenty pairs, 38 % faster: the sentence has the change, its interval and the number of pairs."""
    random = np.random.default_rng(2)
    noise = random.lognormal(0, 0.05, size=(2, 20))
    slow = [recording("full", run, 0.1 * noise[0, run]) for run in range(20)]
    fast = [recording("filtered", run, 0.062 * noise[1, run]) for run in range(20)]
    investigation = Investigation.of("x", TARGET, [*slow, *fast])
    gain = investigation.compare("full", "filtered")
    assert gain is not None
    assert gain.verdict.startswith("better by 3")
    assert gain.low_percent < -38 < gain.high_percent
    assert gain.verdict.endswith(", n = 20 pairs")
    none = investigation.compare("full", "filtered", "throughput")
    assert none is not None
    assert none.verdict.startswith("no difference shown")


def test_runs_without_samples_are_told_and_not_averaged() -> None:
    """A run in which nothing arrived has no latency of zero: its pair is left out, and the sentence says so."""
    runs = [recording("a", run, 0.1 + run / 1_000) for run in range(4)]
    runs += [recording("b", run, 0.05 + run / 2_000) for run in range(3)]
    investigation = Investigation.of("x", TARGET, [*runs, silent("b", 3)])
    gain = investigation.compare("a", "b")
    assert gain is not None
    assert (gain.n, gain.left_out) == (3, 1)
    assert gain.verdict == "better by 50 % (50–50), n = 3 pairs; 1 left out, without samples"
    assert investigation.notes() == (f"b, run 3: {NO_SAMPLES}",)
    assert investigation.compare("a", "nobody") is None


def test_clocks_that_differ_are_told() -> None:
    """Messages that came before they were due make a note, as their latency cannot be trusted."""
    found = recording("a", latency_s=-0.5)
    assert found.early == found.received
    assert "clocks of sender and receiver differ" in found.notes[0]


def test_the_notebook_shows_a_file_of_another_version(tmp_path: Path) -> None:
    """Its cell makes a file that is not read, whatever the format of this version is."""
    notebook = Path(__file__).parents[2] / "notebooks" / "experiments" / "25_fleet_and_investigations.ipynb"
    (cell,) = (one for one in json.loads(notebook.read_text())["cells"] if one["id"] == "version")
    path = save_investigation(Investigation.of("x", TARGET, [recording("a")]), tmp_path / "x.parquet")
    with pytest.raises(RunError, match=f"this version reads format {FORMAT}"):
        exec("".join(cell["source"]), {"path": path, "load_investigation": load_investigation})
