"""Pictures show what was measured, and say so where nothing was."""

from __future__ import annotations

from helpers.experiments import Experiment, Measure, Metric
from helpers.experiments.pace import Flood, Reading, SlowRun, age_at
from helpers.experiments.pace.slow_results import Moment
from helpers.plots import encoding_plot, pace_plot, slow_reader_plot
from helpers.profiling.results import Skipped
from helpers.stream import Sent

SKIPPED = Skipped("the pace", "this is a test")


def experiment(metrics: list[str], arms: tuple[str, ...], settings: dict[str, str]) -> Experiment:
    measures = tuple(Measure(arm, name, "", run, 10.0 + run) for arm in arms for name in metrics for run in range(3))
    known = tuple(Metric(name, "") for name in metrics)
    return Experiment("x", "What?", "lab", "2026-01-01", "small", 1.0, arms, known, measures, settings=settings)


def test_paces_are_drawn_by_rate_and_by_effort() -> None:
    """A line for each pace, with a name; the second panel has a point for each."""
    figure = pace_plot(experiment([age_at(0.5), age_at(2), "handler's CPU", "handed over"], ("a", "b"), {}))
    left, right = figure.axes
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]
    assert [label.get_text() for label in left.get_xticklabels()] == ["0.5×", "2×"]
    assert len(right.lines) == 2 * (3 + 1)


def test_forms_are_drawn_over_sizes() -> None:
    """The weight is drawn as a multiple of the data."""
    sweep = [
        experiment(["bytes on the wire", "receiver's CPU", "server's CPU"], ("a", "b"), {"body_bytes": size})
        for size in ("64", "4096")
    ]
    figure = encoding_plot(sweep)
    assert len(figure.axes) == 3
    line = next(line for line in figure.axes[0].lines if line.get_label() == "a")
    assert list(line.get_xdata()) == [64, 4096]
    assert line.get_ydata()[0] == 11.0 / 64


def test_a_slow_reader_is_drawn_with_its_end() -> None:
    """An area for each place where bytes wait, and a line when the server gave up, and when the client heard."""
    moments = tuple(Moment(0.1 * at, 5 * at, at, 2, 1, 0.1, is_open=at < 5) for at in range(10))
    sent = Sent(messages=10, seconds=1.0, cpu_s=0.1, late_p99_ms=0.0, late_max_ms=0.0, at_s=(0.0,) * 10)
    run = SlowRun(
        reading=Reading.STOPS,
        flood=Flood(),
        target="lab",
        taken_at="2026-01-01",
        sent=sent,
        moments=moments,
        sent_bytes=tuple(10.0 * at for at in range(10)),
        on_server=(1.0,) * 10,
        handled=3,
        waiting=2,
        closed_s=0.5,
        told_s=0.8,
        reason="",
        known=True,
    )
    assert (run.lost, run.thrown_away[4], run.thrown_away[8]) == (5, 0.0, 80 - 40 - 3)
    axes = slow_reader_plot(run).axes[0]
    assert len(axes.collections) == 5
    assert [text.get_text().strip() for text in axes.texts] == ["the server gives up", "the client hears of it"]


def test_what_was_skipped_is_a_sentence() -> None:
    """In place of a picture."""
    for figure in (pace_plot(SKIPPED), slow_reader_plot(SKIPPED), encoding_plot([])):
        (axes,) = figure.axes
        assert len(axes.texts) == 1
