"""What many members say together, without I/O: sums, merged percentiles, a sentence for everything doubtful."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.profiling.clocks import ONE_CLOCK, Skew
from helpers.profiling.harness import Harness
from helpers.profiling.receiving import Attended, Received, Sending, gathered
from helpers.profiling.receiving.received import SamplingHistogram
from helpers.profiling.recording import NO_SAMPLES, Stream

ASLEEP = Harness(0.5, 1.0, 0, 0, 0, 5.0)
LATE = Harness(80.0, 120.0, 0, 0, 0, 99.0)


def received(
    latencies_s: list[float], *, harness: Harness = ASLEEP, early: int = 0, first_at: float = 10.0, kept: bool = True
) -> Received:
    """Of one stream, all messages but the last."""
    histogram, count = SamplingHistogram(), len(latencies_s)
    histogram.record_many(np.array(latencies_s))
    return Received(
        streams=1,
        joined=1,
        received=count,
        distinct=count,
        lost=1,
        duplicated=0,
        reordered=0,
        strays=0,
        early=early,
        frames=count + 2,
        payload_bytes=500 * count,
        message_bytes=400 * count,
        wire_bytes=600 * count,
        run_wire_bytes=450 * count,
        blocks=1,
        runs=1,
        malformed=0,
        unmatched=0,
        seconds=1.0,
        cpu_s=0.01 * count,
        first_at=first_at,
        last_at=first_at + 1,
        memory_bytes=10_000,
        latency=histogram.counts(),
        per_stream=(Stream("socket 0", "room", count, count, 400 * count),),
        harness=harness,
        failures={},
        sample=histogram.sample() if kept else b"",
    )


def member(name: str, found: Received | None, skew: Skew = ONE_CLOCK, gone: str = "") -> Attended:
    messages = 5 if found is None else found.received + 1
    return Attended(name, 1, messages, found, skew, gone)


def test_percentiles_of_unequal_members_are_merged_and_not_averaged() -> None:
    """Ninety-nine fast messages here and one slow one there: the median is that of all hundred."""
    found = gathered([member("a", received([0.001] * 99)), member("b", received([1.0]))])
    frame = found.percentiles_frame((50, 100))
    assert frame.loc["p50", "merged histograms"] == pytest.approx(1.0, rel=0.004)
    assert frame.loc["p50", "pooled sample"] == pytest.approx(1.0)
    assert frame.loc["p50", "mean of the members' (wrong)"] == pytest.approx(500, rel=0.01)
    assert frame.loc["p100", "merged histograms"] == frame.loc["p100", "pooled sample"] == 1_000
    unkept = gathered([member("a", received([0.001], kept=False))]).percentiles_frame((50,))
    assert np.isnan(unkept.loc["p50", "pooled sample"]) and unkept.loc["p50", "merged histograms"] == 1.0


def test_seconds_reach_from_the_first_member_to_the_last() -> None:
    """Members that heard at different times did not hear faster for that."""
    found = gathered([member("a", received([0.1] * 4)), member("b", received([0.1] * 4, first_at=13.0))])
    assert (found.seconds, found.per_s, found.cpu_s) == (4.0, 2.0, 0.08)


def test_one_recording_of_all() -> None:
    """Sizes, streams with their member's name, what is lost, and who was the latest harness, with its sender."""
    found = gathered([member("a", received([0.1] * 4)), member("b", received([0.1] * 4, harness=LATE))])
    run = found.recording("x", run=1, sending=Sending(100, 60, late_p99_ms=40))
    assert (run.payload_bytes, run.wire_bytes, run.expected, run.lost) == (3_200, 3_600, 10, 2)
    assert [stream.socket for stream in run.streams] == ["a, socket 0", "b, socket 0"]
    assert run.harness is not None and (run.harness.loop_late_p99_ms, run.harness.sent_per_s) == (80.0, 60)
    assert any(note.startswith("b: the harness was the limit: its own event loop") for note in run.notes)
    assert any("its writer was late by 40 ms" in note for note in run.notes)
    assert not any(note.startswith("a:") for note in run.notes)


@pytest.mark.parametrize(
    ("skew", "says"),
    [
        (Skew(5.0, 0.0005, 50), ["its clock is 5,000.0 ms ahead (± 0.5 ms); its latencies count without that"]),
        (Skew(5.0, 0.050, 50), ["count without that", "100.0 ms (p50) is known to 50.0 ms only"]),
        (
            Skew(5.0, 0.0005, 50, moved_s=2.0),
            ["did not run evenly", "moved by 2,000.0 ms or more", "cannot be trusted"],
        ),
    ],
)
def test_what_is_not_known_of_clocks_is_told(skew: Skew, says: list[str]) -> None:
    """A skew, one that is larger than what it corrects, and a clock that jumped."""
    found = gathered([member("far", received([0.1] * 4), skew)])
    text = " ".join(found.notes)
    assert all(part in text for part in says)
    assert str(skew) == found.to_frame().loc["far", "clock"]


def test_early_messages_and_missing_members_are_told() -> None:
    """Who is gone has lost all, also if it was the only one."""
    found = gathered([member("a", received([0.1], early=1)), member("b", None, gone="it ended before it reported")])
    assert "a: 1 messages came before they were due, by these clocks" in found.notes
    assert found.notes[-1] == "b: it ended before it reported; the 5 messages for it count as lost"
    assert found.recording("x").lost == found.recording("x").expected - 1
    nobody = gathered([member("b", None, gone="it ended")])
    run = nobody.recording("x")
    assert (run.received, run.lost, run.harness, run.seconds) == (0, 5, None, 0.0) and NO_SAMPLES in run.notes
    assert np.isnan(run.throughput_per_s) and len(nobody.to_frame()) == 2
