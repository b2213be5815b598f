"""A verdict says what the measurement can bear, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.monitoring.watched import Watched, WatchedChannel
from helpers.report import Inputs, Verdict, build_report
from tests.report.conftest import TAKEN_AT, TARGET, profiling, reviewed, saved

HOUR = 3_600.0


def watched(hours: float, down_hours: float, *, due: int = 40_000) -> Watched:
    """One channel that was not served for a part of the time."""
    channel = WatchedChannel(
        *("broadcast", "broadcast", HOUR * hours, HOUR * down_hours, ()), due, due, 0, 0, 0, 0, None
    )
    return Watched(TARGET, TAKEN_AT, (channel,))


def verdict(inputs: Inputs, objective: str) -> Verdict:
    return next(one for one in build_report(inputs).verdicts if one.objective == objective)


@pytest.mark.parametrize(
    ("hours", "down", "word"),
    [(12, 0.0, "open"), (12, 0.02, "open"), (12, 11.0, "missed"), (24, 0.01, "met"), (24, 0.03, "missed")],
)
def test_uptime(inputs: Inputs, hours: float, down: float, word: str) -> None:
    """Half a day proves nothing, unless even a perfect rest of the day could not reach the target."""
    found = verdict(replace(inputs, monitoring=saved("monitoring", watched(hours, down))), "Uptime")  # type: ignore[arg-type]
    assert found.word == word
    assert ("a day or more is needed" in found.measure.note) is (word == "open")


def test_uptime_of_a_channel_to_which_no_message_was_due(inputs: Inputs) -> None:
    """It is not measured, and the report does not end over it."""
    found = verdict(replace(inputs, monitoring=saved("monitoring", watched(12, 0.0, due=0))), "Uptime")  # type: ignore[arg-type]
    assert found.word == "open"
    assert str(found.measure) == "not measured, because no message was due on broadcast while it was watched"


@pytest.mark.parametrize(
    ("low", "high", "word"), [(6.0, 99.0, "met"), (6.0, 101.0, "open"), (6.0, None, "open"), (100.0, None, "missed")]
)
def test_a_verdict_is_as_sure_as_the_interval(inputs: Inputs, low: float, high: float | None, word: str) -> None:
    """Met or missed only where all of the interval is; else open, with what the value alone would say."""
    found = profiling()
    assert found.connection is not None
    assert found.connection.connect_ms is not None
    connect = replace(found.connection.connect_ms, p95_ci95=(low, high))
    found = replace(found, connection=replace(found.connection, connect_ms=connect))
    judged = verdict(replace(inputs, profiling=saved("profiling", found)), "Initial connection")  # type: ignore[arg-type]
    assert judged.word == word
    assert ("met by the value, but measured too few times to be sure" in judged.measure.note) is (word == "open")


@pytest.mark.parametrize("name", ["Avg connection latency", "Message size, average"])
def test_the_interval_is_of_what_is_stated(inputs: Inputs, name: str) -> None:
    """A mean lies in the interval beside it, also where it is far from the median."""
    measure = next(one for one in build_report(inputs).performance if one.name == name)
    assert measure.value is not None
    assert measure.low is not None
    assert measure.high is not None
    assert measure.low < measure.value < measure.high
    assert "interval of the mean" in str(measure)


def test_a_result_without_an_interval_of_its_mean_leaves_the_verdict_open(inputs: Inputs) -> None:
    """Results of before there was one are judged by nothing, and still load."""
    found = profiling()
    assert found.comparison is not None
    filtered = found.comparison.filtered
    assert filtered.payload_bytes is not None
    size = replace(filtered.payload_bytes, mean_ci95=None)
    comparison = replace(found.comparison, filtered=replace(filtered, payload_bytes=size))
    result = saved("profiling", replace(found, comparison=comparison))
    judged = verdict(replace(inputs, profiling=result), "Payload size")  # type: ignore[arg-type]
    assert judged.word == "open"
    assert "met by the value, but without an interval" in judged.measure.note


def test_what_is_always_taken_in_a_lab_does_not_name_the_target(inputs: Inputs) -> None:
    """A project was measured, then its code was reviewed, which a lab does: the report is still the project's."""
    later = replace(
        saved("review", reviewed()), target="lab at http://127.0.0.1:9", taken_at="2030-01-01T00:00:00+00:00"
    )
    measured = {
        name: replace(getattr(inputs, name), target="project at x") for name in ("profiling", "diagnosis", "sync")
    }
    report = build_report(replace(inputs, review=later, **measured))  # type: ignore[arg-type]
    assert report.target == "project at x"
    assert any("--target env" in command for command in report.commands)
